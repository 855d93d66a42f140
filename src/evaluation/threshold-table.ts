import type { ScoredRows } from "./scored-rows.ts";

/** What happens when predictions of `threshold` or more are taken as positive. Counts are sums of weights. */
export interface ThresholdRow {
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
  /** `null` without a predicted positive. */
  readonly precision: number | null;
  /** `null` without a positive. */
  readonly recall: number | null;
  /** `null` with neither. */
  readonly f1: number | null;
  readonly accuracy: number | null;
}

/** 0.05, 0.1, … 0.95. */
const THRESHOLDS = Array.from({ length: 19 }, (_, index) => (index + 1) / 20);

/** The confusion counts at 19 thresholds, every twentieth. */
export function thresholdTable(scored: ScoredRows): readonly ThresholdRow[] {
  const { labels, predictions, weights } = scored;
  // Weight per label of the rows that reach exactly the first i thresholds.
  const positives = new Float64Array(THRESHOLDS.length + 1);
  const negatives = new Float64Array(THRESHOLDS.length + 1);
  for (let row = 0; row < labels.length; row++) {
    const prediction = predictions[row]!;
    let reached = Math.min(Math.floor(prediction * 20), THRESHOLDS.length);
    // The product may be rounded across the threshold; the comparison decides.
    if (reached < THRESHOLDS.length && prediction >= THRESHOLDS[reached]!) reached++;
    else if (reached > 0 && prediction < THRESHOLDS[reached - 1]!) reached--;
    const sums = labels[row] === 1 ? positives : negatives;
    sums[reached]! += weights?.[row] ?? 1;
  }
  const rows: ThresholdRow[] = [];
  let truePositives = 0;
  let falsePositives = 0;
  const allPositives = sum(positives);
  const allNegatives = sum(negatives);
  for (let i = THRESHOLDS.length - 1; i >= 0; i--) {
    truePositives += positives[i + 1]!;
    falsePositives += negatives[i + 1]!;
    const falseNegatives = allPositives - truePositives;
    const trueNegatives = allNegatives - falsePositives;
    rows.push({
      threshold: THRESHOLDS[i]!,
      truePositives,
      falsePositives,
      trueNegatives,
      falseNegatives,
      precision: quotient(truePositives, truePositives + falsePositives),
      recall: quotient(truePositives, allPositives),
      f1: quotient(2 * truePositives, truePositives + falsePositives + allPositives),
      accuracy: quotient(truePositives + trueNegatives, allPositives + allNegatives),
    });
  }
  return rows.reverse();
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function quotient(dividend: number, divisor: number): number | null {
  return divisor > 0 ? dividend / divisor : null;
}
