import { gradientKernels } from "./gradient-kernels.ts";
import { combineKernel, histogramKernel, unpackKernel } from "./histogram-kernels.ts";
import type { Objective } from "./objective.ts";
import { rowKernels } from "./row-kernels.ts";
import { type ScanShape, scanKernel } from "./scan-kernel.ts";
import { type WasmMemory, type WasmModule, wasm } from "./wasm-api.ts";
import { constantPool, i64x2, wasmModule } from "./wasm-writer.ts";

/** The inner loops of training, compiled for one matrix. Addresses are byte offsets into the shared memory. */
export interface GbdtKernels {
  /** One for each group of features, in the order given to `kernelModule`. */
  readonly histograms: readonly HistogramKernel[];
  /**
   * Splits the rows in [index, indexEnd) by `table[column[row]]`, 4 for left and 0 for right, keeping their order;
   * writes them to `left` (which may be `index`) and `right`, and returns the number that went left.
   */
  partition(
    index: number,
    indexEnd: number,
    column: number,
    table: number,
    left: number,
    right: number,
  ): number;
  /** Adds `value` to the scores of the rows in [index, indexEnd). */
  addToScores(index: number, indexEnd: number, score: number, value: number): void;
  /**
   * Walks the rows in [index, indexEnd) through a tree and adds the leaf values to their scores. A node is three
   * integers: address of its column, left child, right child (`~leaf` when negative); its table of 256 bytes, as for
   * `partition`, lies at `tables + 256 · node`.
   */
  walk(index: number, indexEnd: number, nodes: number, tables: number, leaves: number, score: number): void;
  /** Writes the numbers [row, rowEnd) at `index`. */
  numberRows(index: number, row: number, rowEnd: number): void;
  copy(target: number, source: number, bytes: number): void;
  /** target += source, and target −= source, for histograms of `bytes` bytes. */
  addHistogram(target: number, source: number, bytes: number): void;
  subtractHistogram(target: number, source: number, bytes: number): void;
  /**
   * Turns `bins` bins into doubles: sums of gradients at `out`, of second derivatives at `out + 2048`, and numbers of
   * rows at `out + 4096`. All sums are below 2^53, so that this is exact when the units are powers of two.
   */
  unpack(histogram: number, bins: number, out: number, gradientUnit: number, hessianUnit: number): void;
  /**
   * Writes the bin of each of `rows` doubles at `target`: the number of `bounds` below it, of which there are 256 in
   * ascending order, the last being +∞; `missingBin` for NaN.
   */
  assignBins(values: number, rows: number, bounds: number, target: number, missingBin: number): void;
  /** Spreads `rows` bytes of a column to every `width`-th byte from `target` on. */
  interleave(column: number, rows: number, target: number, width: number): void;
  /** Sets `bytes` bytes to zero. */
  clear(target: number, bytes: number): void;
  /** See `scanKernel`. */
  scan(
    bin: number,
    step: number,
    bins: number,
    gradients: number,
    hessians: number,
    rows: number,
    gradientUnit: number,
    hessianUnit: number,
    wholeGain: number,
    bestGain: number,
    out: number,
  ): number;
  /** See `gradientKernels`. */
  gradients(
    score: number,
    target: number,
    weight: number,
    out: number,
    row: number,
    rowEnd: number,
    gradientScale: number,
    hessianScale: number,
    normaliser: number,
    label: number,
  ): void;
  /** See `normaliseKernel`; softmax only. */
  normalise(score: number, row: number, rowEnd: number, out: number): void;
  /** See `poissonExtremesKernel`; poisson only. */
  poissonExtremes(
    score: number,
    target: number,
    weight: number,
    row: number,
    rowEnd: number,
    out: number,
  ): void;
  /** See `lossKernel`. */
  readonly loss: LossKernel;
  readonly weightedLoss: LossKernel;
  largestResidual(score: number, target: number, weight: number, row: number, rowEnd: number): number;
  logisticLoss(score: number, target: number, row: number, rowEnd: number, out: number): void;
}

/**
 * Adds the gradients of the rows in [index, indexEnd) to the histogram of every feature of the group.
 * `gradients` holds 16 bytes a row, `bins` as many bytes a row as the group has features.
 */
export type HistogramKernel = (
  histogram: number,
  index: number,
  indexEnd: number,
  bins: number,
  gradients: number,
) => void;

export type LossKernel = (
  score: number,
  scoreStride: number,
  target: number,
  weight: number,
  row: number,
  rowEnd: number,
) => number;

/** What the kernels are compiled for. */
export interface KernelShape {
  /** Pages of 64 KB of the shared memory. */
  readonly pages: number;
  /** Per group and feature: the first bin of its histogram, counted from the group's first. */
  readonly groups: readonly (readonly number[])[];
  readonly objective: Objective;
  readonly weighted: boolean;
  /** See `gradientKernels`. */
  readonly scoreStride: number;
  /** A row counts as 1 at this bit of the second integer of a bin, above the sum of second derivatives. */
  readonly countShift: number;
  readonly penalties: Omit<ScanShape, "countShift" | "constants">;
  /** Address of `CONSTANT_BYTES` bytes for vector constants. */
  readonly constants: number;
}

const MOST_CONSTANTS = 96;
export const CONSTANT_BYTES = 8 * MOST_CONSTANTS;

/** The module's bytes, and a function that puts its constants into the memory it will run on. */
export function kernelModule(shape: KernelShape): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly writeConstants: (buffer: SharedArrayBuffer) => void;
} {
  const constants = constantPool(shape.constants, MOST_CONSTANTS);
  const histograms = new Map(shape.groups.map((offsets) => [histogramName(offsets), offsets]));
  const bytes = wasmModule(shape.pages, [
    ...[...histograms].map(([name, offsets]) => histogramKernel(name, offsets)),
    ...rowKernels(),
    combineKernel("addHistogram", i64x2.add),
    combineKernel("subtractHistogram", i64x2.sub),
    unpackKernel(shape.countShift),
    scanKernel({ ...shape.penalties, countShift: shape.countShift, constants }),
    ...gradientKernels({ ...shape, constants }),
  ]);
  return { bytes, writeConstants: constants.write };
}

export function instantiateKernels(
  module: WasmModule,
  memory: WasmMemory,
  groups: KernelShape["groups"],
): GbdtKernels {
  const exported = new wasm.Instance(module, { env: { memory } }).exports;
  return {
    ...(exported as unknown as Omit<GbdtKernels, "histograms">),
    histograms: groups.map((offsets) => exported[histogramName(offsets)] as HistogramKernel),
  };
}

/** Groups of the same layout share a kernel. */
function histogramName(offsets: readonly number[]): string {
  return `histogram ${offsets.join(" ")}`;
}
