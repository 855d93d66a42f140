import { log, log2 } from "../kernel/index.ts";
import { sortedOrder } from "./sorted-order.ts";

/**
 * How far two distributions are apart. Counts at the same index are of the same bin or category; neither sum is 0. Every
 * one of these numbers depends on how values were put into bins, so whoever shows one says how.
 */

type Counts = readonly number[] | Float64Array;

/** Each count's share of their sum. */
export function sharesOf(counts: Counts): Float64Array {
  let sum = 0;
  for (const count of counts) sum += count;
  return Float64Array.from(counts, (count) => count / sum);
}

/** The largest difference between the shares of one category (L∞ distance), in [0, 1]. */
export function largestShareDifference(first: Counts, second: Counts): number {
  const p = sharesOf(first);
  const q = sharesOf(second);
  let largest = 0;
  for (let i = 0; i < p.length; i++) largest = Math.max(largest, Math.abs(p[i]! - q[i]!));
  return largest;
}

/** Square root of the Jensen–Shannon divergence to base 2, in [0, 1]: Lin 1991; scipy's `jensenshannon(p, q, 2)`. */
export function jensenShannonDistance(first: Counts, second: Counts): number {
  const p = sharesOf(first);
  const q = sharesOf(second);
  let divergence = 0;
  for (let i = 0; i < p.length; i++) {
    const middle = (p[i]! + q[i]!) / 2;
    if (p[i]! > 0) divergence += p[i]! * log(p[i]! / middle);
    if (q[i]! > 0) divergence += q[i]! * log(q[i]! / middle);
  }
  return Math.sqrt(Math.max(0, divergence / 2 / log(2)));
}

const LEAST_SHARE = 0.0001;

/**
 * Population stability index Σ (r − c) ln(r / c) of reference and current shares. Empty bins count as a share of 0.0001, or
 * as a millionth of the side's smallest share where that is smaller still (Evidently's convention).
 */
export function populationStability(reference: Counts, current: Counts): number {
  const r = withoutZeros(sharesOf(reference));
  const c = withoutZeros(sharesOf(current));
  let sum = 0;
  for (let i = 0; i < r.length; i++) sum += (r[i]! - c[i]!) * log(r[i]! / c[i]!);
  return sum;
}

function withoutZeros(shares: Float64Array): Float64Array {
  let smallest = 1;
  for (const share of shares) if (share > 0 && share < smallest) smallest = share;
  const instead = smallest <= LEAST_SHARE ? smallest / 1_000_000 : LEAST_SHARE;
  return shares.map((share) => (share === 0 ? instead : share));
}

/** The largest difference between the cumulated shares of ordered bins: the Kolmogorov–Smirnov statistic at their edges. */
export function kolmogorovSmirnovOfBins(first: Counts, second: Counts): number {
  const p = sharesOf(first);
  const q = sharesOf(second);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < p.length; i++) {
    difference += p[i]! - q[i]!;
    largest = Math.max(largest, Math.abs(difference));
  }
  return largest;
}

/** Distances of two samples of numbers, none of which is NaN or infinite, and neither empty. */
export interface SampleDistances {
  readonly jensenShannon: number;
  readonly psi: number;
  /** Of the samples themselves, not of bins. */
  readonly kolmogorovSmirnov: number;
  readonly bins: number;
}

/** With so many different values or fewer in the reference, each value is a bin of its own. */
const MOST_VALUES_AS_BINS = 20;

/**
 * Distances over equal-width bins of both samples together, as many as Sturges' rule says (as numpy counts them), or over
 * the values themselves where the reference has at most 20 different ones: Evidently's convention. The reference comes first.
 */
export function sampleDistances(reference: Float64Array, current: Float64Array): SampleDistances {
  const r = sorted(reference);
  const c = sorted(current);
  const values = distinctUpTo(r, MOST_VALUES_AS_BINS + 1);
  const [first, second] = values.length > MOST_VALUES_AS_BINS ? equalWidthCounts(r, c) : countsOfValues(r, c);
  return {
    jensenShannon: jensenShannonDistance(first, second),
    psi: populationStability(first, second),
    kolmogorovSmirnov: kolmogorovSmirnov(r, c),
    bins: first.length,
  };
}

function sorted(values: Float64Array): Float64Array {
  const order = sortedOrder(values);
  return Float64Array.from(order, (index) => values[index]!);
}

function distinctUpTo(ascending: Float64Array, most: number): number[] {
  const values: number[] = [];
  for (const value of ascending) {
    if (values.at(-1) === value) continue;
    values.push(value);
    if (values.length === most) break;
  }
  return values;
}

type TwoCounts = readonly [Float64Array, Float64Array];

function countsOfValues(r: Float64Array, c: Float64Array): TwoCounts {
  const values = [...new Set([...distinctUpTo(r, r.length), ...distinctUpTo(c, c.length)])].sort(
    (a, b) => a - b,
  );
  const bins = [...values, Number.POSITIVE_INFINITY];
  return [countsBetween(r, bins), countsBetween(c, bins)];
}

function equalWidthCounts(r: Float64Array, c: Float64Array): TwoCounts {
  const start = Math.min(r[0]!, c[0]!);
  const stop = Math.max(r.at(-1)!, c.at(-1)!);
  const width = (stop - start) / (log2(r.length + c.length) + 1);
  const bins = Math.ceil((stop - start) / width);
  const step = (stop - start) / bins;
  const edges = Array.from({ length: bins + 1 }, (_, bin) => (bin === bins ? stop : bin * step + start));
  return [countsBetween(r, edges), countsBetween(c, edges)];
}

/** How many of ascending values lie in [edges[i], edges[i + 1]); the last bin has its upper edge too. */
function countsBetween(ascending: Float64Array, edges: readonly number[]): Float64Array {
  const counts = new Float64Array(edges.length - 1);
  let bin = 0;
  for (const value of ascending) {
    while (bin < counts.length - 1 && value >= edges[bin + 1]!) bin += 1;
    counts[bin]! += 1;
  }
  return counts;
}

/** The two-sample statistic: the largest difference of the empirical distribution functions. */
function kolmogorovSmirnov(a: Float64Array, b: Float64Array): number {
  let largest = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const value = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i] === value) i += 1;
    while (j < b.length && b[j] === value) j += 1;
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length));
  }
  return largest;
}
