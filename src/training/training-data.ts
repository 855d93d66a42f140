import { trainingErrors } from "./errors.ts";
import type { TrainingData, TrainingSet } from "./trainer.ts";

/** Beyond this, squares of gradients overflow. */
const LARGEST_TARGET = 1e100;

/**
 * Checks what trainers take for granted.
 *
 * @throws TRAINING_NO_ROWS, TRAINING_NO_FEATURES, TRAINING_WRONG_SHAPE, TRAINING_BAD_TARGET,
 * TRAINING_CONSTANT_TARGET, TRAINING_BAD_WEIGHT
 */
export function checkTrainingData({ task, train, validate }: TrainingData): void {
  if (train.matrix.columns.length === 0) {
    throw trainingErrors.TRAINING_NO_FEATURES.error("the model has no features to learn from", {
      hint: "Name at least one feature in the model's `features`.",
    });
  }
  checkSet("training", train, task);
  checkVaries(train);
  if (validate === undefined) return;
  checkSet("validation", validate, task);
  const { columns } = train.matrix;
  const differs = columns.findIndex(
    ({ name, kind }, i) =>
      validate.matrix.columns[i]?.name !== name || validate.matrix.columns[i]?.kind !== kind,
  );
  if (differs !== -1 || validate.matrix.columns.length !== columns.length) {
    throw trainingErrors.TRAINING_WRONG_SHAPE.error(
      `validation column ${differs} is not "${columns[differs]?.name}" as in the training matrix`,
    );
  }
}

function checkSet(what: string, set: TrainingSet, task: TrainingData["task"]): void {
  const { rowCount, columns, values } = set.matrix;
  if (rowCount === 0) {
    throw trainingErrors.TRAINING_NO_ROWS.error(`there are no ${what} rows`, {
      details: { set: what },
      hint: "Look at the model's `split`: it leaves no rows for this part.",
    });
  }
  const lengths: [string, number | undefined][] = [
    ["target", set.target.length],
    ["weights", set.weights?.length ?? rowCount],
    ...columns.map(({ name }, i): [string, number | undefined] => [`feature "${name}"`, values[i]?.length]),
  ];
  for (const [name, length] of lengths) {
    if (length === rowCount) continue;
    throw trainingErrors.TRAINING_WRONG_SHAPE.error(
      `${name} has ${length ?? "no"} values for ${rowCount} ${what} rows`,
      { details: { set: what, column: name } },
    );
  }
  checkTarget(what, set.target, task);
  if (set.weights !== undefined) checkWeights(what, set.weights);
}

function checkTarget(what: string, target: Float64Array, task: TrainingData["task"]): void {
  const isBad =
    task === "binary"
      ? (value: number) => value !== 0 && value !== 1
      : (value: number) => !(value >= -LARGEST_TARGET && value <= LARGEST_TARGET);
  const row = target.findIndex(isBad);
  if (row === -1) return;
  const value = target[row]!;
  throw trainingErrors.TRAINING_BAD_TARGET.error(
    Number.isNaN(value)
      ? `the target is missing in ${what} row ${row}`
      : `the target is ${value} in ${what} row ${row}; a ${task} target must be ${task === "binary" ? "0 or 1" : "a number between −1e100 and 1e100"}`,
    {
      details: { set: what, row, value: String(value) },
      ...(Number.isNaN(value) ? { hint: "Leave out rows without a target, or define one for them." } : {}),
    },
  );
}

function checkWeights(what: string, weights: Float64Array): void {
  const row = weights.findIndex((weight) => !(weight >= 0 && weight <= LARGEST_TARGET));
  if (row !== -1) {
    throw trainingErrors.TRAINING_BAD_WEIGHT.error(
      `the weight is ${weights[row]} in ${what} row ${row}; weights are numbers of at least 0`,
      { details: { set: what, row, value: String(weights[row]) } },
    );
  }
  if (weights.every((weight) => weight === 0))
    throw trainingErrors.TRAINING_BAD_WEIGHT.error(`all weights of the ${what} rows are 0`);
}

/** Rows without weight say nothing. */
function checkVaries({ target, weights }: TrainingSet): void {
  const counts = (row: number) => weights === undefined || weights[row]! > 0;
  const first = target.findIndex((_, row) => counts(row));
  for (let row = first + 1; row < target.length; row++)
    if (target[row] !== target[first] && counts(row)) return;
  throw trainingErrors.TRAINING_CONSTANT_TARGET.error(
    `the target is ${target[first]} in all ${target.length} training rows, so there is nothing to learn`,
    { details: { value: target[first]!, rows: target.length } },
  );
}
