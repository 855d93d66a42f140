import { checkExpression, type Expression } from "../../features/index.ts";
import type { OriginInput } from "../../inference/index.ts";
import type { ColumnType } from "../../kernel/index.ts";
import { trainingErrors } from "../errors.ts";
import type { ForeignModel } from "./foreign-model.ts";
import { isNumbered, plainName } from "./input-names.ts";

export interface NamedFeature {
  readonly name: string;
  readonly expression: Expression;
}

/** What has names that a file's labels can be compared with. */
const NAMED: readonly Expression["op"][] = ["column", "custom", "fillMissing", "dayOfWeek"];
/** Codes that mean the same whatever rows they are learned from. */
const CODED: readonly Expression["op"][] = ["dayOfWeek", "hashed"];
const LISTED = 8;

/**
 * Features for a model that was trained elsewhere. A category whose labels the file holds becomes the place of its text among
 * them; codes of our own making would mean something else there, and are refused.
 *
 * @param columns type of each column of the dataset by its name
 * @throws TRAINING_MODEL_MISMATCH
 */
export function matchCategories(
  features: readonly NamedFeature[],
  model: Pick<ForeignModel, "file" | "trees">,
  columns: Readonly<Record<string, ColumnType>>,
): NamedFeature[] {
  const { file, trees } = model;
  const inputs = new Map(trees?.inputs.map((input) => [input.name, input]));
  const inputOf = (name: string) => inputs.get(name) ?? inputs.get(plainName(name));
  const hasNames =
    trees?.inputs.some(({ name }, place) => !isNumbered(name, place)) === true ||
    features.some(({ name }) => inputOf(name) !== undefined);
  return features.map(({ name, expression }) => {
    const input = inputOf(name);
    // A feature that the file does not know at all is told when the names are compared.
    if (input === undefined && hasNames) return { name, expression };
    return { name, expression: matched(name, expression, { file, input, columns }) };
  });
}

interface Match {
  readonly file: string;
  /** The input of the file that is called like the feature. */
  readonly input: OriginInput | undefined;
  readonly columns: Readonly<Record<string, ColumnType>>;
}

function matched(name: string, expression: Expression, { file, input, columns }: Match): Expression {
  const labels = input?.categories;
  const isCategory = checkExpression(expression, columns) === "category";
  const { op } = expression;
  const refuse = (fault: string, hint: string): Error =>
    trainingErrors.TRAINING_MODEL_MISMATCH.error(
      `the model in ${file} does not fit: feature "${name}" ${fault}`,
      {
        details: { feature: name, fault },
        hint,
      },
    );
  if (labels === undefined) {
    if (!isCategory || CODED.includes(op)) return expression;
    throw refuse(
      "is a category, and the file does not say which code each of its texts has",
      NAMED.includes(op)
        ? 'Say it: ordinal({ order: ["the text of code 0", "the text of code 1", …] }).'
        : "Make a number of it that means the same wherever it is learned.",
    );
  }
  if (isCategory && NAMED.includes(op))
    return { op: "ordinal", args: [expression], order: labels, ...EVERY_CATEGORY };
  const listed = `${labels.slice(0, LISTED).join(", ")}${labels.length > LISTED ? ", …" : ""}`;
  if (op === "ordinal" && expression.order !== undefined) {
    const { order } = expression;
    const place = Math.max(order.length, labels.length);
    const differs = Array.from({ length: place }).findIndex((_, code) => order[code] !== labels[code]);
    if (differs === -1) return expression;
    throw refuse(
      `gives code ${differs} to ${quoted(order[differs])}, the file to ${quoted(labels[differs])}`,
      "Leave ordinal() out: the file holds the order.",
    );
  }
  // A code that is spelled as a number is that number.
  if (!isCategory && labels.every((label, code) => label === String(code))) return expression;
  throw refuse(
    isCategory
      ? `is made by ${op}(), and the file takes the labels ${listed}`
      : `is a number, and the file takes the labels ${listed}`,
    "Declare the column as a category in the dataset, and give it as it is.",
  );
}

const EVERY_CATEGORY = { maxCategories: 10_000, minCount: 1 } as const;

function quoted(label: string | undefined): string {
  return label === undefined ? "nothing" : JSON.stringify(label);
}
