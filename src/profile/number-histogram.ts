import { profileErrors } from "./errors.ts";

/** More bins than this and neighbours are joined. */
export const MAX_BINS = 512;
const FINEST_LEVEL = 20;
const SLOTS = 2048;
const SLOT_SHIFT = 21;
const HASH_FACTOR = 0x9e3779b1;
/** No key of a finite double. */
const FREE = -0x80000000;

/** Bins in ascending order; `keys[i]` names a bin (see `binBounds`), `counts[i]` how many values lie in it. */
export interface HistogramDocument {
  readonly level: number;
  readonly keys: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Counts of doubles in bins whose boundaries are fixed for ever, so that histograms of parts add up exactly to the
 * histogram of the whole, whatever the parts.
 *
 * A bin at level L holds the doubles that share sign, exponent and the first L bits of the mantissa: its width is at
 * most 2^−L of its values, small whole numbers have bins of their own, and everything from the smallest to the largest
 * double has a place. The level is the finest of 0 … 20 at which at most 512 bins are occupied. It depends on the set of
 * values alone, not on their order or grouping.
 */
export class NumberHistogram {
  #level = FINEST_LEVEL;
  #size = 0;
  /** Open addressing; FREE where a slot is free. */
  #keys = new Int32Array(SLOTS).fill(FREE);
  #counts = new Float64Array(SLOTS);
  /** Counts of one portion: whole words are quicker to count in than doubles. */
  readonly #recent = new Int32Array(SLOTS);

  /** Adds doubles given as pairs of words, those of values `[from, to)`: finite ones other than −0. */
  addDoubles(words: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; ) i = this.#addSome(words, i, to);
  }

  merge(other: HistogramDocument): void {
    while (this.#level > other.level) this.#rebuild(1);
    const shift = other.level - this.#level;
    for (let i = 0; i < other.keys.length; i++) {
      this.#count(other.keys[i]! >> shift, other.counts[i]!);
      if (this.#size > MAX_BINS) {
        this.#mergeRest(other, i + 1);
        return;
      }
    }
  }

  toDocument(): HistogramDocument {
    const bins: [number, number][] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#keys[slot] !== FREE) bins.push([this.#keys[slot]!, this.#counts[slot]!]);
    }
    bins.sort((a, b) => a[0] - b[0]);
    return { level: this.#level, keys: bins.map(([key]) => key), counts: bins.map(([, count]) => count) };
  }

  /** Adds until the bins are too many. @returns where to go on */
  #addSome(words: Int32Array, from: number, to: number): number {
    const shift = FINEST_LEVEL - this.#level;
    const keys = this.#keys;
    const recent = this.#recent.fill(0);
    let high = 2 * from + 1;
    for (; high < 2 * to && this.#size <= MAX_BINS; high += 2) {
      const word = words[high]!;
      const key = word >= 0 ? word >> shift : ~((word & 0x7fffffff) >> shift);
      let slot = Math.imul(key, HASH_FACTOR) >>> SLOT_SHIFT;
      if (keys[slot] !== key) slot = this.#slotOf(key);
      recent[slot]! += 1;
    }
    for (let slot = 0; slot < SLOTS; slot++) this.#counts[slot]! += recent[slot]!;
    this.#coarsen();
    return (high - 1) / 2;
  }

  /** The slot of a key, which is put there if it has none. */
  #slotOf(key: number): number {
    let slot = Math.imul(key, HASH_FACTOR) >>> SLOT_SHIFT;
    while (this.#keys[slot] !== key) {
      if (this.#keys[slot] === FREE) {
        this.#keys[slot] = key;
        this.#size += 1;
      } else slot = (slot + 1) & (SLOTS - 1);
    }
    return slot;
  }

  #mergeRest(other: HistogramDocument, from: number): void {
    this.#coarsen();
    const shift = other.level - this.#level;
    this.merge({
      level: this.#level,
      keys: other.keys.slice(from).map((key) => key >> shift),
      counts: other.counts.slice(from),
    });
  }

  #count(key: number, count: number): void {
    this.#counts[this.#slotOf(key)]! += count;
  }

  #coarsen(): void {
    while (this.#size > MAX_BINS) this.#rebuild(1);
  }

  #rebuild(levels: number): void {
    const keys = this.#keys;
    const counts = this.#counts;
    this.#level -= levels;
    this.#size = 0;
    this.#keys = new Int32Array(SLOTS).fill(FREE);
    this.#counts = new Float64Array(SLOTS);
    for (let slot = 0; slot < SLOTS; slot++) {
      if (keys[slot] !== FREE) this.#count(keys[slot]! >> levels, counts[slot]!);
    }
  }
}

/** The smallest and the largest double of a bin. Zero lies in the bin that it begins. */
export function binBounds(level: number, key: number): { lower: number; upper: number } {
  if (key < 0) {
    const mirrored = binBounds(level, ~key);
    return { lower: -mirrored.upper, upper: mirrored.lower === 0 ? -Number.MIN_VALUE : -mirrored.lower };
  }
  const shift = FINEST_LEVEL - level;
  return {
    lower: doubleOf(key << shift, 0),
    upper: doubleOf((key << shift) | ((1 << shift) - 1), 0xffffffff),
  };
}

/** @throws PROFILE_BAD_DOCUMENT */
export function checkHistogram(document: HistogramDocument): void {
  const { level, keys, counts } = document;
  const sound =
    Number.isInteger(level) &&
    level >= 0 &&
    level <= FINEST_LEVEL &&
    keys.length === counts.length &&
    keys.length <= MAX_BINS &&
    counts.every((count) => Number.isSafeInteger(count) && count > 0) &&
    keys.every((key, index) => key === (key | 0) && (index === 0 || key > keys[index - 1]!));
  if (!sound) throw profileErrors.PROFILE_BAD_DOCUMENT.error("a histogram of a profile is damaged");
}

const view = new DataView(new ArrayBuffer(8));

function doubleOf(high: number, low: number): number {
  view.setInt32(0, high);
  view.setUint32(4, low);
  return view.getFloat64(0);
}
