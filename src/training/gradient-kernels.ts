import { lossKernel } from "./loss-kernels.ts";
import type { Objective } from "./objective.ts";
import { derivativesOf, normaliseKernel, poissonExtremesKernel } from "./objective-kernels.ts";
import { eachPair, exponential, rounded } from "./vector-math.ts";
import {
  type Code,
  type ConstantPool,
  f64,
  f64x2,
  i32,
  i32x4,
  i64x2,
  type Local,
  sequence,
  v128,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

/** 2^32 divided by the golden ratio, in two lanes: multiples of it, modulo 2^32, are spread evenly. */
const GOLDEN = 0x9e3779b9_9e3779b9n;

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
  readonly objective: Objective;
  readonly weighted: boolean;
  readonly countShift: number;
  readonly constants: ConstantPool;
  /** Bytes from one class's scores of the training rows to the next one's. */
  readonly scoreStride: number;
}): WasmFunction[] {
  const { objective, weighted, countShift, constants, scoreStride } = shape;
  const splat = constants.splat;
  return [
    wasmFunction(
      "gradients",
      { parameters: ["i32", "i32", "i32", "i32", "i32", "i32", "f64", "f64", "i32", "f64"] },
      ({ parameters, local }) => {
        const [score, target, weight, out, row, rowEnd, gradientScale, hessianScale, normaliser, label] =
          parameters as Locals10;
        const place = local("i32");
        const gradient = local("v128");
        const hessian = local("v128");
        const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
        const derivatives = derivativesOf(objective, {
          ...{ constants, local, gradient, hessian, scoreStride, label },
          score: at(score),
          target: at(target),
          normaliser: i32.add(normaliser.get, place.get),
        });
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
    lossKernel("loss", objective, { constants, weighted: false }),
    lossKernel("weightedLoss", objective, { constants, weighted: true }),
    ...(objective.kind === "softmax" ? [normaliseKernel(objective.classes, { constants, scoreStride })] : []),
    ...(objective.kind === "poisson" ? [poissonExtremesKernel({ constants, weighted })] : []),
  ];
}

type Locals10 = [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

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
