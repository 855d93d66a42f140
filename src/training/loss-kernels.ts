import { assertNever } from "../kernel/index.ts";
import type { Objective } from "./objective.ts";
import { eachPair, exponential, logarithm } from "./vector-math.ts";
import {
  type Code,
  type ConstantPool,
  type FunctionBuilder,
  f64,
  f64x2,
  i32,
  type Local,
  repeatWhile,
  sequence,
  v128,
  type WasmFunction,
  wasmFunction,
} from "./wasm-writer.ts";

/**
 * The sum of the losses of the rows [row, rowEnd), times their weights:
 *
 *     loss(score, scoreStride, target, weight, row, rowEnd) → sum
 *
 * The row that fills up the last pair must have no loss: see `lastScore`.
 */
export function lossKernel(
  name: string,
  objective: Objective,
  { constants, weighted }: { constants: ConstantPool; weighted: boolean },
): WasmFunction {
  return wasmFunction(
    name,
    { parameters: ["i32", "i32", "i32", "i32", "i32", "i32"], result: "f64" },
    ({ parameters, local }) => {
      const [score, scoreStride, target, weight, row, rowEnd] = parameters as [
        ...[Local, Local, Local],
        ...[Local, Local, Local],
      ];
      const place = local("i32");
      const sum = local("v128");
      const loss = local("v128");
      const at = (base: Local): Code => v128.load(i32.add(base.get, place.get));
      const compute = lossOf(objective, {
        ...{ constants, local, loss, scoreStride },
        score: i32.add(score.get, place.get),
        target: at(target),
      });
      return sequence(
        sum.set(constants.splat(0)),
        eachPair(
          row,
          rowEnd,
          sequence(
            place.set(i32.shl(row.get, i32.const(3))),
            compute,
            sum.set(f64x2.add(sum.get, weighted ? f64x2.mul(loss.get, at(weight)) : loss.get)),
          ),
        ),
        f64.add(f64x2.extract(sum.get, 0), f64x2.extract(sum.get, 1)),
      );
    },
  );
}

interface Losses {
  readonly constants: ConstantPool;
  readonly local: FunctionBuilder["local"];
  readonly loss: Local;
  /** The address of the rows' first score; those of other classes lie `scoreStride` bytes further each. */
  readonly score: Code;
  readonly scoreStride: Local;
  readonly target: Code;
}

function lossOf(objective: Objective, of: Losses): Code {
  const { constants, local, loss, target } = of;
  const { splat } = constants;
  const error = f64x2.sub(target, v128.load(of.score));
  switch (objective.kind) {
    case "squared":
      return sequence(loss.set(error), loss.set(f64x2.mul(loss.get, loss.get)));
    case "logistic": {
      const wrong = local("v128");
      const decay = exponential(constants, f64x2.neg(f64x2.abs(wrong.get)), local);
      return sequence(
        // −z: the score where the target is 0, its negative where it is 1.
        wrong.set(f64x2.mul(v128.load(of.score), f64x2.sub(splat(1), f64x2.mul(splat(2), target)))),
        loss.set(logarithm(constants, f64x2.add(splat(1), decay), local)),
        loss.set(f64x2.add(loss.get, f64x2.max(splat(0), wrong.get))),
      );
    }
    case "softmax":
      return softmaxLoss(objective.classes, of);
    case "poisson": {
      // Twice e^s − y·s, which is the deviance but for what depends on y alone.
      const mean = exponential(constants, v128.load(of.score), local);
      return loss.set(f64x2.mul(splat(2), f64x2.sub(mean, f64x2.mul(target, v128.load(of.score)))));
    }
    case "absolute":
      return loss.set(f64x2.abs(error));
    case "quantile":
      return sequence(
        loss.set(error),
        loss.set(
          f64x2.max(
            f64x2.mul(splat(objective.alpha), loss.get),
            f64x2.mul(splat(objective.alpha - 1), loss.get),
          ),
        ),
      );
    case "huber": {
      // With e = min(|error|, alpha): e · (|error| − e / 2).
      const held = local("v128");
      return sequence(
        loss.set(f64x2.abs(error)),
        held.set(f64x2.min(splat(objective.alpha), loss.get)),
        loss.set(f64x2.mul(held.get, f64x2.sub(loss.get, f64x2.mul(splat(0.5), held.get)))),
      );
    }
    default:
      return assertNever(objective);
  }
}

/** The logarithm of Σ e^s, less the score of the class that was true. */
function softmaxLoss(classes: number, { constants, local, loss, score, scoreStride, target }: Losses): Code {
  const { splat } = constants;
  const at = local("i32");
  const largest = local("v128");
  const total = local("v128");
  const own = local("v128");
  const label = local("v128");
  const eachClass = (body: Code): Code =>
    sequence(
      at.set(score),
      label.set(splat(0)),
      repeatWhile(
        f64.less(f64x2.extract(label.get, 0), f64.const(classes)),
        sequence(body, at.set(i32.add(at.get, scoreStride.get)), label.set(f64x2.add(label.get, splat(1)))),
      ),
    );
  return sequence(
    largest.set(v128.load(score)),
    own.set(splat(0)),
    total.set(splat(0)),
    eachClass(
      sequence(
        largest.set(f64x2.max(largest.get, v128.load(at.get))),
        own.set(f64x2.add(own.get, v128.and(f64x2.equal(target, label.get), v128.load(at.get)))),
      ),
    ),
    eachClass(
      total.set(
        f64x2.add(total.get, exponential(constants, f64x2.sub(v128.load(at.get), largest.get), local)),
      ),
    ),
    loss.set(logarithm(constants, total.get, local)),
    loss.set(f64x2.add(loss.get, f64x2.sub(largest.get, own.get))),
  );
}
