import { EPSILON } from "./split-candidate.ts";
import {
  type Code,
  type ConstantPool,
  f64,
  f64x2,
  i32,
  i64,
  i64x2,
  type Local,
  repeatWhile,
  sequence,
  type WasmFunction,
  wasmFunction,
  when,
} from "./wasm-writer.ts";

/** What `scan` is compiled for. */
export interface ScanShape {
  readonly countShift: number;
  readonly constants: ConstantPool;
  readonly minRowsPerLeaf: number;
  readonly minHessianPerLeaf: number;
  readonly l1: number;
  readonly l2: number;
}

/**
 * Looks for the best threshold between neighbouring bins: moves bin after bin from the far side of a leaf to the near
 * side, and computes the gain of each division that both sides allow.
 *
 *     scan(bin, step, bins, gradients, hessians, rows, gradientUnit, hessianUnit, wholeGain, bestGain, out) → moved
 *
 * `bin` is the address of the first bin and `step` the distance to the next, in either direction; `gradients`,
 * `hessians` and `rows` are the whole leaf's integers. Returns the number of bins on the near side of the best
 * division, or 0 when none gains more than `bestGain` beyond `wholeGain`; writes that gain and the near side's sums of
 * first and second derivatives and rows at `out`, as four doubles.
 *
 * The sums are integers, so that they are exact; both sides' gains are computed in the two lanes of a vector.
 */
export function scanKernel(shape: ScanShape): WasmFunction {
  const { countShift, constants } = shape;
  const shift = i64.const(BigInt(countShift));
  const mask = i64.const((1n << BigInt(countShift)) - 1n);
  const leastRows = i64.const(BigInt(shape.minRowsPerLeaf) << BigInt(countShift));
  return wasmFunction(
    "scan",
    {
      parameters: ["i32", "i32", "i32", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "i32"],
      result: "i32",
    },
    ({ parameters, local }) => {
      const [
        bin,
        step,
        bins,
        gradients,
        hessians,
        rows,
        gradientUnit,
        hessianUnit,
        wholeGain,
        bestGain,
        out,
      ] = parameters as Locals11;
      const moved = local("i32");
      const best = local("i32");
      const packed = local("i64");
      const wholePacked = local("i64");
      const near = { gradient: local("i64"), packed: local("i64") };
      const bestNear = { gradient: local("i64"), packed: local("i64") };
      // First and second derivatives in the two lanes.
      const units = local("v128");
      const whole = local("v128");
      const nearSums = local("v128");
      // The far and the near side in the two lanes.
      const farSums = local("v128");
      const gradient = local("v128");
      const hessian = local("v128");
      const gain = local("f64");
      const pulled =
        shape.l1 === 0
          ? []
          : gradient.set(
              f64x2.sub(
                gradient.get,
                f64x2.max(constants.splat(-shape.l1), f64x2.min(constants.splat(shape.l1), gradient.get)),
              ),
            );
      const gains = f64x2.div(
        f64x2.mul(gradient.get, gradient.get),
        f64x2.add(f64x2.add(hessian.get, constants.splat(shape.l2)), constants.splat(EPSILON)),
      );
      const compare = sequence(
        gradient.set(i64x2.shuffle(farSums.get, nearSums.get, [0, 2])),
        pulled,
        gradient.set(gains),
        gain.set(
          f64.sub(f64.add(f64x2.extract(gradient.get, 0), f64x2.extract(gradient.get, 1)), wholeGain.get),
        ),
        when(
          f64.gt(gain.get, bestGain.get),
          sequence(
            bestGain.set(gain.get),
            best.set(i32.add(moved.get, i32.const(1))),
            bestNear.gradient.set(near.gradient.get),
            bestNear.packed.set(near.packed.get),
          ),
        ),
      );
      const sumsOf = (sums: { gradient: Local; packed: Local }): Code =>
        f64x2.mul(
          f64x2.pair(f64.fromI64(sums.gradient.get), f64.fromI64(i64.and(sums.packed.get, mask))),
          units.get,
        );
      const leastHessian = f64.const(shape.minHessianPerLeaf);
      const isHeavyEnough = (lane: 0 | 1): Code => f64.ge(f64x2.extract(hessian.get, lane), leastHessian);
      const consider = sequence(
        nearSums.set(sumsOf(near)),
        // Sums are integers below 2^53 times a power of two: the difference is exact.
        farSums.set(f64x2.sub(whole.get, nearSums.get)),
        hessian.set(i64x2.shuffle(farSums.get, nearSums.get, [1, 3])),
        // Compared as scalars: V8 converts integers through the register that vector tests are made in, which would
        // make every bin wait for the one before.
        when(i32.and(isHeavyEnough(0), isHeavyEnough(1)), compare),
      );
      const move = sequence(
        near.gradient.set(i64.add(near.gradient.get, i64.load(bin.get))),
        near.packed.set(i64.add(near.packed.get, packed.get)),
        when(
          i32.and(
            i64.geU(near.packed.get, leastRows),
            i64.geU(i64.sub(wholePacked.get, near.packed.get), leastRows),
          ),
          consider,
        ),
      );
      return sequence(
        wholePacked.set(i64.add(i64.truncateF64(hessians.get), i64.shl(i64.truncateF64(rows.get), shift))),
        units.set(f64x2.pair(gradientUnit.get, hessianUnit.get)),
        whole.set(f64x2.mul(f64x2.pair(gradients.get, hessians.get), units.get)),
        repeatWhile(
          i32.ltU(moved.tee(i32.add(moved.get, i32.const(1))), bins.get),
          sequence(
            // A bin without rows moves nothing.
            when(i64.isNotZero(packed.tee(i64.load(bin.get, 8))), move),
            bin.set(i32.add(bin.get, step.get)),
          ),
        ),
        nearSums.set(sumsOf(bestNear)),
        f64.store(out.get, bestGain.get),
        f64.store(out.get, f64x2.extract(nearSums.get, 0), 8),
        f64.store(out.get, f64x2.extract(nearSums.get, 1), 16),
        f64.store(out.get, f64.fromI64(i64.shrU(bestNear.packed.get, shift)), 24),
        best.get,
      );
    },
  );
}

type Locals11 = [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];
