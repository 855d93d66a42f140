import type { MetricKernel } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { regressionMetrics } from "./spec.ts";

/**
 * Root mean squared error, mean absolute error, and R² = 1 − Σ(y − p)² / Σ(y − ȳ)². All of them weighted. R² is
 * undefined, thus NaN, where all labels are equal.
 */
export function regressionKernel(scored: ScoredRows): MetricKernel {
  const { labels, predictions, weights } = scored;
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

  const sums = new Float64Array(SUM_COUNT);
  const columns: RowSums = { weight, absolute, square, label, labelSquare };
  const compute = (counts: Uint8Array, out: Float64Array): void => {
    sums.fill(0);
    for (let start = 0; start < rowCount; start += CHUNK_ROWS) {
      addRows(sums, { counts, columns, start, end: Math.min(start + CHUNK_ROWS, rowCount) });
    }
    const [total = 0, absolutes = 0, squares = 0, labelSum = 0, labelSquares = 0] = sums;
    const spread = labelSquares - (labelSum * labelSum) / total;
    out[0] = total > 0 ? Math.sqrt(squares / total) : Number.NaN;
    out[1] = total > 0 ? absolutes / total : Number.NaN;
    // Of equal labels rounding alone may leave a spread.
    out[2] = spread > ROUNDING * labelSquares ? 1 - squares / spread : Number.NaN;
  };
  return { rowCount, metrics: regressionMetrics, compute };
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
