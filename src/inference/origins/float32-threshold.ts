const SINGLE = new Float32Array(1);
const SINGLE_BITS = new Int32Array(SINGLE.buffer);
const DOUBLE = new Float64Array(1);
const DOUBLE_BITS = new BigInt64Array(DOUBLE.buffer);

/** Doubles from here on round to an infinite float32: half a step above the largest one. */
const ROUNDS_TO_INFINITY = 3.4028235677973366e38;

/**
 * The largest double that rounds to a float32 of at most `threshold`: for every double x, `x <= T` exactly when
 * `float32(x) <= threshold`. So a model that compares in float32 is walked in doubles without rounding its inputs.
 *
 * @param threshold a float32, not NaN
 */
export function atMostInFloat32(threshold: number): number {
  if (threshold === Number.POSITIVE_INFINITY) return threshold;
  if (threshold === Number.NEGATIVE_INFINITY) return -ROUNDS_TO_INFINITY;
  const above = nextFloat32(threshold, 1);
  const middle = above === Number.POSITIVE_INFINITY ? ROUNDS_TO_INFINITY : (threshold + above) / 2;
  return Math.fround(middle) <= threshold ? middle : doubleBelow(middle);
}

/**
 * The same for `float32(x) < threshold`.
 *
 * @returns undefined for a threshold of −∞, which nothing is below
 */
export function belowInFloat32(threshold: number): number | undefined {
  return threshold === Number.NEGATIVE_INFINITY ? undefined : atMostInFloat32(nextFloat32(threshold, -1));
}

/** The largest double below x, for finite x. */
export function doubleBelow(x: number): number {
  if (x === 0) return -Number.MIN_VALUE;
  DOUBLE[0] = x;
  DOUBLE_BITS[0] = DOUBLE_BITS[0]! + (x > 0 ? -1n : 1n);
  return DOUBLE[0];
}

/** The neighbour of a float32 above (1) or below (−1) it. */
function nextFloat32(x: number, direction: 1 | -1): number {
  if (x === 0) {
    SINGLE_BITS[0] = 1;
    return SINGLE[0]! * direction;
  }
  SINGLE[0] = x;
  SINGLE_BITS[0] = SINGLE_BITS[0]! + (x > 0 ? direction : -direction);
  return SINGLE[0];
}
