/**
 * Quantiles of the rows of a leaf. Both functions reorder what they are given, in expected linear time, and depend on
 * nothing but the values in their order.
 */

/**
 * The quantile with linear interpolation between neighbours (type 7 of Hyndman & Fan 1996), as numpy and LightGBM have
 * it; the arithmetic follows LightGBM's PercentileFun.
 *
 * @param values at least one
 * @param share in (0, 1)
 */
export function quantileOf(values: Float64Array, share: number): number {
  const count = values.length;
  if (count === 1) return values[0]!;
  // Counted from the largest down.
  const place = (count - 1) * (1 - share);
  const upper = Math.floor(place);
  const rank = count - 1 - upper;
  select(values, rank);
  const high = values[rank]!;
  if (rank === 0) return high;
  let low = values[0]!;
  for (let i = 1; i < rank; i++) if (values[i]! > low) low = values[i]!;
  return high - (high - low) * (place - upper);
}

/**
 * The least value up to which more than `share` of the total weight lies: the quantile of the weighted distribution.
 *
 * @param weights one for each value, ≥ 0
 */
export function weightedQuantileOf(values: Float64Array, weights: Float64Array, share: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  const threshold = total * share;
  let below = 0;
  let first = 0;
  let end = values.length;
  for (;;) {
    const pivot = pivotOf(values, first, end);
    const { less, equal } = partition(values, { weights, first, end, pivot });
    if (equal === end || below + weightOf(weights, first, equal) > threshold) {
      const before = weightOf(weights, first, less);
      // Everything in [less, equal) is the pivot.
      if (less === first || below + before <= threshold) return pivot;
      end = less;
    } else {
      below += weightOf(weights, first, equal);
      first = equal;
    }
  }
}

function weightOf(weights: Float64Array, first: number, end: number): number {
  let sum = 0;
  for (let i = first; i < end; i++) sum += weights[i]!;
  return sum;
}

/** Brings the value of this rank to its place, smaller ones before and larger ones behind it (Hoare's selection). */
function select(values: Float64Array, rank: number): void {
  let first = 0;
  let end = values.length;
  while (end - first > 1) {
    const pivot = pivotOf(values, first, end);
    const { less, equal } = partition(values, { first, end, pivot });
    if (rank < less) end = less;
    else if (rank >= equal) first = equal;
    else return;
  }
}

function pivotOf(values: Float64Array, first: number, end: number): number {
  const a = values[first]!;
  const b = values[(first + end) >>> 1]!;
  const c = values[end - 1]!;
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

interface Span {
  readonly weights?: Float64Array;
  readonly first: number;
  readonly end: number;
  readonly pivot: number;
}

/** Smaller than the pivot in [first, less), equal in [less, equal), larger behind; weights move with their values. */
function partition(
  values: Float64Array,
  { weights, first, end, pivot }: Span,
): { less: number; equal: number } {
  let less = first;
  let at = first;
  let larger = end;
  while (at < larger) {
    const value = values[at]!;
    if (value < pivot) {
      swap(values, less, at);
      if (weights !== undefined) swap(weights, less, at);
      less++;
      at++;
    } else if (value > pivot) {
      larger--;
      swap(values, at, larger);
      if (weights !== undefined) swap(weights, at, larger);
    } else at++;
  }
  return { less, equal: larger };
}

function swap(values: Float64Array, a: number, b: number): void {
  const held = values[a]!;
  values[a] = values[b]!;
  values[b] = held;
}
