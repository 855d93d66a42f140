import { createRandom, type FeatureColumn } from "../kernel/index.ts";
import { trainingErrors } from "./errors.ts";

/**
 * How a feature's values become bins 0 … valueBins − 1. One bin more, number `valueBins`, stands for missing values
 * (and for categories that have no bin of their own).
 */
export interface FeatureBins {
  /** Index of the feature in the matrix. */
  readonly feature: number;
  readonly kind: "numeric" | "categorical";
  /** Numeric: bin b holds (bounds[b − 1], bounds[b]]; the last bound is +∞. Empty for categories. */
  readonly bounds: Float64Array;
  /** Categorical: the code in each bin, the most frequent first. Empty for numbers. */
  readonly codes: Int32Array;
  /** 1 to 255. */
  readonly valueBins: number;
  /** Whether a training row falls into the bin of missing values. */
  readonly hasMissing: boolean;
}

/** Rows looked at for the bins of a column with more distinct values than bins. */
const SAMPLE_ROWS = 200_000;
/** Fewest rows of a bin that holds several distinct values (LightGBM's min_data_in_bin), unless leaves may be smaller. */
const ROWS_PER_BIN = 3;
/** Values this close to zero are zero (LightGBM's kZeroThreshold). */
const ZERO = 1.0000000180025095e-35;

export interface BinOptions {
  readonly maxBins: number;
  readonly minRowsPerLeaf: number;
  readonly seed: number;
}

/**
 * Chooses the bins of one column as LightGBM does, so that both see the same splits: zero has a bin of its own; where
 * the values below or above it are few enough, each gets its own bin; otherwise bins hold about the same number of
 * sampled rows, and frequent values get a bin to themselves.
 *
 * @throws TRAINING_BAD_CATEGORY
 */
export function findBins(
  column: FeatureColumn,
  values: Float64Array,
  options: BinOptions & { readonly feature: number },
): FeatureBins {
  return column.kind === "numeric"
    ? findNumericBins(values, options)
    : findCategoricalBins(column, values, options);
}

/** Distinct values in ascending order, and how often each occurs. */
interface Counted {
  readonly values: Float64Array;
  readonly counts: Uint32Array;
}

function findNumericBins(
  values: Float64Array,
  options: BinOptions & { readonly feature: number },
): FeatureBins {
  const { feature } = options;
  const hasMissing = hasNaN(values);
  const counted =
    (values.length > SAMPLE_ROWS ? countFew(values, options.maxBins) : undefined) ??
    runLengths(sortedSample(values, options.seed, feature));
  const common = { codes: new Int32Array(0), feature, kind: "numeric" } as const;
  // A constant column, or one without values: a single bin, which no split can divide.
  if (counted.values.length + (hasMissing ? 1 : 0) < 2)
    return { ...common, bounds: Float64Array.of(Number.POSITIVE_INFINITY), valueBins: 1, hasMissing: false };
  const bounds = boundsAroundZero(counted, {
    // Missing values take one of the bins.
    maxBins: options.maxBins - (hasMissing ? 1 : 0),
    rowsPerBin: Math.min(ROWS_PER_BIN, options.minRowsPerLeaf),
  });
  return { ...common, bounds, valueBins: bounds.length, hasMissing };
}

function hasNaN(values: Float64Array): boolean {
  for (let row = 0; row < values.length; row++) if (Number.isNaN(values[row])) return true;
  return false;
}

/** Counts the distinct values; undefined when there are more than `most`. */
function countFew(values: Float64Array, most: number): Counted | undefined {
  // Open addressing; NaN marks an empty place.
  const places = 2048;
  const table = new Float64Array(places).fill(Number.NaN);
  const counts = new Uint32Array(places);
  const bits = new Float64Array(1);
  const words = new Int32Array(bits.buffer);
  let distinct = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]! + 0;
    if (Number.isNaN(value)) continue;
    bits[0] = value;
    let place = Math.imul(words[0]! ^ Math.imul(words[1]!, 0x85ebca6b), 0x9e3779b1) >>> 21;
    while (table[place] !== value) {
      if (Number.isNaN(table[place])) {
        if (++distinct > most) return undefined;
        table[place] = value;
        break;
      }
      place = (place + 1) & (places - 1);
    }
    counts[place] = counts[place]! + 1;
  }
  const order = [...table.keys()].filter((place) => counts[place]! > 0);
  order.sort((a, b) => table[a]! - table[b]!);
  return {
    values: Float64Array.from(order, (place) => table[place]!),
    counts: Uint32Array.from(order, (place) => counts[place]!),
  };
}

/** One row from each of SAMPLE_ROWS equal stretches, or all rows; sorted, without NaN. */
function sortedSample(values: Float64Array, seed: number, feature: number): Float64Array {
  if (values.length <= SAMPLE_ROWS) return values.filter((value) => !Number.isNaN(value)).sort();
  const random = createRandom(seed).fork(`bins/${feature}`);
  const stretch = values.length / SAMPLE_ROWS;
  const sample = new Float64Array(SAMPLE_ROWS);
  let taken = 0;
  for (let i = 0; i < SAMPLE_ROWS; i++) {
    const value = values[Math.floor((i + random.float()) * stretch)]!;
    if (!Number.isNaN(value)) sample[taken++] = value;
  }
  return sample.subarray(0, taken).sort();
}

