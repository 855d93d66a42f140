import { BIN_BYTES } from "./bin-bytes.ts";
import { binCount } from "./bins.ts";
import type { GbdtKernels } from "./gbdt-kernels.ts";
import { SCANNED_BYTES, SPLIT_DOUBLES, UNPACKED_BYTES } from "./gbdt-memory.ts";
import type { Step, TrainingPlan } from "./gbdt-thread.ts";
import {
  createCandidate,
  leafGain,
  type SearchContext,
  type SplitCandidate,
  type Sums,
  type ValueBounds,
} from "./split-candidate.ts";
import { searchFeature } from "./split-search.ts";

type SearchStep = Extract<Step, { kind: "search" }>;

/**
 * @returns what one thread does in a search: completes the histograms of the features it owns, and leaves the best split
 * that they offer each of the two leaves in `layout.splits`
 */
export function createLeafSearch(
  plan: TrainingPlan,
  kernels: GbdtKernels,
  thread: number,
): (step: SearchStep) => void {
  const { layout, features, spec } = plan;
  const { buffer } = plan.memory;
  const active = new Uint8Array(buffer, layout.active, features.length);
  const splittable = new Uint8Array(buffer, layout.splittable, layout.leaves * features.length);
  const found = new Float64Array(buffer, layout.splits + thread * 2 * SPLIT_DOUBLES * 8, 2 * SPLIT_DOUBLES);
  const context = createContext(plan, kernels, thread);
  const best: [SplitCandidate, SplitCandidate] = [createCandidate(), createCandidate()];
  let trial = createCandidate();

  const binAt = (slot: number, feature: number) =>
    layout.histograms + slot * layout.histogramBytes + layout.firstBins[feature]! * BIN_BYTES;

  function completeHistogram(step: SearchStep, feature: number): void {
    const own = binAt(step.slot, feature);
    const bytes = binCount(features[feature]!) * BIN_BYTES;
    if (step.built > 1) {
      kernels.copy(own, binAt(layout.leaves, feature), bytes);
      for (let part = 1; part < step.built; part++)
        kernels.addHistogram(own, binAt(layout.leaves + part, feature), bytes);
    }
    if (step.siblingSlot >= 0) kernels.subtractHistogram(binAt(step.siblingSlot, feature), own, bytes);
  }

  function searchLeaf(leaf: {
    readonly child: 0 | 1;
    readonly feature: number;
    readonly slot: number;
    readonly sums: Sums;
    readonly gradientUnit: number;
    readonly hessianUnit: number;
    readonly wholeGain: number;
    readonly bounds: ValueBounds;
  }): void {
    const { child, feature: position, slot, sums, ...rest } = leaf;
    const feature = features[position]!;
    searchFeature(context, { ...rest, feature, position, at: binAt(slot, position), leaf: sums }, trial);
    splittable[slot * features.length + position] = trial.gain > 0 ? 1 : 0;
    if (trial.gain > best[child].gain) [trial, best[child]] = [best[child], trial];
  }

  /** What a split has to gain to be better than none. */
  const wholeGain = (sums: Sums | undefined) =>
    sums === undefined ? 0 : leafGain(sums.gradient, sums.hessian, spec) + spec.minSplitGain;

  return (step) => {
    const { slot, siblingSlot, gradientUnit, hessianUnit, sums, siblingSums } = step;
    const units = { gradientUnit, hessianUnit };
    const gains = [wholeGain(sums), wholeGain(siblingSums)] as const;
    for (const candidate of best) {
      candidate.gain = 0;
      candidate.feature = -1;
    }
    for (let feature = 0; feature < features.length; feature++) {
      if (active[feature] === 0) continue;
      if (step.parts > 1 && plan.owners[feature] !== thread) continue;
      // A feature that could not split the parent is not tried on its children, as in LightGBM.
      if (siblingSlot >= 0 && splittable[siblingSlot * features.length + feature] === 0) {
        splittable[slot * features.length + feature] = 0;
        continue;
      }
      completeHistogram(step, feature);
      if (sums !== undefined)
        searchLeaf({ child: 0, feature, slot, sums, ...units, wholeGain: gains[0], bounds: step.bounds });
      if (siblingSums !== undefined) {
        const sibling = { slot: siblingSlot, sums: siblingSums, bounds: step.siblingBounds };
        searchLeaf({ child: 1, feature, ...units, wholeGain: gains[1], ...sibling });
      }
    }
    writeCandidate(best[0], found, 0);
    writeCandidate(best[1], found, SPLIT_DOUBLES);
  };
}

function createContext(plan: TrainingPlan, kernels: GbdtKernels, thread: number): SearchContext {
  const { buffer } = plan.memory;
  const unpackedAt = plan.layout.unpacked + thread * UNPACKED_BYTES;
  const scannedAt = plan.layout.scanned + thread * SCANNED_BYTES;
  return {
    spec: plan.spec,
    kernels,
    monotone: plan.monotone,
    scannedAt,
    scanned: new Float64Array(buffer, scannedAt, 4),
    words: new Uint32Array(buffer),
    unpackedAt,
    bins: {
      gradients: new Float64Array(buffer, unpackedAt, 256),
      hessians: new Float64Array(buffer, unpackedAt + 2048, 256),
      rows: new Float64Array(buffer, unpackedAt + 4096, 256),
    },
    order: new Int32Array(512),
    ratios: new Float64Array(256),
  };
}

/** A candidate as `SPLIT_DOUBLES` doubles in shared memory. */
function writeCandidate(candidate: SplitCandidate, target: Float64Array, at: number): void {
  target[at] = candidate.gain;
  target[at + 1] = candidate.feature;
  target[at + 2] = candidate.missingLeft ? 1 : 0;
  target[at + 3] = candidate.lastLeftBin;
  target[at + 4] = candidate.left.gradient;
  target[at + 5] = candidate.left.hessian;
  target[at + 6] = candidate.left.rows;
  target[at + 7] = candidate.l2;
  for (let i = 0; i < 8; i++) target[at + 8 + i] = candidate.leftBins[i]!;
}

/** Reads what `writeCandidate` wrote. */
export function readCandidate(source: Float64Array): SplitCandidate {
  return {
    gain: source[0]!,
    feature: source[1]!,
    missingLeft: source[2] === 1,
    lastLeftBin: source[3]!,
    left: { gradient: source[4]!, hessian: source[5]!, rows: source[6]! },
    l2: source[7]!,
    leftBins: Uint32Array.from(source.subarray(8, 16)),
  };
}
