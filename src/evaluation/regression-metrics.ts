import { assertNever, log } from "../kernel/index.ts";
import type { MetricKernel } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { type Aim, regressionMetricsOf } from "./spec.ts";

/**
 * Root mean squared error, mean absolute error, and R² = 1 − Σ(y − p)² / Σ(y − ȳ)². All of them weighted. R² is
 * undefined, thus NaN, where all labels are equal. Before them, by the rows' aim: the mean Poisson deviance, undefined where
 * a mean is not above 0; or the mean pinball loss and the share of labels up to the prediction.
 */
export function regressionKernel(scored: ScoredRows): MetricKernel {
  const { labels, predictions, weights, aim } = scored;
  const rowCount = labels.length;
  const weight = weights ?? new Float64Array(rowCount).fill(1);
  const absolute = new Float64Array(rowCount);
  const square = new Float64Array(rowCount);
  // Labels less their mean: the spread around the replicate's own mean is then a small correction, not a
  // difference of two large sums.
  const centre = weightedMean(labels, weight);
  const label = new Float64Array(rowCount);
  const labelSquare = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const error = predictions[row]! - labels[row]!;
    const centred = labels[row]! - centre;
    absolute[row] = weight[row]! * Math.abs(error);
    square[row] = weight[row]! * error * error;
    label[row] = weight[row]! * centred;
    labelSquare[row] = weight[row]! * centred * centred;
  }

  const aimed = aimedMeans(aim, scored).map((values) => values.map((value, row) => weight[row]! * value));
  const first = aimed.length;
  const sums = new Float64Array(SUM_COUNT);
  const columns: RowSums = { weight, absolute, square, label, labelSquare };
  const compute = (counts: Uint8Array, out: Float64Array): void => {
    sums.fill(0);
    for (let start = 0; start < rowCount; start += CHUNK_ROWS) {
      addRows(sums, { counts, columns, start, end: Math.min(start + CHUNK_ROWS, rowCount) });
    }
    const [total = 0, absolutes = 0, squares = 0, labelSum = 0, labelSquares = 0] = sums;
    const spread = labelSquares - (labelSum * labelSum) / total;
    for (const [metric, values] of aimed.entries())
      out[metric] = total > 0 ? weightedSum(counts, values) / total : Number.NaN;
    out[first] = total > 0 ? Math.sqrt(squares / total) : Number.NaN;
    out[first + 1] = total > 0 ? absolutes / total : Number.NaN;
    // Of equal labels rounding alone may leave a spread.
    out[first + 2] = spread > ROUNDING * labelSquares ? 1 - squares / spread : Number.NaN;
  };
  return { rowCount, metrics: regressionMetricsOf(aim), compute };
}

/** What the aim's metrics are the means of, row by row. */
function aimedMeans(aim: Aim | undefined, { labels, predictions }: ScoredRows): Float64Array[] {
  switch (aim?.kind) {
    case undefined:
      return [];
    case "count":
      return [labels.map((y, row) => poissonDeviance(y, predictions[row]!))];
    case "quantile": {
      const { share } = aim;
      return [
        labels.map((y, row) => pinballLoss(y - predictions[row]!, share)),
        labels.map((y, row) => (y <= predictions[row]! ? 1 : 0)),
      ];
    }
    default:
      return assertNever(aim);
  }
}

/** 2 (y ln(y ÷ μ) − (y − μ)), NaN where it has no value (McCullagh & Nelder 1989). */
function poissonDeviance(y: number, mean: number): number {
  if (!(mean > 0 && y >= 0)) return Number.NaN;
  return 2 * ((y > 0 ? y * log(y / mean) : 0) - (y - mean));
}

/** share · error where the prediction is too low, (1 − share) · −error where it is too high (Koenker & Bassett 1978). */
function pinballLoss(error: number, share: number): number {
  return error >= 0 ? share * error : (share - 1) * error;
}

function weightedSum(counts: Uint8Array, values: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < values.length; row++) sum += counts[row]! * values[row]!;
  return sum;
}

/** In chunks for the reason given in `binary-metrics.ts`. */
const CHUNK_ROWS = 4096;
const SUM_COUNT = 5;
const ROUNDING = 1e-12;

/** What a row adds to each of the sums. */
interface RowSums {
  readonly weight: Float64Array;
  readonly absolute: Float64Array;
  readonly square: Float64Array;
  readonly label: Float64Array;
  readonly labelSquare: Float64Array;
}

interface RowChunk {
  readonly counts: Uint8Array;
  readonly columns: RowSums;
  readonly start: number;
  readonly end: number;
}

function addRows(sums: Float64Array, { counts, columns, start, end }: RowChunk): void {
  const { weight, absolute, square, label, labelSquare } = columns;
  let [total = 0, absolutes = 0, squares = 0, labelSum = 0, labelSquares = 0] = sums;
  for (let row = start; row < end; row++) {
    const count = counts[row]!;
    total += count * weight[row]!;
    absolutes += count * absolute[row]!;
    squares += count * square[row]!;
    labelSum += count * label[row]!;
    labelSquares += count * labelSquare[row]!;
  }
  sums.set([total, absolutes, squares, labelSum, labelSquares]);
}

function weightedMean(values: Float64Array, weight: Float64Array): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    sum += weight[i]! * values[i]!;
    total += weight[i]!;
  }
  return total > 0 ? sum / total : 0;
}
