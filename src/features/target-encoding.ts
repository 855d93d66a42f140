import { featuresErrors } from "./errors.ts";
import { foldCount } from "./plan.ts";

export interface EncodingRows {
  /** The category of each row: a code, −1 for one that is not known, NaN for missing. */
  readonly codes: Float64Array;
  /** NaN rows are left out. */
  readonly target: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly folds: Int32Array;
}

/**
 * The smoothed target mean of each category, `(Σ w·y + m·prior) ÷ (Σ w + m)` with m = smoothing and the prior the mean of
 * all rows (Micci-Barreca 2001), first over all rows and then once for each fold over the other folds. Each block
 * holds `size` categories, then the prior for unseen ones, then the value of missing ones.
 *
 * @param kept which codes have a value of their own; the others get the prior
 * @throws FEATURES_CANNOT_FIT when no row has a target, or sums overflow
 */
export function targetEncodingBlocks(
  rows: EncodingRows,
  kept: readonly boolean[],
  smoothing: number,
): number[][] {
  const size = kept.length;
  const width = size + 2;
  const sums = new Float64Array(foldCount * width);
  const counts = new Float64Array(foldCount * width);
  for (let row = 0; row < rows.codes.length; row++) {
    const y = rows.target[row]!;
    if (Number.isNaN(y)) continue;
    const w = rows.weights === undefined ? 1 : rows.weights[row]!;
    const code = rows.codes[row]!;
    const place = code >= 0 ? code : !Number.isNaN(code) ? size : size + 1;
    const at = rows.folds[row]! * width + place;
    sums[at] = sums[at]! + w * y;
    counts[at] = counts[at]! + w;
  }

  /** Adds up the folds other than `left`, in their order. */
  const totalOf = (from: Float64Array, place: number, left: number): number => {
    let total = 0;
    for (let fold = 0; fold < foldCount; fold++) if (fold !== left) total += from[fold * width + place]!;
    return total;
  };
  const priorWithout = (left: number): number => {
    let sum = 0;
    let count = 0;
    for (let place = 0; place < width; place++) {
      sum += totalOf(sums, place, left);
      count += totalOf(counts, place, left);
    }
    return count > 0 ? sum / count : Number.NaN;
  };
  const overall = priorWithout(-1);
  if (!Number.isFinite(overall)) {
    throw featuresErrors.FEATURES_CANNOT_FIT.error(
      "targetEncoded(): no training row has a target, or the targets are too large to add up",
    );
  }
  return Array.from({ length: foldCount + 1 }, (_, block) => {
    const left = block - 1;
    const ownPrior = priorWithout(left);
    const prior = Number.isFinite(ownPrior) ? ownPrior : overall;
    return Array.from({ length: width }, (_, place) => {
      if (place === size || kept[place] === false) return prior;
      const weight = totalOf(counts, place, left) + smoothing;
      const value = (totalOf(sums, place, left) + smoothing * prior) / weight;
      return weight > 0 && Number.isFinite(value) ? value + 0 : prior;
    });
  });
}
