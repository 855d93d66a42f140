import { log, log1p } from "../kernel/index.ts";
import { sortedOrder } from "../stats/index.ts";
import type { MetricKernel } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { type BinaryMetric, binaryMetrics } from "./spec.ts";

/** Log-loss clips probabilities to [2^−52, 1 − 2^−52], as scikit-learn does for doubles. */
const LEAST_PROBABILITY = 2.220446049250313e-16;
/** A prediction of ½ or more says 1. */
export const decisionThreshold = 0.5;

const METRIC_INDEX = Object.fromEntries(binaryMetrics.map((name, index) => [name, index])) as Readonly<
  Record<BinaryMetric, number>
>;

/** −log of the probability given to what was true, in nats. */
export function logLossOf(label: number, probability: number): number {
  const clipped = Math.min(Math.max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY);
  return label === 1 ? -log(clipped) : -log1p(-clipped);
}

/** Positions in descending order of the prediction, with the ends of runs of equal ones. */
interface Ranking {
  readonly rows: Uint32Array;
  /** 1 at the last of each run of equal predictions. */
  readonly endsTie: Uint8Array;
  /** How many predictions reach the decision threshold. */
  readonly positives: number;
}

function rankingOf(predictions: Float64Array): Ranking {
  const rows = sortedOrder(predictions).reverse();
  const endsTie = new Uint8Array(rows.length);
  let positives = 0;
  for (let i = 0; i < rows.length; i++) {
    const prediction = predictions[rows[i]!]!;
    if (i + 1 === rows.length || predictions[rows[i + 1]!] !== prediction) endsTie[i] = 1;
    if (prediction >= decisionThreshold) positives = i + 1;
  }
  return { rows, endsTie, positives };
}

/**
 * Area under the ROC curve (ties count half), log-loss, Brier score, average precision (Σ (Rₙ − Rₙ₋₁) Pₙ over the
 * distinct predictions, without interpolation), and accuracy, precision, recall and F1 at the threshold ½. All of
 * them weighted. Undefined, thus NaN: AUC without both labels, average precision and recall without a positive,
 * precision without a predicted positive, F1 with neither.
 */
export function binaryKernel(scored: ScoredRows): MetricKernel {
  const { labels, predictions, weights } = scored;
  const rowCount = labels.length;
  const { rows, endsTie, positives } = rankingOf(predictions);
  const weight = weights ?? new Float64Array(rowCount).fill(1);
  const loss = new Float64Array(rowCount);
  const square = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const error = predictions[row]! - labels[row]!;
    loss[row] = weight[row]! * logLossOf(labels[row]!, predictions[row]!);
    square[row] = weight[row]! * error * error;
  }
  // Weights of the two labels, by rank.
  const positiveWeight = new Float64Array(rowCount);
  const negativeWeight = new Float64Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    const row = rows[i]!;
    if (labels[row] === 1) positiveWeight[i] = weight[row]!;
    else negativeWeight[i] = weight[row]!;
  }

  const sums = new Float64Array(SUM_COUNT);
  const ranked: RankedWeights = { rows, endsTie, positive: positiveWeight, negative: negativeWeight };
  const compute = (counts: Uint8Array, out: Float64Array): void => {
    sums.fill(0);
    for (let start = 0; start < rowCount; start += CHUNK_ROWS) {
      addLosses(sums, { counts, loss, square, start, end: Math.min(start + CHUNK_ROWS, rowCount) });
    }
    for (let next = 0; next < positives; ) {
      next = addRanks(sums, { counts, ranked, start: next, end: Math.min(next + CHUNK_ROWS, positives) });
    }
    const trueAtThreshold = sums[TRUE_POSITIVES]!;
    const falseAtThreshold = sums[FALSE_POSITIVES]!;
    for (let next = positives; next < rowCount; ) {
      next = addRanks(sums, { counts, ranked, start: next, end: Math.min(next + CHUNK_ROWS, rowCount) });
    }

    const truePositives = sums[TRUE_POSITIVES]!;
    const falsePositives = sums[FALSE_POSITIVES]!;
    const total = truePositives + falsePositives;
    out[METRIC_INDEX.auc] = quotient(sums[AREA]!, truePositives * falsePositives);
    out[METRIC_INDEX.logLoss] = quotient(sums[LOSSES]!, total);
    out[METRIC_INDEX.brier] = quotient(sums[SQUARES]!, total);
    out[METRIC_INDEX.prAuc] = quotient(sums[PRECISIONS]!, truePositives);
    out[METRIC_INDEX.accuracy] = quotient(trueAtThreshold + falsePositives - falseAtThreshold, total);
    out[METRIC_INDEX.precision] = quotient(trueAtThreshold, trueAtThreshold + falseAtThreshold);
    out[METRIC_INDEX.recall] = quotient(trueAtThreshold, truePositives);
    out[METRIC_INDEX.f1] = quotient(2 * trueAtThreshold, trueAtThreshold + falseAtThreshold + truePositives);
  };
  return { rowCount, metrics: binaryMetrics, compute };
}