function runLengths(sorted: Float64Array): Counted {
  const values = new Float64Array(sorted.length);
  const counts = new Uint32Array(sorted.length);
  let last = -1;
  for (const value of sorted) {
    if (last === -1 || values[last] !== value) values[++last] = value + 0;
    counts[last] = counts[last]! + 1;
  }
  return { values: values.subarray(0, last + 1), counts: counts.subarray(0, last + 1) };
}

/** Upper bounds of the bins, the last being +∞ (LightGBM's FindBinWithZeroAsOneBin). */
function boundsAroundZero(
  counted: Counted,
  limits: { readonly maxBins: number; readonly rowsPerBin: number },
): Float64Array {
  const { maxBins } = limits;
  const firstZero = countWhile(counted, (value) => value <= -ZERO);
  const firstPositive = countWhile(counted, (value) => value <= ZERO);
  const part = (from: number, to: number): Counted => ({
    values: counted.values.subarray(from, to),
    counts: counted.counts.subarray(from, to),
  });
  const [negative, positive] = [part(0, firstZero), part(firstPositive, counted.values.length)];
  const [below, above] = [rowsOf(negative), rowsOf(positive)];
  const bounds: number[] = [];
  if (negative.values.length > 0) {
    const bins = Math.max(1, Math.floor((below / (below + above)) * (maxBins - 1)));
    bounds.push(...greedyBounds(negative, { ...limits, maxBins: bins }), -ZERO);
  }
  const bins = maxBins - 1 - bounds.length;
  if (positive.values.length > 0 && bins > 0)
    bounds.push(ZERO, ...greedyBounds(positive, { ...limits, maxBins: bins }));
  bounds.push(Number.POSITIVE_INFINITY);
  return Float64Array.from(bounds);
}

function countWhile({ values }: Counted, holds: (value: number) => boolean): number {
  const end = values.findIndex((value) => !holds(value));
  return end === -1 ? values.length : end;
}

function rowsOf({ counts }: Counted): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The bounds between at most `maxBins` bins (LightGBM's GreedyFindBin). */
function greedyBounds(
  { values, counts }: Counted,
  { maxBins, rowsPerBin }: { readonly maxBins: number; readonly rowsPerBin: number },
): number[] {
  const bounds: number[] = [];
  const rows = rowsOf({ values, counts });
  let inBin = 0;
  if (values.length <= maxBins) {
    for (let i = 0; i + 1 < values.length; i++) {
      inBin += counts[i]!;
      if (inBin < rowsPerBin) continue;
      bounds.push(boundBetween(values[i]!, values[i + 1]!));
      inBin = 0;
    }
    return bounds;
  }
  const bins = Math.max(1, Math.min(maxBins, Math.floor(rows / rowsPerBin)));
  let size = rows / bins;
  const isFrequent = counts.map((count) => (count >= size ? 1 : 0));
  let restBins = bins;
  let restRows = rows;
  for (let i = 0; i < counts.length; i++) {
    if (isFrequent[i] === 0) continue;
    restBins--;
    restRows -= counts[i]!;
  }
  size = restRows / restBins;
  for (let i = 0; i + 1 < values.length && bounds.length < bins - 1; i++) {
    inBin += counts[i]!;
    if (isFrequent[i] === 0) restRows -= counts[i]!;
    const isFull = isFrequent[i] === 1 || inBin >= size;
    if (!isFull && !(isFrequent[i + 1] === 1 && inBin >= Math.max(1, size / 2))) continue;
    bounds.push(boundBetween(values[i]!, values[i + 1]!));
    inBin = 0;
    if (isFrequent[i] === 0) size = restRows / --restBins;
  }
  return bounds;
}

/** A bound with low ≤ bound < high, in the middle where the arithmetic allows. */
function boundBetween(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}

function findCategoricalBins(
  column: FeatureColumn,
  values: Float64Array,
  { feature, maxBins }: BinOptions & { readonly feature: number },
): FeatureBins {
  const counts = new Uint32Array(column.cardinality);
  let missing = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value >= 0 && value < column.cardinality && (value | 0) === value) {
      counts[value] = counts[value]! + 1;
    } else if (Number.isNaN(value)) {
      missing++;
    } else {
      throw trainingErrors.TRAINING_BAD_CATEGORY.error(
        `row ${row} of categorical column "${column.name}" holds ${value}; codes run from 0 to ${column.cardinality - 1}`,
        { details: { column: column.name, row, value: String(value) } },
      );
    }
  }
  const seen = Array.from(counts.keys()).filter((code) => counts[code]! > 0);
  seen.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const codes = Int32Array.from(seen.slice(0, maxBins));
  const hasMissing = missing > 0 || seen.length > codes.length;
  return {
    feature,
    kind: "categorical",
    bounds: new Float64Array(0),
    codes,
    valueBins: codes.length,
    hasMissing,
  };
}

/** The bin of every code, for codes below the table's length; others have none. */
export function binsOfCodes({ codes, valueBins }: FeatureBins): Uint8Array {
  const bins = new Uint8Array(codes.reduce((most, code) => Math.max(most, code), -1) + 1).fill(valueBins);
  codes.forEach((code, bin) => {
    bins[code] = bin;
  });
  return bins;
}

/** Bins of a feature's histogram: those of values, and one for missing values when there are any. */
export function binCount({ valueBins, hasMissing }: FeatureBins): number {
  return valueBins + (hasMissing ? 1 : 0);
}
