import type { Step, TrainingPlan } from "./gbdt-thread.ts";
import { quantileOf, weightedQuantileOf } from "./row-quantile.ts";

/**
 * @returns what one thread does when leaves are given new values: those of the leaves that fall to it become the quantile
 * of the residuals of their rows, at their places in `layout.leafValues` (Friedman 2001, algorithm 3; LightGBM's
 * RenewTreeOutput)
 */
export function createLeafRenewal(
  plan: TrainingPlan,
  thread: number,
): (step: Extract<Step, { kind: "renew" }>) => void {
  const { layout } = plan;
  const { buffer } = plan.memory;
  const { rows, ...at } = layout.train;
  const ranges = new Uint32Array(buffer, layout.leafRanges, 2 * layout.leaves);
  const values = new Float64Array(buffer, layout.leafValues, layout.leaves);
  const index = new Uint32Array(buffer, at.index, rows);
  const score = new Float64Array(buffer, at.score, rows);
  const target = new Float64Array(buffer, at.target, rows);
  const weights = at.weight === 0 ? undefined : new Float64Array(buffer, at.weight, rows);
  // The tree is grown: the place of the gradients, two doubles a row, is free.
  const residuals = new Float64Array(buffer, layout.gradients, rows);
  const residualWeights = new Float64Array(buffer, layout.gradients + 8 * rows, rows);

  return ({ leaves, parts, share }) => {
    for (let leaf = thread; leaf < leaves; leaf += parts) {
      const begin = ranges[2 * leaf]!;
      const end = ranges[2 * leaf + 1]!;
      for (let place = begin; place < end; place++) {
        const row = index[place]!;
        residuals[place] = target[row]! - score[row]!;
        if (weights !== undefined) residualWeights[place] = weights[row]!;
      }
      const own = residuals.subarray(begin, end);
      values[leaf] =
        weights === undefined
          ? quantileOf(own, share)
          : weightedQuantileOf(own, residualWeights.subarray(begin, end), share);
    }
  };
}
