import { evaluationErrors } from "./errors.ts";
import type { Task } from "./spec.ts";
import { splitRole } from "./split.ts";

interface Found {
  count: number;
  firstRow: number;
}

/**
 * That a target can be learned and judged. Unused rows are not looked at. A target that is constant in evaluation is
 * no error here: metrics that need both values are then reported as undefined.
 *
 * @param target one value per row; NaN is missing; 0 or 1 for binary tasks.
 * @param roles `splitRole` of each row.
 * @throws EVALUATION_TARGET_MISSING, EVALUATION_TARGET_NOT_FINITE, EVALUATION_TARGET_NOT_BINARY,
 *   EVALUATION_TARGET_CONSTANT; rows are counted from 1 in the snapshot.
 */
export function checkTarget(
  task: Exclude<Task, "multiclass">,
  target: Float64Array,
  roles: Uint8Array,
): void {
  const missing: Found = { count: 0, firstRow: 0 };
  const infinite: Found = { count: 0, firstRow: 0 };
  const notBinary: Found = { count: 0, firstRow: 0 };
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let training = 0;
  for (let row = 0; row < target.length; row++) {
    const role = roles[row];
    if (role === splitRole.unused) continue;
    const value = target[row]!;
    if (Number.isNaN(value)) note(missing, row);
    else if (!Number.isFinite(value)) note(infinite, row);
    else if (task === "binary" && value !== 0 && value !== 1) note(notBinary, row);
    if (role !== splitRole.train) continue;
    training++;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }

  refuseMissing(missing, target.length);
  if (infinite.count > 0) {
    throw evaluationErrors.EVALUATION_TARGET_NOT_FINITE.error(
      `the target is infinite in ${rowsPhrase(infinite, target.length)}`,
      { details: { infinite: infinite.count, rows: target.length, firstRow: infinite.firstRow } },
    );
  }
  if (notBinary.count > 0) {
    const value = target[notBinary.firstRow - 1]!;
    throw evaluationErrors.EVALUATION_TARGET_NOT_BINARY.error(
      `a binary model wants a target of 0 or 1, but it is neither in ${rowsPhrase(notBinary, target.length)} (there it is ${value})`,
      { details: { count: notBinary.count, rows: target.length, firstRow: notBinary.firstRow, value } },
    );
  }
  if (lowest === highest) {
    throw evaluationErrors.EVALUATION_TARGET_CONSTANT.error(
      `the target is ${lowest} in all ${training} training rows: there is nothing to learn`,
      {
        details: { value: lowest, trainingRows: training },
        hint: "check the target's expression and the split: perhaps the other values lie in the evaluation rows only",
      },
    );
  }
}

/** Each has a tree in every iteration, and a probability in every answer. */
const MOST_CLASSES = 1000;

/**
 * That classes can be learned: every row that is used has one, and the training rows have at least two.
 *
 * @throws EVALUATION_TARGET_MISSING, EVALUATION_TARGET_CONSTANT, EVALUATION_TOO_MANY_CLASSES
 */
export function checkClasses(
  { codes, names }: { readonly codes: Float64Array; readonly names: readonly string[] },
  roles: Uint8Array,
): void {
  const missing: Found = { count: 0, firstRow: 0 };
  const learned = new Set<number>();
  for (let row = 0; row < codes.length; row++) {
    if (roles[row] === splitRole.unused) continue;
    if (Number.isNaN(codes[row]!)) note(missing, row);
    else if (roles[row] === splitRole.train) learned.add(codes[row]!);
  }
  refuseMissing(missing, codes.length);
  if (learned.size > MOST_CLASSES) {
    throw evaluationErrors.EVALUATION_TOO_MANY_CLASSES.error(
      `the target has ${learned.size.toLocaleString("en")} classes in the training rows; ${MOST_CLASSES.toLocaleString("en")} are allowed`,
      {
        details: { classes: learned.size, most: MOST_CLASSES },
        hint: 'group rare classes: classes({ … }, "other"); or, if it is a quantity, predict the number itself',
      },
    );
  }
  const [only] = learned;
  if (learned.size < 2 && only !== undefined) {
    throw evaluationErrors.EVALUATION_TARGET_CONSTANT.error(
      `the target is ${JSON.stringify(names[only])} in all training rows: there is nothing to learn`,
      {
        details: { value: names[only] ?? "" },
        hint: "check the target and the split: perhaps the other classes lie in the evaluation rows only",
      },
    );
  }
}

function refuseMissing(missing: Found, rows: number): void {
  if (missing.count === 0) return;
  throw evaluationErrors.EVALUATION_TARGET_MISSING.error(
    `the target is missing in ${rowsPhrase(missing, rows)}`,
    {
      details: { missing: missing.count, rows, firstRow: missing.firstRow },
      hint: "remove those rows from the data, or give the target a value for them",
    },
  );
}

/**
 * That weights can be used: finite, not negative, and not all zero in training.
 *
 * @throws EVALUATION_BAD_WEIGHT
 */
export function checkWeights(weights: Float64Array, roles: Uint8Array): void {
  const bad: Found = { count: 0, firstRow: 0 };
  let total = 0;
  for (let row = 0; row < weights.length; row++) {
    if (roles[row] === splitRole.unused) continue;
    const weight = weights[row]!;
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) note(bad, row);
    else if (roles[row] === splitRole.train) total += weight;
  }
  if (bad.count > 0) {
    const value = weights[bad.firstRow - 1]!;
    throw evaluationErrors.EVALUATION_BAD_WEIGHT.error(
      `the weight is missing, negative or infinite in ${rowsPhrase(bad, weights.length)} (there it is ${Number.isNaN(value) ? "missing" : value})`,
      { details: { count: bad.count, rows: weights.length, firstRow: bad.firstRow } },
    );
  }
  if (!(total > 0)) {
    throw evaluationErrors.EVALUATION_BAD_WEIGHT.error("the weights of all training rows are 0");
  }
}

function note(found: Found, row: number): void {
  if (found.count === 0) found.firstRow = row + 1;
  found.count++;
}

function rowsPhrase(found: Found, rows: number): string {
  return `${found.count} of ${rows} rows, first in row ${found.firstRow}`;
}
