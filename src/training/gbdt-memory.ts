import { BIN_BYTES } from "./bin-bytes.ts";
import { binCount, type FeatureBins } from "./bins.ts";
import { trainingErrors } from "./errors.ts";
import { CONSTANT_BYTES } from "./gbdt-kernels.ts";

/** Features whose bins lie side by side in memory and whose histograms are added up in one pass over the rows. */
export interface FeatureGroup {
  /** Position of the first feature among those used. */
  readonly first: number;
  readonly count: number;
  /** Bins of the group's histograms that come before each feature's, and the first of them among all groups. */
  readonly offsets: readonly number[];
  readonly firstBin: number;
  /** Byte offset of the rows' bins, `count` bytes a row. */
  readonly rowBins: number;
}

/** Byte offsets of one set of rows. */
export interface RowsLayout {
  readonly rows: number;
  /** Columns of bins, one byte a row: feature f's begins at `columns + f · columnStride`. */
  readonly columns: number;
  readonly columnStride: number;
  /** One column of scores for each output, `scoreStride` bytes apart. */
  readonly score: number;
  readonly scoreStride: number;
  readonly target: number;
  /** 0 when rows are not weighted. */
  readonly weight: number;
  /** Row numbers, u32. */
  readonly index: number;
}

/** Where everything lies in the one shared memory of a training; plain data, so that it can be sent to threads. */
export interface MemoryLayout {
  readonly pages: number;
  readonly threads: number;
  readonly train: RowsLayout;
  readonly validate: RowsLayout | undefined;
  readonly groups: readonly FeatureGroup[];
  /** First bin of every feature's histogram among all bins. */
  readonly firstBins: readonly number[];
  /** Quantised gradients, 16 bytes a row; before the first tree, the values of one feature in any set of rows. */
  readonly gradients: number;
  /** Row numbers on their way left and right, u32 a row each. */
  readonly leftRows: number;
  readonly rightRows: number;
  /** Histograms: one slot for every leaf, then one for every thread. */
  readonly histograms: number;
  readonly histogramBytes: number;
  readonly leaves: number;
  /** Per node of the tree being grown: 256 bytes that say for each bin, 4 for left or 0 for right. */
  readonly tables: number;
  /** Nodes and leaf values of the finished tree, for `walk`; nodes once for each set of rows. */
  readonly trainNodes: number;
  readonly validateNodes: number;
  readonly leafValues: number;
  /** Begin and end of each leaf's rows, u32. */
  readonly leafRanges: number;
  /** One byte a feature: drawn for this tree. */
  readonly active: number;
  /** Per histogram slot and feature, one byte: whether the leaf, or the one it came from, could be split by it. */
  readonly splittable: number;
  /** Per thread and child: the best split found, `SPLIT_DOUBLES` f64. */
  readonly splits: number;
  /** Per thread: the bins of one feature as doubles, see `unpack`; and what `scan` found. */
  readonly unpacked: number;
  readonly scanned: number;
  /** Per block of 512 rows of either set: two f64. */
  readonly losses: number;
  /** Two f64 a thread. */
  readonly extremes: number;
  /** See `normaliseKernel`: two columns of doubles; 0 when there is one output. */
  readonly normaliser: number;
  readonly constants: number;
  readonly failure: number;
  /** Orders to the threads. */
  readonly control: number;
}

export const LOSS_BLOCK = 512;
export const SPLIT_DOUBLES = 24;
export const UNPACKED_BYTES = 6144;
/** What a failed thread has to say. */
export const FAILURE_BYTES = 512;
/** Four doubles, on a cache line of their own. */
export const SCANNED_BYTES = 64;
export const CONTROL_BYTES = 1024;
/** 32-bit addresses reach this far. */
const LARGEST_MEMORY = 4 * 1024 * 1024 * 1024;
const PAGE = 65_536;
/** Features of a group: their histograms stay within the first-level cache, their addresses within the registers. */
const GROUP_FEATURES = 8;

