import { assertNever } from "../kernel/index.ts";
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
export function checkTrainingData(data: TrainingData): void {
  const { train, validate } = data;
  const classes = data.classes?.length ?? 0;
  if (data.task === "multiclass" && classes < 2) {
    throw trainingErrors.TRAINING_BAD_TARGET.error(
      `a multiclass target has two classes or more, not ${classes}`,
    );
  }
  const wanted = wantedTarget(data);
  if (train.matrix.columns.length === 0) {
    throw trainingErrors.TRAINING_NO_FEATURES.error("the model has no features to learn from", {
      hint: "Name at least one feature in the model's `features`.",
    });
  }
  checkSet("training", train, wanted);
  checkVaries(train);
  if (validate === undefined) return;
  checkSet("validation", validate, wanted);
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

function checkSet(what: string, set: TrainingSet, wanted: WantedTarget): void {
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
  checkTarget(what, set.target, wanted);
  if (set.weights !== undefined) checkWeights(what, set.weights);
}

interface WantedTarget {
  readonly isSound: (value: number) => boolean;
  readonly inWords: string;
}

function wantedTarget({ task, classes }: TrainingData): WantedTarget {
  switch (task) {
    case "binary":
      return { isSound: (value) => value === 0 || value === 1, inWords: "a binary target must be 0 or 1" };
    case "multiclass": {
      const count = classes?.length ?? 0;
      return {
        isSound: (value) => Number.isInteger(value) && value >= 0 && value < count,
        inWords: `a multiclass target must be the number of a class, 0 to ${count - 1}`,
      };
    }
    case "regression":
      return {
        isSound: (value) => value >= -LARGEST_TARGET && value <= LARGEST_TARGET,
        inWords: "a regression target must be a number between −1e100 and 1e100",
      };
    default:
      return assertNever(task);
  }
}

/**
 * That the targets of a Poisson regression can be counts: fractions are allowed, as for rates with weights.
 *
 * @throws TRAINING_BAD_TARGET
 */
export function checkCounts({ train, validate }: TrainingData): void {
  const isSound = (value: number) => value >= 0;
  const inWords = 'objective "poisson" wants counts, numbers of at least 0';
  checkTarget("training", train.target, { isSound, inWords });
  if (validate !== undefined) checkTarget("validation", validate.target, { isSound, inWords });
}

function checkTarget(what: string, target: Float64Array, { isSound, inWords }: WantedTarget): void {
  const row = target.findIndex((value) => !isSound(value));
  if (row === -1) return;
  const value = target[row]!;
  throw trainingErrors.TRAINING_BAD_TARGET.error(
    Number.isNaN(value)
      ? `the target is missing in ${what} row ${row}`
      : `the target is ${value} in ${what} row ${row}; ${inWords}`,
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
