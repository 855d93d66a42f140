import { log } from "../kernel/index.ts";
import { sortedOrder } from "../stats/index.ts";
import type { MetricKernel } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { type MulticlassMetric, multiclassMetrics } from "./spec.ts";

/** Log-loss clips probabilities to this, as scikit-learn does for doubles; so does a class that no prediction says. */
const LEAST_PROBABILITY = 2.220446049250313e-16;
/** Beyond so many rows × classes, replicates leave out the AUC, which sorts by every class. */
const MOST_RANKED = 4_000_000;

const METRIC_INDEX = Object.fromEntries(multiclassMetrics.map((name, index) => [name, index])) as Readonly<
  Record<MulticlassMetric, number>
>;

/** The class predicted for each row: the most probable one, the first among equals. */
export function predictedClasses(predictions: Float64Array, classes: number): Int32Array {
  const predicted = new Int32Array(predictions.length / classes);
  for (let row = 0; row < predicted.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if (predictions[row * classes + k]! > predictions[row * classes + best]!) best = k;
    predicted[row] = best;
  }
  return predicted;
}

/**
 * Log-loss, accuracy, the mean recall of the classes that occur (balanced accuracy), the F1 of each class averaged over
 * those that occur or are predicted (macro) or by their rows (weighted), the F1 of all decisions together (micro: with one
 * class a row the same as accuracy), the AUC of each class against the rest averaged over those that occur, and the shares of
 * rows whose class is among the k most probable. All of them weighted, and as scikit-learn defines them; a quotient without
 * divisor counts as 0 in averages. Undefined, thus NaN: AUC where a single class occurs, top-k where there are no more
 * classes than k.
 */
export function multiclassKernel(scored: ScoredRows): MetricKernel {
  const { labels, predictions, weights } = scored;
  const rowCount = labels.length;
  const classes = scored.classes?.length ?? 0;
  const allClasses = classes + (scored.unseenClasses?.length ?? 0);
  const weight = weights ?? new Float64Array(rowCount).fill(1);
  const predicted = predictedClasses(predictions, classes);
  const loss = new Float64Array(rowCount);
  // How many classes are more probable than the true one.
  const rank = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const label = labels[row]!;
    const own = label < classes ? predictions[row * classes + label]! : 0;
    loss[row] = -log(Math.max(own, LEAST_PROBABILITY));
    rank[row] = label < classes ? rankOf(predictions, { row, classes, label }) : classes;
  }

  const truth = new Float64Array(allClasses);
  const guesses = new Float64Array(allClasses);
  const hits = new Float64Array(allClasses);
  const within = new Float64Array(TOP.length);
  const rankings =
    rowCount * classes <= MOST_RANKED
      ? Array.from({ length: classes }, (_, label) => classRanking(scored, label))
      : undefined;

  const compute = (counts: Uint8Array, out: Float64Array): void => {
    for (const sums of [truth, guesses, hits, within]) sums.fill(0);
    let total = 0;
    let losses = 0;
    for (let row = 0; row < rowCount; row++) {
      const w = counts[row]! * weight[row]!;
      const label = labels[row]!;
      total += w;
      losses += w * loss[row]!;
      truth[label] = truth[label]! + w;
      guesses[predicted[row]!] = guesses[predicted[row]!]! + w;
      if (predicted[row] === label) hits[label] = hits[label]! + w;
      for (let i = 0; i < TOP.length; i++) if (rank[row]! < TOP[i]!) within[i] = within[i]! + w;
    }
    const right = hits.reduce((sum, own) => sum + own, 0);
    out[METRIC_INDEX.logLoss] = quotient(losses, total);
    out[METRIC_INDEX.accuracy] = quotient(right, total);
    out[METRIC_INDEX.microF1] = quotient(right, total);
    setAverages(out, { truth, guesses, hits, total });
    out[METRIC_INDEX.auc] =
      rankings === undefined ? Number.NaN : meanOf(rankings.map((ranking) => aucOf(ranking, weight, counts)));
    for (const [i, top] of TOP.entries())
      out[METRIC_INDEX[`top${top}`]] = classes > top ? quotient(within[i]!, total) : Number.NaN;
  };
  const meanAuc = (): number =>
    meanOf(Array.from({ length: classes }, (_, label) => classAuc(scored, label)));
  return {
    rowCount,
    metrics: multiclassMetrics,
    compute,
    ...(rankings === undefined ? { onlyOnce: new Map([[METRIC_INDEX.auc, meanAuc]]) } : {}),
  };
}

