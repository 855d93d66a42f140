import { checkClasses, checkTarget, splitRole } from "../evaluation/index.ts";
import { evaluateClasses, evaluateExpression } from "../features/index.ts";
import type { ColumnType, Table } from "../kernel/index.ts";
import type { Recipe } from "./recipe.ts";

/** The target of every row of a snapshot, as trainers and metrics want it. */
export interface LearnedTarget {
  /** 0 or 1, a number, or the number of a class. */
  readonly values: Float64Array;
  /** Multiclass: the classes that training rows have, in the order of their numbers. */
  readonly classes?: readonly string[];
  /** Multiclass: classes that only other rows have; their numbers come after those of `classes`. */
  readonly unseenClasses?: readonly string[];
}

/**
 * Evaluates the target and checks that it can be learned. Which classes a model has is decided by its training rows alone:
 * what evaluation rows say must not change the model.
 *
 * @param roles `splitRole` of each row
 * @throws EVALUATION_TARGET_*, EVALUATION_TOO_MANY_CLASSES, FEATURES_BAD_EXPRESSION
 */
export function learnTarget(
  { task, expression, classes: declared }: Recipe["target"],
  {
    columns,
    table,
    roles,
  }: { columns: Readonly<Record<string, ColumnType>>; table: Table; roles: Uint8Array },
): LearnedTarget {
  if (task !== "multiclass") {
    const values = evaluateExpression(expression, columns, table);
    checkTarget(task, values, roles);
    return { values };
  }
  const { codes, names } =
    declared === undefined
      ? evaluateClasses(expression, columns, table)
      : { codes: evaluateExpression(expression, columns, table), names: declared };
  checkClasses({ codes, names }, roles);
  const isLearned = new Uint8Array(names.length);
  const occurs = new Uint8Array(names.length);
  for (let row = 0; row < codes.length; row++) {
    if (roles[row] === splitRole.unused) continue;
    occurs[codes[row]!] = 1;
    if (roles[row] === splitRole.train) isLearned[codes[row]!] = 1;
  }
  const places = [...names.keys()];
  const learned = places.filter((place) => isLearned[place] === 1);
  const unseen = places.filter((place) => occurs[place] === 1 && isLearned[place] === 0);
  const numbers = new Map([...learned, ...unseen].map((place, number) => [place, number]));
  return {
    values: codes.map((code) => numbers.get(code) ?? Number.NaN),
    classes: learned.map((place) => names[place]!),
    unseenClasses: unseen.map((place) => names[place]!),
  };
}
