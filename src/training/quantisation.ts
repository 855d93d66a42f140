/**
 * How derivatives become integers. Sums over all rows stay below 2^52, so that they are exact as doubles too; a bin's
 * second integer holds the sum of second derivatives and, from bit `countShift` up, the number of rows.
 */
export interface Quantisation {
  /** The largest first derivative becomes at most 2^gradientBits. */
  readonly gradientBits: number;
  /** The largest second derivative becomes at most 2^hessianBits. */
  readonly hessianBits: number;
  readonly countShift: number;
}

/** For a million rows: 32 bits for first derivatives, 22 for second ones. */
export function quantisationFor(rows: number): Quantisation {
  const rowBits = 32 - Math.clz32(rows);
  const hessianBits = Math.min(40, 62 - 2 * rowBits, 52 - rowBits);
  return { gradientBits: Math.min(40, 52 - rowBits), hessianBits, countShift: hessianBits + rowBits };
}

/** 2^bits for bits in [0, 1023). */
export function powerOfTwo(bits: number): number {
  let power = 1;
  for (let i = 0; i < bits; i++) power *= 2;
  return power;
}

const SMALLEST = powerOfTwo(800);

/** The smallest power of two that is at least `value`, for values in [0, 2^1000]; 2^−800 for smaller ones. */
export function powerAtLeast(value: number): number {
  let power = 1 / SMALLEST;
  while (power < value) power *= 2;
  return power;
}
