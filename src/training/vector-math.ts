import {
  type Code,
  type ConstantPool,
  type FunctionBuilder,
  f64x2,
  i32,
  i64x2,
  type Local,
  repeatWhile,
  sequence,
  v128,
} from "./wasm-writer.ts";

/** Functions of two doubles at once, for the kernels that go through rows two at a time. */

/**
 * Adding it to a double below 2^51 rounds that to an integer, which then stands in the lower mantissa bits in two's
 * complement.
 */
const ROUNDER = 6_755_399_441_055_744;
const ROUNDER_BITS = 0x4338_0000_0000_0000n;
/** ln 2 in two parts, the first of which has so many zero bits that its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.908214929270588e-10;

/** Runs `body` for `row` and every second one after it below `rowEnd`. */
export function eachPair(row: Local, rowEnd: Local, body: Code): Code {
  return repeatWhile(i32.ltU(row.tee(i32.add(row.get, i32.const(2))), rowEnd.get), body);
}

/** As i64, for numbers below 2^51. */
export function rounded(constants: ConstantPool, value: Code): Code {
  return i64x2.sub(f64x2.add(value, constants.splat(ROUNDER)), constants.splat(ROUNDER_BITS));
}

/** 1 / (1 + e^−x). */
export function logistic(constants: ConstantPool, x: Code, local: FunctionBuilder["local"]): Code {
  const { splat } = constants;
  return f64x2.div(splat(1), f64x2.add(splat(1), exponential(constants, f64x2.neg(x), local)));
}

/** 1/0!, 1/1!, …: on |r| ≤ ln 2 / 2 the error of the Taylor series up to r^9 is below 1e-11. */
const SERIES = [1, 1, 2, 6, 24, 120, 720, 5040, 40_320, 362_880].map((factorial) => 1 / factorial);

/**
 * e^x with a relative error below 1e-11, for x held within ±700: quick enough for every row of every iteration, and
 * finer than gradients are quantised. What models predict goes through the kernel's functions.
 */
export function exponential({ splat }: ConstantPool, x: Code, local: FunctionBuilder["local"]): Code {
  const reduced = local("v128");
  const power = local("v128");
  const square = local("v128");
  const fourth = local("v128");
  // Summed in pairs of pairs (Estrin's scheme), so that few operations wait for one another.
  const pair = (lower: number): Code =>
    f64x2.add(f64x2.mul(reduced.get, splat(SERIES[lower + 1]!)), splat(SERIES[lower]!));
  const four = (lower: number): Code => f64x2.add(f64x2.mul(pair(lower + 2), square.get), pair(lower));
  const series = f64x2.add(
    f64x2.mul(pair(8), f64x2.mul(fourth.get, fourth.get)),
    f64x2.add(f64x2.mul(four(4), fourth.get), four(0)),
  );
  // 2^k for the integer k in the lower bits of `power`, made from its exponent bits.
  const scale = i64x2.shl(i64x2.add(power.get, splat(1023n)), i32.const(52));
  const whole = f64x2.sub(power.get, splat(ROUNDER));
  return sequence(
    reduced.set(f64x2.max(splat(-700), f64x2.min(splat(700), x))),
    power.set(f64x2.add(f64x2.mul(reduced.get, splat(Math.LOG2E)), splat(ROUNDER))),
    reduced.set(
      f64x2.sub(f64x2.sub(reduced.get, f64x2.mul(whole, splat(LN2_HIGH))), f64x2.mul(whole, splat(LN2_LOW))),
    ),
    square.set(f64x2.mul(reduced.get, reduced.get)),
    fourth.set(f64x2.mul(square.get, square.get)),
    f64x2.mul(series, scale),
  );
}

/** 2/1, 2/3, 2/5, …: the series of 2·artanh; where |f| ≤ 0.172 the error up to f^17 is below 1e-15. */
const ARTANH = [1, 3, 5, 7, 9, 11, 13, 15, 17].map((divisor) => 2 / divisor);
/** The bits of 2^52, and of √½. */
const TWO_52 = 0x4330_0000_0000_0000n;
const ROOT_HALF = 0x3fe6_a09e_667f_3bcdn;

/** The natural logarithm with an absolute error below 1e-14, for positive normal numbers. */
export function logarithm({ splat }: ConstantPool, x: Code, local: FunctionBuilder["local"]): Code {
  const shifted = local("v128");
  const mantissa = local("v128");
  const square = local("v128");
  // x = 2^k · m with m in [√½, √2): the exponent is read off the bits above those of √½.
  const power = f64x2.sub(
    v128.or(i64x2.shrU(shifted.get, i32.const(52)), splat(TWO_52)),
    splat(4_503_599_627_370_496 + 1023),
  );
  const one = 1023n << 52n;
  const series = ARTANH.toReversed().reduce<Code | undefined>(
    (sum, factor) =>
      sum === undefined ? splat(factor) : f64x2.add(f64x2.mul(sum, square.get), splat(factor)),
    undefined,
  );
  return sequence(
    shifted.set(i64x2.add(x, splat(one - ROOT_HALF))),
    mantissa.set(i64x2.add(v128.and(shifted.get, splat((1n << 52n) - 1n)), splat(ROOT_HALF))),
    mantissa.set(f64x2.div(f64x2.sub(mantissa.get, splat(1)), f64x2.add(mantissa.get, splat(1)))),
    square.set(f64x2.mul(mantissa.get, mantissa.get)),
    f64x2.add(f64x2.mul(power, splat(Math.LN2)), f64x2.mul(mantissa.get, series ?? splat(0))),
  );
}
