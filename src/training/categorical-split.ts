import { binCount } from "./bins.ts";
import {
  boundedLeafValue,
  gainOfValue,
  keep,
  leafGain,
  type SearchContext,
  type SearchTarget,
  type SplitCandidate,
  type Sums,
} from "./split-candidate.ts";

/**
 * Improves `best` by the best split of a categorical feature, after LightGBM: few categories are tried one against the
 * rest; many are ordered by gradient over smoothed second derivative, and the first or last ones are split off
 * (Fisher, "On Grouping for Maximum Homogeneity", 1958). Missing values are a category like others, and go right where
 * a leaf has none.
 */
export function findCategoricalSplit(
  context: SearchContext,
  target: SearchTarget,
  best: SplitCandidate,
): void {
  const { feature, at, gradientUnit, hessianUnit } = target;
  const { kernels, unpackedAt } = context;
  kernels.unpack(at, binCount(feature), unpackedAt, gradientUnit, hessianUnit);
  if (feature.valueBins < context.spec.maxCategoriesOneHot) splitOneOff(context, target, best);
  else splitManyOff(context, target, best);
}

/** The gain of both sides. Under monotone constraints elsewhere in the tree their values are held between bounds. */
function gainOf(
  { monotone }: SearchContext,
  { leaf, bounds }: SearchTarget,
  { left, penalty }: { left: Sums; penalty: { l1: number; l2: number } },
): number {
  const { gradient, hessian } = left;
  const rest = { gradient: leaf.gradient - gradient, hessian: leaf.hessian - hessian, rows: 0 };
  if (monotone === undefined)
    return leafGain(gradient, hessian, penalty) + leafGain(rest.gradient, rest.hessian, penalty);
  return (
    gainOfValue(left, penalty, boundedLeafValue(left, penalty, bounds)) +
    gainOfValue(rest, penalty, boundedLeafValue(rest, penalty, bounds))
  );
}

function splitOneOff(context: SearchContext, target: SearchTarget, best: SplitCandidate): void {
  const { spec, bins } = context;
  const { leaf } = target;
  const categories = binCount(target.feature);
  for (let bin = 0; bin < categories; bin++) {
    const rows = bins.rows[bin]!;
    const hessian = bins.hessians[bin]!;
    const gradient = bins.gradients[bin]!;
    if (rows < spec.minRowsPerLeaf || hessian < spec.minHessianPerLeaf) continue;
    const restHessian = leaf.hessian - hessian;
    if (leaf.rows - rows < spec.minRowsPerLeaf || restHessian < spec.minHessianPerLeaf) continue;
    const left = { gradient, hessian, rows };
    const gain = gainOf(context, target, { left, penalty: spec }) - target.wholeGain;
    if (gain <= best.gain) continue;
    keep(best, { gain, position: target.position, l2: spec.l2 });
    best.left = left;
    best.leftBins.fill(0);
    addBin(best, bin);
    best.missingLeft = bin === target.feature.valueBins;
  }
}

function splitManyOff(context: SearchContext, target: SearchTarget, best: SplitCandidate): void {
  const { spec, bins } = context;
  const { leaf } = target;
  const categories = binCount(target.feature);
  const used = orderByRatio(context, categories);
  const penalty = { l1: spec.l1, l2: spec.l2 + spec.categoryL2 };
  const most = Math.min(spec.maxCategoriesPerSplit, Math.floor((used + 1) / 2), used);
  for (const fromEnd of [false, true]) {
    let gradient = 0;
    let hessian = 0;
    let rows = 0;
    let rowsInGroup = 0;
    for (let i = 0; i < most; i++) {
      const bin = context.order[fromEnd ? used - 1 - i : i]!;
      gradient += bins.gradients[bin]!;
      hessian += bins.hessians[bin]!;
      rows += bins.rows[bin]!;
      rowsInGroup += bins.rows[bin]!;
      if (rows < spec.minRowsPerLeaf || hessian < spec.minHessianPerLeaf) continue;
      const restRows = leaf.rows - rows;
      const restHessian = leaf.hessian - hessian;
      if (restRows < spec.minRowsPerLeaf || restRows < spec.minRowsPerCategoryGroup) break;
      if (restHessian < spec.minHessianPerLeaf) break;
      if (rowsInGroup < spec.minRowsPerCategoryGroup) continue;
      rowsInGroup = 0;
      const left = { gradient, hessian, rows };
      const gain = gainOf(context, target, { left, penalty }) - target.wholeGain;
      if (gain <= best.gain) continue;
      keep(best, { gain, position: target.position, l2: penalty.l2 });
      best.left = left;
      best.leftBins.fill(0);
      for (let j = 0; j <= i; j++) addBin(best, context.order[fromEnd ? used - 1 - j : j]!);
      const missing = target.feature.valueBins;
      best.missingLeft = missing < categories && hasBin(best.leftBins, missing);
    }
  }
}

/** Puts the bins with enough rows into `context.order`, by ascending ratio, and returns their number. */
function orderByRatio({ spec, bins, order, ratios }: SearchContext, categories: number): number {
  let used = 0;
  for (let bin = 0; bin < categories; bin++) {
    if (bins.rows[bin]! < spec.categorySmoothing || bins.rows[bin] === 0) continue;
    ratios[bin] = bins.gradients[bin]! / (bins.hessians[bin]! + spec.categorySmoothing);
    order[used++] = bin;
  }
  sortBins(order, ratios, used);
  return used;
}

/** Bottom-up merge sort of the first `count` bins by ratio; stable. Uses the upper half of `order` as scratch. */
function sortBins(order: Int32Array, ratios: Float64Array, count: number): void {
  let source = order.subarray(0, 256);
  let target = order.subarray(256, 512);
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count);
      const end = Math.min(start + 2 * width, count);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takeLeft = left < middle && (right >= end || ratios[source[left]!]! <= ratios[source[right]!]!);
        target[at] = takeLeft ? source[left++]! : source[right++]!;
      }
    }
    [source, target] = [target, source];
  }
  if (source.byteOffset !== order.byteOffset) order.set(source.subarray(0, count));
}

function addBin(best: SplitCandidate, bin: number): void {
  best.leftBins[bin >>> 5] = best.leftBins[bin >>> 5]! | (1 << (bin & 31));
}

export function hasBin(bits: Uint32Array, bin: number): boolean {
  return ((bits[bin >>> 5]! >>> (bin & 31)) & 1) === 1;
}
