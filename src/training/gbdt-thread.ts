import { BIN_BYTES } from "./bin-bytes.ts";
import type { FeatureBins } from "./bins.ts";
import { type GbdtKernels, instantiateKernels } from "./gbdt-kernels.ts";
import type { FeatureGroup, MemoryLayout } from "./gbdt-memory.ts";
import { createLeafRenewal } from "./leaf-renewal.ts";
import { createLeafSearch } from "./leaf-search.ts";
import type { Objective } from "./objective.ts";
import { createRowLosses } from "./row-losses.ts";
import { share } from "./share.ts";
import type { GbdtSpec } from "./spec.ts";
import type { Sums, ValueBounds } from "./split-candidate.ts";
import type { WasmMemory, WasmModule } from "./wasm-api.ts";

/** What every thread of a training has to know; plain data and shared memory. */
export interface TrainingPlan {
  readonly spec: GbdtSpec;
  readonly objective: Objective;
  readonly features: readonly FeatureBins[];
  readonly layout: MemoryLayout;
  readonly memory: WasmMemory;
  readonly module: WasmModule;
  /** What the largest possible first derivative becomes; a power of two. */
  readonly gradientRange: number;
  /** What the largest possible second derivative becomes at most; a power of two. */
  readonly hessianRange: number;
  /** By feature: 1 when predictions may only rise with it, −1 when they may only fall; undefined without constraints. */
  readonly monotone: Int8Array | undefined;
  /** See `KernelShape`. */
  readonly countShift: number;
  /** The thread that looks for splits of a feature. */
  readonly owners: readonly number[];
}

/**
 * One part of one step of the algorithm. `parts` threads share the step; what they leave behind does not depend on
 * their number, because every sum over rows is one of integers or is taken over blocks of fixed size.
 */
export type Step =
  | {
      readonly kind: "gradients";
      readonly parts: number;
      readonly gradientScale: number;
      readonly hessianScale: number;
      /** Which of the scores of a row; 0 where there is one. */
      readonly output: number;
      readonly reset: boolean;
    }
  /** The largest derivatives, where they have no bound of their own. */
  | { readonly kind: "extremes"; readonly parts: number }
  | { readonly kind: "normalise"; readonly parts: number }
  | {
      readonly kind: "histogram";
      readonly parts: number;
      readonly begin: number;
      readonly end: number;
      readonly slot: number;
    }
  | {
      readonly kind: "search";
      readonly parts: number;
      /** Number of threads that built the histogram. */
      readonly built: number;
      readonly gradientUnit: number;
      readonly hessianUnit: number;
      readonly slot: number;
      readonly sums: Sums | undefined;
      readonly bounds: ValueBounds;
      /** The slot of the parent, which becomes the sibling's; −1 at the root. */
      readonly siblingSlot: number;
      readonly siblingSums: Sums | undefined;
      readonly siblingBounds: ValueBounds;
    }
  | {
      readonly kind: "partition";
      readonly parts: number;
      readonly begin: number;
      readonly end: number;
      readonly feature: number;
      readonly node: number;
    }
  | {
      readonly kind: "gather";
      readonly parts: number;
      readonly begin: number;
      readonly end: number;
      readonly counts: readonly number[];
    }
  /** Leaf values that are quantiles of residuals. */
  | { readonly kind: "renew"; readonly parts: number; readonly leaves: number; readonly share: number }
  | {
      readonly kind: "scores";
      readonly parts: number;
      readonly leaves: number;
      readonly drawn: number;
      readonly output: number;
    }
  | { readonly kind: "validate"; readonly parts: number; readonly output: number }
  | { readonly kind: "losses"; readonly parts: number; readonly of: "train" | "validate" };

export interface GbdtThread {
  /** Does this thread's part; for a partition, returns the number of rows of its part that went left. */
  run(step: Step): number;
}