/** @throws TRAINING_TOO_LARGE */
export function planMemory(shape: {
  readonly features: readonly FeatureBins[];
  readonly rows: number;
  readonly validateRows: number;
  readonly weighted: boolean;
  readonly validateWeighted: boolean;
  readonly leaves: number;
  readonly threads: number;
  readonly outputs: number;
}): MemoryLayout {
  const { features, rows, leaves, threads, outputs } = shape;
  // Address 0 means "none".
  let end = 64;
  const take = (bytes: number): number => {
    const start = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return start;
  };
  const takeRows = (count: number, weighted: boolean): RowsLayout => {
    const columnStride = Math.ceil(count / 64) * 64;
    // One more, since gradients are computed two rows at a time.
    const scoreStride = Math.ceil((8 * (count + 1)) / 64) * 64;
    return {
      rows: count,
      columns: take(columnStride * features.length),
      columnStride,
      score: take(outputs * scoreStride),
      scoreStride,
      target: take(8 * (count + 1)),
      weight: weighted ? take(8 * (count + 1)) : 0,
      index: take(4 * count),
    };
  };
  const control = take(CONTROL_BYTES);
  const { groups, firstBins, bins } = groupFeatures(features, (count) => take(rows * count));
  const histogramBytes = Math.ceil((bins * BIN_BYTES) / 64) * 64;
  const layout: MemoryLayout = {
    pages: 0,
    constants: take(CONSTANT_BYTES),
    failure: take(FAILURE_BYTES),
    threads,
    control,
    groups,
    firstBins,
    train: takeRows(rows, shape.weighted),
    validate: shape.validateRows > 0 ? takeRows(shape.validateRows, shape.validateWeighted) : undefined,
    gradients: take(Math.max(16 * (rows + 1), 8 * shape.validateRows)),
    leftRows: take(4 * rows),
    rightRows: take(4 * rows),
    histograms: take(histogramBytes * (leaves + threads)),
    histogramBytes,
    leaves,
    tables: take(256 * leaves),
    trainNodes: take(12 * leaves),
    validateNodes: take(12 * leaves),
    leafValues: take(8 * leaves),
    leafRanges: take(8 * leaves),
    active: take(features.length),
    splittable: take(leaves * features.length),
    splits: take(8 * SPLIT_DOUBLES * 2 * threads),
    unpacked: take(UNPACKED_BYTES * threads),
    scanned: take(SCANNED_BYTES * threads),
    losses: take(16 * Math.ceil(Math.max(rows, shape.validateRows) / LOSS_BLOCK)),
    extremes: take(16 * threads),
    normaliser: outputs > 1 ? take(2 * Math.ceil((8 * (rows + 1)) / 64) * 64) : 0,
  };
  if (end > LARGEST_MEMORY) {
    throw trainingErrors.TRAINING_TOO_LARGE.error(
      `training on ${rows} rows × ${features.length} features with ${leaves} leaves needs ${(end / 1e9).toFixed(1)} GB; the trainer can address 4.3 GB`,
      { hint: "Use fewer rows (a later start of the training window), features, leaves or bins (maxBins)." },
    );
  }
  return { ...layout, pages: Math.ceil(end / PAGE) };
}

function groupFeatures(
  features: readonly FeatureBins[],
  takeRowBins: (count: number) => number,
): { groups: FeatureGroup[]; firstBins: number[]; bins: number } {
  const groups: FeatureGroup[] = [];
  const firstBins: number[] = [];
  let bins = 0;
  for (let first = 0; first < features.length; first += GROUP_FEATURES) {
    const members = features.slice(first, first + GROUP_FEATURES);
    const firstBin = bins;
    const offsets = members.map((feature) => {
      const offset = bins - firstBin;
      firstBins.push(bins);
      bins += binCount(feature);
      return offset;
    });
    groups.push({ first, count: members.length, offsets, firstBin, rowBins: takeRowBins(members.length) });
  }
  return { groups, firstBins, bins };
}
