import { BIN_BYTES } from "./bin-bytes.ts";
import { findMonotoneSplit } from "./monotone-split.ts";
import { keep, type SearchContext, type SearchTarget, type SplitCandidate } from "./split-candidate.ts";

/**
 * Improves `best` by the best threshold of a numeric feature. Where the leaf has missing values, they are tried on
 * either side, and alone on the right; where it has none, they follow the larger child.
 */
export function findNumericSplit(context: SearchContext, target: SearchTarget, best: SplitCandidate): void {
  if (context.monotone !== undefined) {
    findMonotoneSplit(context, target, { best, direction: context.monotone[target.position]! });
    return;
  }
  const { leaf } = target;
  const { valueBins, hasMissing } = target.feature;
  const missingAt = (target.at + valueBins * BIN_BYTES) >>> 2;
  // The second integer of a bin is 0 when it has no rows.
  const isMissing = hasMissing && (context.words[missingAt + 2]! | context.words[missingAt + 3]!) !== 0;
  const last = target.at + (valueBins - 1) * BIN_BYTES;
  const { scanned, spec } = context;
  // From the right: missing values stay with the left side.
  let moved = scan(context, target, { bin: last, step: -BIN_BYTES, bins: valueBins - 1, best });
  if (moved > 0) {
    keep(best, { gain: scanned[0]!, position: target.position, l2: spec.l2 });
    best.lastLeftBin = valueBins - 1 - moved;
    best.left.gradient = leaf.gradient - scanned[1]!;
    best.left.hessian = leaf.hessian - scanned[2]!;
    best.left.rows = leaf.rows - scanned[3]!;
    best.missingLeft = isMissing || best.left.rows * 2 >= leaf.rows;
  }
  if (!isMissing) return;
  moved = scan(context, target, { bin: target.at, step: BIN_BYTES, bins: valueBins, best });
  if (moved > 0) {
    keep(best, { gain: scanned[0]!, position: target.position, l2: spec.l2 });
    best.lastLeftBin = moved - 1;
    best.left.gradient = scanned[1]!;
    best.left.hessian = scanned[2]!;
    best.left.rows = scanned[3]!;
    best.missingLeft = false;
  }
}

function scan(
  { kernels, scannedAt }: SearchContext,
  { leaf, gradientUnit, hessianUnit, wholeGain }: SearchTarget,
  from: { bin: number; step: number; bins: number; best: SplitCandidate },
): number {
  if (from.bins === 0) return 0;
  return kernels.scan(
    from.bin,
    from.step,
    from.bins,
    leaf.gradient / gradientUnit,
    leaf.hessian / hessianUnit,
    leaf.rows,
    gradientUnit,
    hessianUnit,
    wholeGain,
    from.best.gain,
    scannedAt,
  );
}