const TOP = [2, 3, 5] as const;

interface ClassSums {
  readonly truth: Float64Array;
  readonly guesses: Float64Array;
  readonly hits: Float64Array;
  readonly total: number;
}

function setAverages(out: Float64Array, { truth, guesses, hits, total }: ClassSums): void {
  let recalls = 0;
  let occurring = 0;
  let scores = 0;
  let spoken = 0;
  let weighted = 0;
  for (let k = 0; k < truth.length; k++) {
    const score = truth[k]! + guesses[k]! > 0 ? (2 * hits[k]!) / (truth[k]! + guesses[k]!) : 0;
    if (truth[k]! > 0) {
      recalls += hits[k]! / truth[k]!;
      occurring++;
      weighted += truth[k]! * score;
    }
    if (truth[k]! > 0 || guesses[k]! > 0) {
      scores += score;
      spoken++;
    }
  }
  out[METRIC_INDEX.balancedAccuracy] = quotient(recalls, occurring);
  out[METRIC_INDEX.macroF1] = quotient(scores, spoken);
  out[METRIC_INDEX.weightedF1] = quotient(weighted, total);
}

/** Ties are decided as for the predicted class: for the class that comes first. */
function rankOf(
  predictions: Float64Array,
  { row, classes, label }: { row: number; classes: number; label: number },
): number {
  const own = predictions[row * classes + label]!;
  let rank = 0;
  for (let k = 0; k < classes; k++) {
    const other = predictions[row * classes + k]!;
    if (other > own || (other === own && k < label)) rank++;
  }
  return rank;
}

/** Rows in ascending order of the probability of one class. */
interface ClassRanking {
  readonly rows: Uint32Array;
  /** By rank: 1 where a run of equal probabilities ends. */
  readonly endsTie: Uint8Array;
  /** By row: 1 for rows of the class. */
  readonly isOwn: Uint8Array;
}

function classRanking({ labels, predictions, classes = [] }: ScoredRows, label: number): ClassRanking {
  const own = new Float64Array(labels.length);
  for (let row = 0; row < own.length; row++) own[row] = predictions[row * classes.length + label]!;
  const rows = sortedOrder(own);
  const endsTie = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++)
    endsTie[i] = i + 1 === rows.length || own[rows[i + 1]!] !== own[rows[i]!] ? 1 : 0;
  return { rows, endsTie, isOwn: Uint8Array.from(labels, (value) => (value === label ? 1 : 0)) };
}

/** The AUC of one class against the rest, NaN where only one of the two occurs. */
export function classAuc(scored: ScoredRows, label: number): number {
  const { length } = scored.labels;
  const weight = scored.weights ?? new Float64Array(length).fill(1);
  return aucOf(classRanking(scored, label), weight, new Uint8Array(length).fill(1));
}

function aucOf({ rows, endsTie, isOwn }: ClassRanking, weight: Float64Array, counts: Uint8Array): number {
  let area = 0;
  let others = 0;
  let own = 0;
  let tiedOwn = 0;
  let tiedOthers = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const w = counts[row]! * weight[row]!;
    if (isOwn[row] === 1) tiedOwn += w;
    else tiedOthers += w;
    if (endsTie[i] === 0) continue;
    area += tiedOwn * (others + 0.5 * tiedOthers);
    own += tiedOwn;
    others += tiedOthers;
    tiedOwn = 0;
    tiedOthers = 0;
  }
  return quotient(area, own * others);
}

/** Of those that are defined. */
function meanOf(values: readonly number[]): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return quotient(sum, count);
}

/** NaN, and never an infinity, where the divisor is 0. */
function quotient(dividend: number, divisor: number): number {
  return divisor > 0 ? dividend / divisor : Number.NaN;
}
