import {
  type Code,
  type ConstantPool,
  type FunctionBuilder,
  f64,
  f64x2,
  i32,
  i32x4,
  i64x2,
  type Local,
  repeatWhile,
  sequence,
  v128,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

/**
 * Adding it to a double below 2^51 rounds that to an integer, which then stands in the lower mantissa bits in two's
 * complement.
 */
const ROUNDER = 6_755_399_441_055_744;
const ROUNDER_BITS = 0x4338_0000_0000_0000n;
/** 2^32 divided by the golden ratio, in two lanes: multiples of it, modulo 2^32, are spread evenly. */
const GOLDEN = 0x9e3779b9_9e3779b9n;
/** ln 2 in two parts, the first of which has so many zero bits that its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.908214929270588e-10;

/**
 * The kernels that turn scores into quantised gradients and losses. Each takes rows two at a time from an even `row`,
 * and may touch one row beyond `rowEnd`.
 *
 * `gradients` writes 16 bytes a row: the first derivative of the loss times `gradientScale` as an i64, and the second
 * derivative times `hessianScale` plus 1 at bit `countShift` as another. Integers make every later sum exact, and
 * therefore independent of the order of summation: of chunks, of threads, of whether a histogram was added up or
 * subtracted from another. Second derivatives have fewer bits, so their rounding is dithered by a fixed sequence that
 * keeps the sum over many rows unbiased.
 */
export function gradientKernels(shape: {
  readonly objective: "binary" | "regression";
  readonly weighted: boolean;
  readonly countShift: number;
  readonly constants: ConstantPool;
}): WasmFunction[] {
  const { objective, weighted, countShift, constants } = shape;
  const splat = constants.splat;
  return [
    wasmFunction(
      "gradients",
      { parameters: ["i32", "i32", "i32", "i32", "i32", "i32", "f64", "f64"] },
      ({ parameters, local }) => {
        const [score, target, weight, out, row, rowEnd, gradientScale, hessianScale] = parameters as Locals8;
        const place = local("i32");
        const gradient = local("v128");
        const hessian = local("v128");
        const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
        const derivatives =
          objective === "binary"
            ? sequence(
                hessian.set(logistic(constants, at(score), local)),
                gradient.set(f64x2.sub(hessian.get, at(target))),
                hessian.set(f64x2.mul(hessian.get, f64x2.sub(splat(1), hessian.get))),
              )
            : sequence(gradient.set(f64x2.sub(at(score), at(target))), hessian.set(splat(1)));
        const weigh = weighted
          ? sequence(
              gradient.set(f64x2.mul(gradient.get, at(weight))),
              hessian.set(f64x2.mul(hessian.get, at(weight))),
            )
          : [];
        // The lanes' row numbers, times GOLDEN, as a fraction in [−½, ½).
        const dither = f64x2.mul(
          f64x2.convertLowI32x4(i32x4.mul(i32x4.add(i32x4.splat(row.get), splat(1n << 32n)), splat(GOLDEN))),
          splat(1 / 4_294_967_296),
        );
        return eachPair(
          row,
          rowEnd,
          sequence(
            place.set(i32.shl(row.get, i32.const(3))),
            derivatives,
            weigh,
            gradient.set(rounded(constants, f64x2.mul(gradient.get, f64x2.splat(gradientScale.get)))),
            hessian.set(
              rounded(constants, f64x2.add(f64x2.mul(hessian.get, f64x2.splat(hessianScale.get)), dither)),
            ),
            hessian.set(i64x2.add(hessian.get, splat(1n << BigInt(countShift)))),
            place.set(i32.add(out.get, i32.shl(row.get, i32.const(4)))),
            v128.store(place.get, i64x2.shuffle(gradient.get, hessian.get, [0, 2])),
            v128.store(place.get, i64x2.shuffle(gradient.get, hessian.get, [1, 3]), 16),
          ),
        );
      },
    ),
    largestResidualKernel(constants, weighted),
    logisticLossKernel(constants),
  ];
}

type Locals8 = [Local, Local, Local, Local, Local, Local, Local, Local];

function eachPair(row: Local, rowEnd: Local, body: Code): Code {
  return repeatWhile(i32.ltU(row.tee(i32.add(row.get, i32.const(2))), rowEnd.get), body);
}

/** As i64, for numbers below 2^51. */
function rounded(constants: ConstantPool, value: Code): Code {
  return i64x2.sub(f64x2.add(value, constants.splat(ROUNDER)), constants.splat(ROUNDER_BITS));
}

/** The largest |score − target| · weight of the rows [row, rowEnd). */
function largestResidualKernel(constants: ConstantPool, weighted: boolean): WasmFunction {
  return wasmFunction(
    "largestResidual",
    { parameters: ["i32", "i32", "i32", "i32", "i32"], result: "f64" },
    ({ parameters, local }) => {
      const [score, target, weight, row, rowEnd] = parameters as [Local, Local, Local, Local, Local];
      const place = local("i32");
      const largest = local("v128");
      const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
      const residual = f64x2.sub(at(score), at(target));
      return sequence(
        largest.set(constants.splat(0)),
        eachPair(
          row,
          rowEnd,
          sequence(
            place.set(i32.shl(row.get, i32.const(3))),
            largest.set(
              f64x2.max(largest.get, f64x2.abs(weighted ? f64x2.mul(residual, at(weight)) : residual)),
            ),
          ),
        ),
        f64x2.extract(f64x2.max(largest.get, i64x2.shuffle(largest.get, largest.get, [1, 0])), 0),
      );
    },
  );
}

/**
 * The log-loss of up to 512 rows, log(1 + e^−z) with z = ±score, as two numbers at `out`: the sum of max(−z, 0), and
 * the product of 1 + e^−|z|, whose logarithm is the rest. A row has its factor at most 2, so that the product of 512
 * cannot overflow. Rows beyond the last must have a score of −∞ and a target of 0, which adds nothing.
 */
function logisticLossKernel(constants: ConstantPool): WasmFunction {
  const { splat } = constants;
  return wasmFunction(
    "logisticLoss",
    { parameters: ["i32", "i32", "i32", "i32", "i32"] },
    ({ parameters, local }) => {
      const [score, target, row, rowEnd, out] = parameters as [Local, Local, Local, Local, Local];
      const place = local("i32");
      const sum = local("v128");
      const product = local("v128");
      const wrong = local("v128");
      const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
      const swapped = (vector: Local): Code => i64x2.shuffle(vector.get, vector.get, [1, 0]);
      return sequence(
        sum.set(splat(0)),
        product.set(splat(1)),
        eachPair(
          row,
          rowEnd,
          sequence(
            place.set(i32.shl(row.get, i32.const(3))),
            // −z: the score where the target is 0, its negative where it is 1.
            wrong.set(f64x2.mul(at(score), f64x2.sub(splat(1), f64x2.mul(splat(2), at(target))))),
            sum.set(f64x2.add(sum.get, f64x2.max(splat(0), wrong.get))),
            product.set(
              f64x2.mul(
                product.get,
                f64x2.add(splat(1), exponential(constants, f64x2.neg(f64x2.abs(wrong.get)), local)),
              ),
            ),
          ),
        ),
        f64.store(out.get, f64x2.extract(f64x2.add(sum.get, swapped(sum)), 0)),
        f64.store(out.get, f64x2.extract(f64x2.mul(product.get, swapped(product)), 0), 8),
      );
    },
  );
}

/** 1 / (1 + e^−x). */
function logistic(constants: ConstantPool, x: Code, local: FunctionBuilder["local"]): Code {
  const { splat } = constants;
  return f64x2.div(splat(1), f64x2.add(splat(1), exponential(constants, f64x2.neg(x), local)));
}

/** 1/0!, 1/1!, …: on |r| ≤ ln 2 / 2 the error of the Taylor series up to r^9 is below 1e-11. */
const SERIES = [1, 1, 2, 6, 24, 120, 720, 5040, 40_320, 362_880].map((factorial) => 1 / factorial);

/**
 * e^x with a relative error below 1e-11, for x held within ±700: quick enough for every row of every iteration, and
 * finer than gradients are quantised. What models predict goes through the kernel's functions.
 */
function exponential({ splat }: ConstantPool, x: Code, local: FunctionBuilder["local"]): Code {
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
