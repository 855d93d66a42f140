import { assertNever } from "../kernel/index.ts";
import type { Objective } from "./objective.ts";
import { eachPair, exponential, logistic } from "./vector-math.ts";
import {
  type Code,
  type ConstantPool,
  type FunctionBuilder,
  f64,
  f64x2,
  i32,
  i64x2,
  type Local,
  repeatWhile,
  sequence,
  v128,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

/** What the formulas of an objective are written with: two rows in the lanes of each vector. */
interface Derivatives {
  readonly constants: ConstantPool;
  readonly local: FunctionBuilder["local"];
  /** Set to the first and second derivative of the loss. */
  readonly gradient: Local;
  readonly hessian: Local;
  readonly score: Code;
  readonly target: Code;
  /** Where the rows' largest score lies, and `scoreStride` bytes further 1 ÷ Σ e^(score − largest). */
  readonly normaliser: Code;
  readonly scoreStride: number;
  /** The class that the score is of. */
  readonly label: Local;
}

/**
 * e^0.7: second derivatives of the Poisson loss are enlarged by it, so that steps from low counts stay small (LightGBM's
 * poisson_max_delta_step).
 */
const POISSON_DAMPING = 2.0137527074704766;

export function derivativesOf(objective: Objective, of: Derivatives): Code {
  const { constants, local, gradient, hessian, score, target } = of;
  const { splat } = constants;
  switch (objective.kind) {
    case "squared":
      return sequence(gradient.set(f64x2.sub(score, target)), hessian.set(splat(1)));
    case "logistic":
      return sequence(
        hessian.set(logistic(constants, score, local)),
        gradient.set(f64x2.sub(hessian.get, target)),
        hessian.set(f64x2.mul(hessian.get, f64x2.sub(splat(1), hessian.get))),
      );
    case "softmax": {
      const factor = objective.classes / (objective.classes - 1);
      const shifted = f64x2.sub(score, v128.load(of.normaliser));
      const isTarget = v128.and(f64x2.equal(target, f64x2.splat(of.label.get)), splat(1));
      return sequence(
        hessian.set(
          f64x2.mul(exponential(constants, shifted, local), v128.load(of.normaliser, of.scoreStride)),
        ),
        gradient.set(f64x2.sub(hessian.get, isTarget)),
        hessian.set(f64x2.mul(f64x2.mul(splat(factor), hessian.get), f64x2.sub(splat(1), hessian.get))),
      );
    }
    case "poisson":
      return sequence(
        hessian.set(exponential(constants, score, local)),
        gradient.set(f64x2.sub(hessian.get, target)),
        hessian.set(f64x2.mul(hessian.get, splat(POISSON_DAMPING))),
      );
    case "absolute":
      // 1, −1, or 0 where nothing is wrong.
      return sequence(
        gradient.set(f64x2.sub(score, target)),
        gradient.set(
          f64x2.sub(
            v128.and(f64x2.greater(gradient.get, splat(0)), splat(1)),
            v128.and(f64x2.less(gradient.get, splat(0)), splat(1)),
          ),
        ),
        hessian.set(splat(1)),
      );
    case "quantile":
      // 1 − alpha, or −alpha where the score is too low.
      return sequence(
        gradient.set(f64x2.sub(splat(1 - objective.alpha), v128.and(f64x2.less(score, target), splat(1)))),
        hessian.set(splat(1)),
      );
    case "huber":
      return sequence(
        gradient.set(f64x2.sub(score, target)),
        gradient.set(f64x2.max(splat(-objective.alpha), f64x2.min(splat(objective.alpha), gradient.get))),
        hessian.set(splat(1)),
      );
    default:
      return assertNever(objective);
  }
}

/**
 * What turns the scores of rows into probabilities:
 *
 *     normalise(score, row, rowEnd, out)
 *
 * writes the largest score of each row at `out`, and 1 ÷ Σ e^(score − largest) `scoreStride` bytes further.
 */
export function normaliseKernel(
  classes: number,
  { constants, scoreStride }: { constants: ConstantPool; scoreStride: number },
): WasmFunction {
  return wasmFunction("normalise", { parameters: ["i32", "i32", "i32", "i32"] }, ({ parameters, local }) => {
    const [score, row, rowEnd, out] = parameters as [Local, Local, Local, Local];
    const { splat } = constants;
    const place = local("i32");
    const at = local("i32");
    const end = local("i32");
    const largest = local("v128");
    const total = local("v128");
    const eachClass = (body: Code): Code =>
      sequence(
        at.set(i32.add(score.get, place.get)),
        end.set(i32.add(at.get, i32.const(classes * scoreStride))),
        repeatWhile(i32.ltU(at.tee(i32.add(at.get, i32.const(scoreStride))), end.get), body),
      );
    return eachPair(
      row,
      rowEnd,
      sequence(
        place.set(i32.shl(row.get, i32.const(3))),
        largest.set(v128.load(i32.add(score.get, place.get))),
        total.set(splat(0)),
        eachClass(largest.set(f64x2.max(largest.get, v128.load(at.get)))),
        eachClass(
          total.set(
            f64x2.add(total.get, exponential(constants, f64x2.sub(v128.load(at.get), largest.get), local)),
          ),
        ),
        v128.store(i32.add(out.get, place.get), largest.get),
        v128.store(i32.add(out.get, place.get), f64x2.div(splat(1), total.get), scoreStride),
      ),
    );
  });
}

/**
 * The largest |e^s − y| · weight and the largest second derivative · weight of the rows [row, rowEnd), as two doubles at
 * `out`:
 *
 *     poissonExtremes(score, target, weight, row, rowEnd, out)
 */
export function poissonExtremesKernel({
  constants,
  weighted,
}: {
  constants: ConstantPool;
  weighted: boolean;
}): WasmFunction {
  return wasmFunction(
    "poissonExtremes",
    { parameters: ["i32", "i32", "i32", "i32", "i32", "i32"] },
    ({ parameters, local }) => {
      const [score, target, weight, row, rowEnd, out] = parameters as [
        ...[Local, Local, Local],
        ...[Local, Local, Local],
      ];
      const { splat } = constants;
      const place = local("i32");
      const mean = local("v128");
      const largest = { gradient: local("v128"), mean: local("v128") };
      const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
      const weigh = (value: Code): Code => (weighted ? f64x2.mul(value, at(weight)) : value);
      const over = (vector: Local): Code =>
        f64x2.extract(f64x2.max(vector.get, i64x2.shuffle(vector.get, vector.get, [1, 0])), 0);
      return sequence(
        largest.gradient.set(splat(0)),
        largest.mean.set(splat(0)),
        eachPair(
          row,
          rowEnd,
          sequence(
            place.set(i32.shl(row.get, i32.const(3))),
            mean.set(exponential(constants, at(score), local)),
            largest.gradient.set(
              f64x2.max(largest.gradient.get, weigh(f64x2.abs(f64x2.sub(mean.get, at(target))))),
            ),
            largest.mean.set(f64x2.max(largest.mean.get, weigh(mean.get))),
          ),
        ),
        f64.store(out.get, over(largest.gradient)),
        largest.mean.set(f64x2.mul(largest.mean.get, splat(POISSON_DAMPING))),
        f64.store(out.get, over(largest.mean), 8),
      );
    },
  );
}