export function createGbdtThread(plan: TrainingPlan, thread: number): GbdtThread {
  const { layout, features } = plan;
  const { train, validate } = layout;
  const { buffer } = plan.memory;
  const kernels: GbdtKernels = instantiateKernels(
    plan.module,
    plan.memory,
    layout.groups.map((group) => group.offsets),
  );
  const active = new Uint8Array(buffer, layout.active, features.length);
  const search = createLeafSearch(plan, kernels, thread);
  const leafValues = new Float64Array(buffer, layout.leafValues, layout.leaves);
  const leafRanges = new Uint32Array(buffer, layout.leafRanges, 2 * layout.leaves);
  const extremes = new Float64Array(buffer, layout.extremes, 2 * layout.threads);
  const addLosses = createRowLosses(plan, kernels, thread);
  const renew = createLeafRenewal(plan, thread);

  const slotAt = (slot: number) => layout.histograms + slot * layout.histogramBytes;

  function computeGradients(step: Extract<Step, { kind: "gradients" }>): void {
    const [row, rowEnd] = share(train.rows, { part: thread, parts: step.parts, grain: 2 });
    if (row === rowEnd) return;
    if (step.reset) kernels.numberRows(train.index + 4 * row, row, rowEnd);
    kernels.gradients(
      train.score + step.output * train.scoreStride,
      train.target,
      train.weight,
      layout.gradients,
      row,
      rowEnd,
      step.gradientScale,
      step.hessianScale,
      layout.normaliser,
      step.output,
    );
  }

  function normalise(parts: number): void {
    const [row, rowEnd] = share(train.rows, { part: thread, parts, grain: 2 });
    if (row < rowEnd) kernels.normalise(train.score, row, rowEnd, layout.normaliser);
  }

  /** Leaves the largest first derivative and second derivative, each times its weight; squared errors have 1 as second. */
  function findExtremes(parts: number): void {
    const [row, rowEnd] = share(train.rows, { part: thread, parts, grain: 2 });
    const { score, target, weight } = train;
    extremes.fill(0, 2 * thread, 2 * thread + 2);
    if (row === rowEnd) return;
    if (plan.objective.kind === "poisson")
      kernels.poissonExtremes(score, target, weight, row, rowEnd, layout.extremes + 16 * thread);
    else extremes[2 * thread] = kernels.largestResidual(score, target, weight, row, rowEnd);
  }

  function buildHistogram(step: Extract<Step, { kind: "histogram" }>): void {
    const { parts } = step;
    const [from, to] = share(step.end - step.begin, { part: thread, parts, grain: 1 });
    const index = train.index + 4 * step.begin;
    const slot = parts === 1 ? step.slot : layout.leaves + thread;
    kernels.clear(slotAt(slot), layout.histogramBytes);
    if (from === to) return;
    for (let i = 0; i < layout.groups.length; i++) {
      const group = layout.groups[i]!;
      if (!isDrawn(group)) continue;
      kernels.histograms[i]!(
        slotAt(slot) + group.firstBin * BIN_BYTES,
        index + 4 * from,
        index + 4 * to,
        group.rowBins,
        layout.gradients,
      );
    }
  }

  /** Whether this tree may use a feature of the group. */
  function isDrawn({ first, count }: FeatureGroup): boolean {
    for (let feature = first; feature < first + count; feature++) if (active[feature] === 1) return true;
    return false;
  }

  function partition(step: Extract<Step, { kind: "partition" }>): number {
    const { begin, parts } = step;
    const length = step.end - begin;
    const [from, to] = share(length, { part: thread, parts, grain: 1 });
    if (from === to) return 0;
    const index = train.index + 4 * begin;
    const column = train.columns + step.feature * train.columnStride;
    const table = layout.tables + 256 * step.node;
    const target = parts === 1 ? index : layout.leftRows + 4 * from;
    const right = layout.rightRows + 4 * from;
    const left = kernels.partition(index + 4 * from, index + 4 * to, column, table, target, right);
    if (parts === 1) kernels.copy(index + 4 * left, right, 4 * (length - left));
    return left;
  }

  function gather(step: Extract<Step, { kind: "gather" }>): void {
    const { begin, parts, counts } = step;
    const length = step.end - begin;
    let left = begin;
    let right = begin + counts.reduce((sum, count) => sum + count, 0);
    for (let part = 0; part < thread; part++) {
      const [from, to] = share(length, { part, parts, grain: 1 });
      left += counts[part]!;
      right += to - from - counts[part]!;
    }
    const [from, to] = share(length, { part: thread, parts, grain: 1 });
    const own = counts[thread]!;
    kernels.copy(train.index + 4 * left, layout.leftRows + 4 * from, 4 * own);
    kernels.copy(train.index + 4 * right, layout.rightRows + 4 * from, 4 * (to - from - own));
  }

  function addScores(step: Extract<Step, { kind: "scores" }>): void {
    const score = train.score + step.output * train.scoreStride;
    const [from, to] = share(step.drawn, { part: thread, parts: step.parts, grain: 1 });
    for (let leaf = 0; leaf < step.leaves; leaf++) {
      const begin = Math.max(from, leafRanges[2 * leaf]!);
      const end = Math.min(to, leafRanges[2 * leaf + 1]!);
      if (begin >= end) continue;
      kernels.addToScores(train.index + 4 * begin, train.index + 4 * end, score, leafValues[leaf]!);
    }
    // Rows that were not drawn for this tree have not been partitioned: they walk.
    const [first, last] = share(train.rows - step.drawn, { part: thread, parts: step.parts, grain: 1 });
    if (first === last) return;
    const index = train.index + 4 * step.drawn;
    kernels.walk(
      index + 4 * first,
      index + 4 * last,
      layout.trainNodes,
      layout.tables,
      layout.leafValues,
      score,
    );
  }

  function addToValidation(step: Extract<Step, { kind: "validate" }>): void {
    if (validate === undefined) return;
    const [from, to] = share(validate.rows, { part: thread, parts: step.parts, grain: 1 });
    if (from === to) return;
    kernels.walk(
      validate.index + 4 * from,
      validate.index + 4 * to,
      layout.validateNodes,
      layout.tables,
      layout.leafValues,
      validate.score + step.output * validate.scoreStride,
    );
  }

  return {
    run(step) {
      switch (step.kind) {
        case "gradients":
          computeGradients(step);
          return 0;
        case "extremes":
          findExtremes(step.parts);
          return 0;
        case "normalise":
          normalise(step.parts);
          return 0;
        case "histogram":
          buildHistogram(step);
          return 0;
        case "search":
          search(step);
          return 0;
        case "partition":
          return partition(step);
        case "gather":
          gather(step);
          return 0;
        case "scores":
          addScores(step);
          return 0;
        case "validate":
          addToValidation(step);
          return 0;
        case "renew":
          renew(step);
          return 0;
        case "losses":
          addLosses(step);
          return 0;
      }
    },
  };
}
