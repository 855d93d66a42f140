import { exp, log, log1p } from "../kernel/index.ts";
import { BIN_BYTES } from "./bin-bytes.ts";
import type { FeatureBins } from "./bins.ts";
import { type GbdtKernels, instantiateKernels } from "./gbdt-kernels.ts";
import { type FeatureGroup, LOSS_BLOCK, type MemoryLayout } from "./gbdt-memory.ts";
import { createLeafSearch } from "./leaf-search.ts";
import type { GbdtSpec } from "./spec.ts";
import type { Sums } from "./split-candidate.ts";
import type { WasmMemory, WasmModule } from "./wasm-api.ts";

/** What every thread of a training has to know; plain data and shared memory. */
export interface TrainingPlan {
  readonly spec: GbdtSpec;
  readonly objective: "binary" | "regression";
  readonly features: readonly FeatureBins[];
  readonly layout: MemoryLayout;
  readonly memory: WasmMemory;
  readonly module: WasmModule;
  /** What the largest possible first derivative becomes; a power of two. */
  readonly gradientRange: number;
  /** Quantised second derivatives are multiplied with this; a power of two. */
  readonly hessianScale: number;
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
      readonly reset: boolean;
    }
  | { readonly kind: "residuals"; readonly parts: number }
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
      readonly slot: number;
      readonly sums: Sums | undefined;
      /** The slot of the parent, which becomes the sibling's; −1 at the root. */
      readonly siblingSlot: number;
      readonly siblingSums: Sums | undefined;
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
  | { readonly kind: "scores"; readonly parts: number; readonly leaves: number; readonly drawn: number }
  | { readonly kind: "validate"; readonly parts: number; readonly hasTree: boolean };

export interface GbdtThread {
  /** Does this thread's part; for a partition, returns the number of rows of its part that went left. */
  run(step: Step): number;
}

/** The part of [0, length) that falls to one of `parts` threads, cut at multiples of `grain`. */
function share(length: number, of: { part: number; parts: number; grain: number }): [number, number] {
  const grains = Math.ceil(length / of.grain);
  const cut = (part: number) => Math.min(length, Math.floor((grains * part) / of.parts) * of.grain);
  return [cut(of.part), cut(of.part + 1)];
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
  const residuals = new Float64Array(buffer, layout.residuals, layout.threads);

  const slotAt = (slot: number) => layout.histograms + slot * layout.histogramBytes;

  function computeGradients(step: Extract<Step, { kind: "gradients" }>): void {
    const [row, rowEnd] = share(train.rows, { part: thread, parts: step.parts, grain: 2 });
    if (row === rowEnd) return;
    if (step.reset) kernels.numberRows(train.index + 4 * row, row, rowEnd);
    kernels.gradients(
      train.score,
      train.target,
      train.weight,
      layout.gradients,
      row,
      rowEnd,
      step.gradientScale,
      plan.hessianScale,
    );
  }

  function findLargestResidual(parts: number): void {
    const [row, rowEnd] = share(train.rows, { part: thread, parts, grain: 2 });
    residuals[thread] =
      row === rowEnd ? 0 : kernels.largestResidual(train.score, train.target, train.weight, row, rowEnd);
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
    const [from, to] = share(step.drawn, { part: thread, parts: step.parts, grain: 1 });
    for (let leaf = 0; leaf < step.leaves; leaf++) {
      const begin = Math.max(from, leafRanges[2 * leaf]!);
      const end = Math.min(to, leafRanges[2 * leaf + 1]!);
      if (begin >= end) continue;
      kernels.addToScores(train.index + 4 * begin, train.index + 4 * end, train.score, leafValues[leaf]!);
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
      train.score,
    );
  }

  function addValidation(step: Extract<Step, { kind: "validate" }>): void {
    if (validate === undefined) return;
    const [from, to] = share(validate.rows, { part: thread, parts: step.parts, grain: LOSS_BLOCK });
    if (from === to) return;
    if (step.hasTree) {
      kernels.walk(
        validate.index + 4 * from,
        validate.index + 4 * to,
        layout.validateNodes,
        layout.tables,
        layout.leafValues,
        validate.score,
      );
    }
    for (let row = from; row < to; row += LOSS_BLOCK) {
      addLoss(row, Math.min(row + LOSS_BLOCK, to));
    }
  }

  /** Leaves the weighted loss of a block at its place among `losses`. */
  function addLoss(row: number, rowEnd: number): void {
    if (validate === undefined) return;
    const out = layout.losses + (row / LOSS_BLOCK) * 16;
    const sum = new Float64Array(buffer, out, 2);
    const count = rowEnd - row;
    if (plan.objective === "binary" && validate.weight === 0) {
      kernels.logisticLoss(validate.score, validate.target, row, rowEnd, out);
      sum[0] = sum[0]! + log(sum[1]!);
      return;
    }
    const score = new Float64Array(buffer, validate.score + 8 * row, count);
    const target = new Float64Array(buffer, validate.target + 8 * row, count);
    const weight =
      validate.weight === 0 ? undefined : new Float64Array(buffer, validate.weight + 8 * row, count);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const loss =
        plan.objective === "binary"
          ? logLoss(target[i] === 1 ? score[i]! : -score[i]!)
          : (score[i]! - target[i]!) * (score[i]! - target[i]!);
      total += weight === undefined ? loss : loss * weight[i]!;
    }
    sum[0] = total;
  }

  return {
    run(step) {
      switch (step.kind) {
        case "gradients":
          computeGradients(step);
          return 0;
        case "residuals":
          findLargestResidual(step.parts);
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
          addValidation(step);
          return 0;
      }
    },
  };
}

/** −log of the probability that a score gives to the class it should have been positive for. */
function logLoss(margin: number): number {
  const size = margin < 0 ? -margin : margin;
  return (margin < 0 ? size : 0) + log1p(exp(-size));
}
