import { binCount } from "./bins.ts";
import {
  boundedLeafValue,
  gainOfValue,
  keep,
  type SearchContext,
  type SearchTarget,
  type SplitCandidate,
  type Sums,
} from "./split-candidate.ts";

interface Attempt {
  readonly best: SplitCandidate;
  /** 1 when the right side may not have the lower value, −1 when the left side may not, 0 where either may. */
  readonly direction: number;
}

/**
 * `findNumericSplit` where some features are constrained: both sides' values are held between the leaf's bounds, and a
 * division against the feature's direction gains nothing. LightGBM's "basic" method.
 */
export function findMonotoneSplit(context: SearchContext, target: SearchTarget, attempt: Attempt): void {
  const { feature, at, gradientUnit, hessianUnit } = target;
  const { kernels, unpackedAt, bins } = context;
  const { valueBins, hasMissing } = feature;
  kernels.unpack(at, binCount(feature), unpackedAt, gradientUnit, hessianUnit);
  const isMissing = hasMissing && bins.rows[valueBins]! > 0;
  // From the right: missing values stay with the left side.
  scan(context, target, {
    ...attempt,
    step: -1,
    from: valueBins - 1,
    end: 0,
    missing: isMissing ? "left" : "larger",
  });
  if (isMissing) scan(context, target, { ...attempt, step: 1, from: 0, end: valueBins, missing: "right" });
}

interface Scan extends Attempt {
  /** The bins that move to the near side one after the other. */
  readonly step: 1 | -1;
  readonly from: number;
  readonly end: number;
  readonly missing: "left" | "right" | "larger";
}

function scan(context: SearchContext, target: SearchTarget, { best, direction, ...of }: Scan): void {
  const { spec, bins } = context;
  const { leaf, bounds, wholeGain, position } = target;
  const { step } = of;
  const near: Sums = { gradient: 0, hessian: 0, rows: 0 };
  for (let bin = of.from; bin !== of.end; bin += step) {
    // A bin without rows moves nothing.
    if (bins.rows[bin] === 0) continue;
    near.gradient += bins.gradients[bin]!;
    near.hessian += bins.hessians[bin]!;
    near.rows += bins.rows[bin]!;
    // Sums of integers times a power of two: the difference is exact.
    const far: Sums = {
      gradient: leaf.gradient - near.gradient,
      hessian: leaf.hessian - near.hessian,
      rows: leaf.rows - near.rows,
    };
    if (near.rows < spec.minRowsPerLeaf || far.rows < spec.minRowsPerLeaf) continue;
    if (near.hessian < spec.minHessianPerLeaf || far.hessian < spec.minHessianPerLeaf) continue;
    const nearValue = boundedLeafValue(near, spec, bounds);
    const farValue = boundedLeafValue(far, spec, bounds);
    // What lies to the right is the far side when bins come from the left.
    if (direction * step * (farValue - nearValue) < 0) continue;
    const gain = gainOfValue(near, spec, nearValue) + gainOfValue(far, spec, farValue) - wholeGain;
    if (gain <= best.gain) continue;
    keep(best, { gain, position, l2: spec.l2 });
    best.left = step > 0 ? { ...near } : far;
    best.lastLeftBin = step > 0 ? bin : bin - 1;
    best.missingLeft = of.missing === "left" || (of.missing === "larger" && best.left.rows * 2 >= leaf.rows);
  }
}
