import { createRandom } from "../kernel/index.ts";

/**
 * What is learned from columns of numbers, NaN being missing. All sums run in row order, so that the result depends on
 * the rows alone.
 */

/** Beyond so many values order statistics come from a sample. */
const MOST_SORTED = 4_000_000;

/** Scales away overflow of sums and squares of numbers near the largest double, exactly: 2^−540. */
const TINY = 2.778448436856347e-163;

export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Over n. */
  readonly deviation: number;
}

export function momentsOf(values: Float64Array): Moments {
  const plain = scaledMoments(values, 1);
  const sound = Number.isFinite(plain.mean) && Number.isFinite(plain.deviation);
  return sound ? plain : scaledMoments(values, TINY);
}

function scaledMoments(values: Float64Array, scale: number): Moments {
  let count = 0;
  let sum = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    count += 1;
    sum += value * scale;
  }
  if (count === 0) return { count, mean: 0, deviation: 0 };
  const mean = sum / count;
  let squares = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    const distance = value * scale - mean;
    squares += distance * distance;
  }
  return { count, mean: mean / scale + 0, deviation: Math.sqrt(squares / count) / scale };
}

/** The values that are not missing, in rising order; when there are more than `most`, a seeded sample of about as many. */
export function sortedValues(values: Float64Array, most = MOST_SORTED): Float64Array {
  let count = 0;
  for (let row = 0; row < values.length; row++) if (!Number.isNaN(values[row])) count += 1;
  const random = count > most ? createRandom("order statistics") : undefined;
  const kept = new Float64Array(count);
  let at = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    if (random !== undefined && random.integer(count) >= most) continue;
    kept[at] = value;
    at += 1;
  }
  return kept.subarray(0, at).sort();
}

/** The mean of the two middle values. */
export function medianOf(sorted: Float64Array): number {
  const middle = sorted.length >>> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted[middle - 1]! / 2 + sorted[middle]! / 2 + 0;
}

/** The smallest of the most frequent values. */
export function mostFrequentOf(sorted: Float64Array): number {
  let best = sorted[0]!;
  let bestCount = 0;
  let start = 0;
  for (let at = 1; at <= sorted.length; at++) {
    if (at < sorted.length && sorted[at] === sorted[start]) continue;
    if (at - start > bestCount) {
      best = sorted[start]!;
      bestCount = at - start;
    }
    start = at;
  }
  return best;
}

/**
 * The lower bounds of all buckets but the first, rising: at most `buckets − 1` quantiles. Where there are no more
 * distinct values than buckets each has its own.
 */
export function quantileBounds(sorted: Float64Array, buckets: number): number[] {
  const distinct = distinctUpTo(sorted, buckets);
  if (distinct !== undefined) return distinct.slice(1);
  const bounds: number[] = [];
  for (let k = 1; k < buckets; k++) {
    const bound = sorted[Math.floor((k * sorted.length) / buckets)]!;
    if (bound > (bounds.at(-1) ?? sorted[0]!)) bounds.push(bound);
  }
  return bounds;
}

function distinctUpTo(sorted: Float64Array, most: number): number[] | undefined {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (distinct.at(-1) === value) continue;
    if (distinct.length === most) return undefined;
    distinct.push(value);
  }
  return distinct;
}

/** Codes beyond so many are counted in a map: hashes may have millions of buckets and a table only thousands of rows. */
const MOST_DENSE = 1_048_576;

/** How many rows have each code that occurs, and how many have none. Unseen codes (−1) are not counted. */
export function countCodes(
  codes: Float64Array,
  size: number,
): { readonly counts: readonly (readonly [code: number, count: number])[]; readonly missing: number } {
  const dense = size <= MOST_DENSE ? new Float64Array(size) : undefined;
  const sparse = new Map<number, number>();
  let missing = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (Number.isNaN(code)) missing += 1;
    else if (code < 0) continue;
    else if (dense !== undefined) dense[code] = dense[code]! + 1;
    else sparse.set(code, (sparse.get(code) ?? 0) + 1);
  }
  const counts: Iterable<[number, number]> = dense?.entries() ?? sparse;
  return { counts: [...counts].filter(([, count]) => count > 0), missing };
}