// Sums over rows. They run in chunks through two small functions called often: engines compile those once and for
// good, while one long loop, entered a few hundred times, is left half optimised at several times the cost.
const CHUNK_ROWS = 4096;
const LOSSES = 0;
const SQUARES = 1;
const TRUE_POSITIVES = 2;
const FALSE_POSITIVES = 3;
const AREA = 4;
const PRECISIONS = 5;
const SUM_COUNT = 6;

interface LossChunk {
  readonly counts: Uint8Array;
  readonly loss: Float64Array;
  readonly square: Float64Array;
  readonly start: number;
  readonly end: number;
}

function addLosses(sums: Float64Array, { counts, loss, square, start, end }: LossChunk): void {
  let losses = sums[LOSSES]!;
  let squares = sums[SQUARES]!;
  for (let row = start; row < end; row++) {
    const count = counts[row]!;
    losses += count * loss[row]!;
    squares += count * square[row]!;
  }
  sums[LOSSES] = losses;
  sums[SQUARES] = squares;
}

/** By rank. */
interface RankedWeights {
  readonly rows: Uint32Array;
  readonly endsTie: Uint8Array;
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

interface RankChunk {
  readonly counts: Uint8Array;
  readonly ranked: RankedWeights;
  readonly start: number;
  readonly end: number;
}

/** Goes on to the end of the last run of equal predictions that starts before `end`, and returns where that is. */
function addRanks(sums: Float64Array, { counts, ranked, start, end }: RankChunk): number {
  const { rows, endsTie, positive, negative } = ranked;
  let truePositives = sums[TRUE_POSITIVES]!;
  let falsePositives = sums[FALSE_POSITIVES]!;
  let area = sums[AREA]!;
  let precisions = sums[PRECISIONS]!;
  let rank = start;
  while (rank < end) {
    let count = counts[rows[rank]!]!;
    let tiedPositives = count * positive[rank]!;
    let tiedNegatives = count * negative[rank]!;
    while (endsTie[rank] === 0) {
      rank++;
      count = counts[rows[rank]!]!;
      tiedPositives += count * positive[rank]!;
      tiedNegatives += count * negative[rank]!;
    }
    rank++;
    area += tiedNegatives * (truePositives + 0.5 * tiedPositives);
    truePositives += tiedPositives;
    falsePositives += tiedNegatives;
    // The least double changes no sum but 0, and spares a branch that would be guessed wrong half the time.
    precisions += (tiedPositives * truePositives) / (truePositives + falsePositives + Number.MIN_VALUE);
  }
  sums[TRUE_POSITIVES] = truePositives;
  sums[FALSE_POSITIVES] = falsePositives;
  sums[AREA] = area;
  sums[PRECISIONS] = precisions;
  return rank;
}

/** NaN, and never an infinity, where the divisor is 0. */
function quotient(dividend: number, divisor: number): number {
  return divisor > 0 ? dividend / divisor : Number.NaN;
}
