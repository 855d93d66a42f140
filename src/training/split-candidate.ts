import type { FeatureBins } from "./bins.ts";
import type { GbdtKernels } from "./gbdt-kernels.ts";
import type { GbdtSpec } from "./spec.ts";

/** Sums over the rows of a leaf or bin, in the units of the loss. */
export interface Sums {
  gradient: number;
  hessian: number;
  rows: number;
}

/** The bins of one feature in one leaf, reused from feature to feature. */
export interface BinSums {
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly rows: Float64Array;
}

/** The best split found so far, overwritten by better ones. */
export interface SplitCandidate {
  /** Gain over leaving the leaf whole, minus the least gain asked for; 0 when there is no split. */
  gain: number;
  /** Position among the features used. */
  feature: number;
  missingLeft: boolean;
  /** Numeric: bins up to this one go left. */
  lastLeftBin: number;
  /** Categorical: the bins that go left, as 256 bits. */
  readonly leftBins: Uint32Array;
  left: Sums;
  /** The L2 penalty that both children's values are computed with. */
  l2: number;
}

/** What the search of one thread works with. */
export interface SearchContext {
  readonly spec: GbdtSpec;
  readonly kernels: GbdtKernels;
  /** See `TrainingPlan`. */
  readonly monotone: Int8Array | undefined;
  /** Where `scan` leaves its result, as an address and as a view. */
  readonly scannedAt: number;
  readonly scanned: Float64Array;
  /** The whole memory as words. */
  readonly words: Uint32Array;
  /** The bins of a categorical feature, as an address and as views. */
  readonly unpackedAt: number;
  readonly bins: BinSums;
  readonly order: Int32Array;
  readonly ratios: Float64Array;
}

/** Keeps quotients finite where all second derivatives are zero. */
export const EPSILON = 1e-15;

export function createCandidate(): SplitCandidate {
  return {
    gain: 0,
    feature: -1,
    missingLeft: false,
    lastLeftBin: 0,
    leftBins: new Uint32Array(8),
    left: { gradient: 0, hessian: 0, rows: 0 },
    l2: 0,
  };
}

/** Half the decrease of the loss (but for a constant factor) that a leaf with these sums brings; LightGBM's leaf gain. */
export function leafGain(gradient: number, hessian: number, penalty: { l1: number; l2: number }): number {
  const pulled = softened(gradient, penalty.l1);
  return (pulled * pulled) / (hessian + penalty.l2 + EPSILON);
}

/** The value that minimises the loss of a leaf with these sums. */
export function leafValue(sums: Sums, penalty: { l1: number; l2: number }): number {
  return -softened(sums.gradient, penalty.l1) / (sums.hessian + penalty.l2 + EPSILON);
}

/** `gradient` moved towards 0 by `l1`. */
export function softened(gradient: number, l1: number): number {
  if (l1 === 0) return gradient;
  if (gradient > l1) return gradient - l1;
  return gradient < -l1 ? gradient + l1 : 0;
}

/** Between which values the leaves below a node have to stay, so that a monotone split above it holds. */
export interface ValueBounds {
  readonly least: number;
  readonly most: number;
}

export const UNBOUNDED: ValueBounds = {
  least: Number.NEGATIVE_INFINITY,
  most: Number.POSITIVE_INFINITY,
};

/** `leafValue`, held between bounds. */
export function boundedLeafValue(
  sums: Sums,
  penalty: { l1: number; l2: number },
  { least, most }: ValueBounds,
): number {
  return Math.min(Math.max(leafValue(sums, penalty), least), most);
}

/** What `leafGain` is for a leaf of another value than the best one: LightGBM's GetLeafGainGivenOutput. */
export function gainOfValue(sums: Sums, penalty: { l1: number; l2: number }, value: number): number {
  return -(2 * softened(sums.gradient, penalty.l1) * value + (sums.hessian + penalty.l2) * value * value);
}

export interface SearchTarget {
  readonly feature: FeatureBins;
  /** The feature's position among those used. */
  readonly position: number;
  /** The address of its histogram. */
  readonly at: number;
  readonly leaf: Sums;
  readonly gradientUnit: number;
  readonly hessianUnit: number;
  /** What a split's gain has to exceed. */
  readonly wholeGain: number;
  readonly bounds: ValueBounds;
}

export function keep(best: SplitCandidate, found: { gain: number; position: number; l2: number }): void {
  best.gain = found.gain;
  best.feature = found.position;
  best.l2 = found.l2;
}
