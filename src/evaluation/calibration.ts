import { sortedOrder } from "../stats/index.ts";
import type { ScoredRows } from "./scored-rows.ts";

/** One bin of predictions; means are weighted. */
export interface CalibrationBin {
  readonly rows: number;
  /** Mean prediction. */
  readonly predicted: number;
  /** Share of positives. */
  readonly observed: number;
  /** Smallest and largest prediction of the bin. */
  readonly from: number;
  readonly to: number;
}

export interface Calibration {
  readonly bins: readonly CalibrationBin[];
  /** Expected calibration error: Σ weight share of the bin × |observed − predicted|. `null` when all weights are 0. */
  readonly ece: number | null;
}

/**
 * Predicted against observed by at most `binCount` bins of equal count of rows, in ascending order. Equal predictions
 * are never separated, so bins may differ in size and be fewer. Bins whose weights are all 0 are left out.
 */
export function calibrationOf(scored: ScoredRows, binCount = 10): Calibration {
  const { labels, predictions, weights } = scored;
  const order = sortedOrder(predictions);
  const bins: CalibrationBin[] = [];
  let gaps = 0;
  let totalWeight = 0;
  let start = 0;
  for (let bin = 1; bin <= binCount && start < order.length; bin++) {
    let end = Math.max(Math.round((order.length * bin) / binCount), start + 1);
    while (end < order.length && predictions[order[end]!] === predictions[order[end - 1]!]) end++;
    let weight = 0;
    let predicted = 0;
    let observed = 0;
    for (let i = start; i < end; i++) {
      const row = order[i]!;
      const w = weights?.[row] ?? 1;
      weight += w;
      predicted += w * predictions[row]!;
      observed += w * labels[row]!;
    }
    if (weight > 0) {
      bins.push({
        rows: end - start,
        predicted: predicted / weight,
        observed: observed / weight,
        from: predictions[order[start]!]!,
        to: predictions[order[end - 1]!]!,
      });
      gaps += Math.abs(observed - predicted);
      totalWeight += weight;
    }
    start = end;
  }
  return { bins, ece: totalWeight > 0 ? gaps / totalWeight : null };
}
