import type { Aim, Subject, Task } from "../evaluation/spec.ts";
import type { Expression } from "../features/spec.ts";
import type { TrainerSpec } from "../training/spec.ts";
import { suggest } from "./closest-name.ts";
import { projectErrors } from "./errors.ts";
import { checkOwnRow } from "./expression-reads.ts";
import { expressionOf, type Flag, kindOf, type Num } from "./language.ts";
import { isValue, when } from "./values.ts";

/** What a model predicts, as plain data. */
export interface TargetSpec {
  readonly expression: Expression;
  readonly task: Task;
  /** Multiclass, where the project names its classes: the expression gives 0 for the first, 1 for the second, … */
  readonly classes?: readonly string[];
}

const classesOf: unique symbol = Symbol.for("slipway.classes");

/** A target that is one of several classes: see `classes`. */
export interface Classes {
  readonly [classesOf]: TargetSpec;
}

/**
 * A target of several classes that is no category column. Of a number, every value is a class of its own:
 *
 *     target: (row) => classes(row.stars)
 *
 * Conditions are asked in their order; the first that is true names the class, and where none is, `otherwise` does. Without
 * it such rows have no target.
 *
 *     target: (row) => classes({ cancelled: row.cancelled, late: row.delay.above(15) }, "onTime")
 *
 * @throws PROJECT_BAD_MODEL
 */
export function classes(of: Num | Readonly<Record<string, Flag>>, otherwise?: string): Classes {
  if (isValue(of)) {
    if (of[kindOf] !== "number" || otherwise !== undefined)
      throw bad("classes() takes a number, or conditions by the name of their class", CLASSES_HINT);
    return { [classesOf]: { expression: of[expressionOf], task: "multiclass" } };
  }
  if (typeof of !== "object" || of === null)
    throw bad("classes() takes a number, or conditions by the name of their class", CLASSES_HINT);
  const conditions = Object.entries(of);
  const names = [...conditions.map(([name]) => name), ...(otherwise === undefined ? [] : [otherwise])];
  if (conditions.length === 0 || names.length < 2)
    throw bad("classes() needs two classes or more", CLASSES_HINT);
  if (new Set(names).size !== names.length || names.includes("") || typeof names.at(-1) !== "string")
    throw bad("classes() needs a different name for every class", CLASSES_HINT);
  // The last condition is asked first by whoever reads inside out.
  let place: Num | number | null = otherwise === undefined ? null : names.length - 1;
  for (const [i, [, condition]] of [...conditions.entries()].reverse()) place = when(condition, i, place);
  return {
    [classesOf]: { expression: (place as Num)[expressionOf], task: "multiclass", classes: names },
  };
}

const CLASSES_HINT = 'classes({ late: row.delay.above(15) }, "onTime")';

/** @throws PROJECT_BAD_MODEL */
export function readTarget(given: unknown): TargetSpec {
  const target = targetOf(given);
  checkOwnRow(target.expression, "target");
  return target;
}

function targetOf(given: unknown): TargetSpec {
  if (isClasses(given)) return given[classesOf];
  const kind = isValue(given) ? given[kindOf] : undefined;
  if (!isValue(given) || (kind !== "flag" && kind !== "number" && kind !== "category")) {
    throw bad(
      "target must give a flag (yes or no), a number, a category column or classes(…)",
      "target: (row) => row.delay.above(15)",
    );
  }
  const expression = given[expressionOf];
  if (kind !== "category") return { expression, task: kind === "flag" ? "binary" : "regression" };
  if (expression.op !== "column" && expression.op !== "fillMissing")
    throw bad(`target: the classes of ${expression.op}() have no names`, CLASSES_HINT);
  return { expression, task: "multiclass" };
}

function isClasses(given: unknown): given is Classes {
  return typeof given === "object" && given !== null && classesOf in given;
}

/** What decides which metrics a model has. */
export function subjectOf(spec: {
  readonly target: Pick<TargetSpec, "task">;
  readonly trainer: TrainerSpec;
}): Subject {
  const { task } = spec.target;
  const aim = task === "regression" ? aimOf(spec.trainer) : undefined;
  return { task, ...(aim === undefined ? {} : { aim }) };
}

function aimOf(trainer: TrainerSpec): Aim | undefined {
  if (trainer.kind !== "gbdt") return undefined;
  if (trainer.objective === "poisson") return { kind: "count" };
  if (trainer.objective !== "quantile" || trainer.alpha === undefined) return undefined;
  return { kind: "quantile", share: trainer.alpha };
}

/**
 * That what the trainer is asked for fits the target and the features, before any data are read.
 *
 * @throws PROJECT_BAD_MODEL
 */
export function checkTrainerOf(
  trainer: TrainerSpec,
  spec: { readonly target: TargetSpec; readonly features: Readonly<Record<string, Expression>> },
): void {
  const isNumber = spec.target.task === "regression";
  if (trainer.kind !== "gbdt") return;
  const refuse = (message: string, hint: string): Error =>
    projectErrors.PROJECT_BAD_MODEL.error(`trainer: ${message}`, { details: { option: "trainer" }, hint });
  if (trainer.objective !== undefined && !isNumber)
    throw refuse(`objective "${trainer.objective}" is for targets that are numbers`, "leave it out");
  if (trainer.classWeights !== undefined && isNumber)
    throw refuse("classWeights are for yes/no targets and classes", "use weight: (row) => … for numbers");
  for (const name of Object.keys(trainer.monotone ?? {})) {
    if (!Object.hasOwn(spec.features, name))
      throw refuse(
        `monotone names "${name}", which is no feature`,
        suggest(name, Object.keys(spec.features)),
      );
  }
}

function bad(message: string, hint?: string): Error {
  return projectErrors.PROJECT_BAD_MODEL.error(message, {
    details: { option: "target" },
    ...(hint === undefined ? {} : { hint }),
  });
}
