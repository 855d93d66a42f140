import { exp, log, log1p } from "../kernel/index.ts";
import type { GbdtKernels } from "./gbdt-kernels.ts";
import { LOSS_BLOCK, type RowsLayout } from "./gbdt-memory.ts";
import type { Step, TrainingPlan } from "./gbdt-thread.ts";
import { share } from "./share.ts";

/**
 * @returns what one thread does in a step that measures: leaves the weighted loss of each block of its rows at its place
 * among `layout.losses`, whose sum does not depend on the number of threads
 */
export function createRowLosses(
  plan: TrainingPlan,
  kernels: GbdtKernels,
  thread: number,
): (step: Extract<Step, { kind: "losses" }>) => void {
  const { layout, objective } = plan;
  const { buffer } = plan.memory;

  /** Log-loss without weights: one logarithm for a whole block. */
  function logisticBlock(rows: RowsLayout, from: number, to: number): number {
    const out = layout.losses + (from / LOSS_BLOCK) * 16;
    kernels.logisticLoss(rows.score, rows.target, from, to, out);
    const [sum = 0, product = 1] = new Float64Array(buffer, out, 2);
    return sum + log(product);
  }

  function blockOf(rows: RowsLayout, from: number, to: number): number {
    const { score, scoreStride, target, weight } = rows;
    if (objective.kind === "logistic" && weight === 0) return logisticBlock(rows, from, to);
    return weight === 0
      ? kernels.loss(score, scoreStride, target, 0, from, to)
      : kernels.weightedLoss(score, scoreStride, target, weight, from, to);
  }

  /**
   * The validation losses of the two oldest objectives decide, to the last bit, when trainings stopped whose versions are
   * to be reproduced: they are computed as they were then.
   */
  function validationBlockOf(rows: RowsLayout, from: number, to: number): number {
    if (objective.kind === "logistic" && rows.weight !== 0) return scalarBlock(rows, from, to, logLoss);
    if (objective.kind === "squared") return scalarBlock(rows, from, to, squaredError);
    return blockOf(rows, from, to);
  }

  function scalarBlock(
    rows: RowsLayout,
    from: number,
    to: number,
    lossOf: (score: number, target: number) => number,
  ): number {
    const count = to - from;
    const score = new Float64Array(buffer, rows.score + 8 * from, count);
    const target = new Float64Array(buffer, rows.target + 8 * from, count);
    const weight = rows.weight === 0 ? undefined : new Float64Array(buffer, rows.weight + 8 * from, count);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const loss = lossOf(score[i]!, target[i]!);
      total += weight === undefined ? loss : loss * weight[i]!;
    }
    return total;
  }

  return ({ of, parts }) => {
    const rows = layout[of];
    if (rows === undefined) return;
    const lossOfBlock = of === "train" ? blockOf : validationBlockOf;
    const losses = new Float64Array(buffer, layout.losses, 2 * Math.ceil(rows.rows / LOSS_BLOCK));
    const [from, to] = share(rows.rows, { part: thread, parts, grain: LOSS_BLOCK });
    for (let row = from; row < to; row += LOSS_BLOCK)
      losses[(row / LOSS_BLOCK) * 2] = lossOfBlock(rows, row, Math.min(row + LOSS_BLOCK, to));
  };
}

/** −log of the probability that a score gives to what was true. */
function logLoss(score: number, target: number): number {
  const margin = target === 1 ? score : -score;
  const size = margin < 0 ? -margin : margin;
  return (margin < 0 ? size : 0) + log1p(exp(-size));
}

function squaredError(score: number, target: number): number {
  return (score - target) * (score - target);
}
