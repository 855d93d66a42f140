import { binsOfCodes, type FeatureBins } from "./bins.ts";
import { type GbdtKernels, instantiateKernels } from "./gbdt-kernels.ts";
import type { RowsLayout } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import type { Objective } from "./objective.ts";
import type { TrainingData, TrainingSet } from "./trainer.ts";

/** Writes the rows, as bins, targets, weights and first scores, into the memory of a training. */
export function loadRows(plan: TrainingPlan, data: TrainingData, base: Float64Array): void {
  const { layout, memory } = plan;
  const groups = layout.groups.map((group) => group.offsets);
  const kernels = instantiateKernels(plan.module, memory, groups);
  loadSet(plan, kernels, { rows: layout.train, set: data.train, base });
  if (data.validate !== undefined && layout.validate !== undefined)
    loadSet(plan, kernels, { rows: layout.validate, set: data.validate, base });
  for (const group of layout.groups) {
    for (let i = 0; i < group.count; i++) {
      const column = layout.train.columns + (group.first + i) * layout.train.columnStride;
      kernels.interleave(column, layout.train.rows, group.rowBins + i, group.count);
    }
  }
  new Uint8Array(memory.buffer, layout.active, plan.features.length).fill(1);
}

function loadSet(
  plan: TrainingPlan,
  kernels: GbdtKernels,
  { rows, set, base }: { rows: RowsLayout; set: TrainingSet; base: Float64Array },
): void {
  const { buffer } = plan.memory;
  for (const [i, bins] of plan.features.entries()) {
    const values = set.matrix.values[bins.feature]!;
    const column = rows.columns + i * rows.columnStride;
    if (bins.kind === "numeric") assignNumericBins(plan, kernels, { bins, values, column });
    else assignCategoricalBins(bins, values, new Uint8Array(buffer, column, rows.rows));
  }
  new Float64Array(buffer, rows.target, rows.rows).set(set.target);
  if (set.weights !== undefined) new Float64Array(buffer, rows.weight, rows.rows).set(set.weights);
  for (const [output, score] of base.entries()) {
    const scores = new Float64Array(buffer, rows.score + output * rows.scoreStride, rows.rows + 1);
    scores.fill(score);
    scores[rows.rows] = lastScore(plan.objective, output);
  }
  kernels.numberRows(rows.index, 0, rows.rows);
}

/** The score of the row that only fills up the last pair and whose target is 0: one that has no loss and no residual. */
function lastScore({ kind }: Objective, output: number): number {
  switch (kind) {
    case "logistic":
      return Number.NEGATIVE_INFINITY;
    case "softmax":
      // Certainly the first class.
      return output === 0 ? 0 : Number.NEGATIVE_INFINITY;
    case "poisson":
      // As little as the kernels' e^x knows, and finite: 0 · −∞ is no number.
      return -700;
    default:
      return 0;
  }
}

function assignNumericBins(
  { layout, memory }: TrainingPlan,
  kernels: GbdtKernels,
  { bins, values, column }: { bins: FeatureBins; values: Float64Array; column: number },
): void {
  const bounds = new Float64Array(memory.buffer, layout.unpacked, 256).fill(Number.POSITIVE_INFINITY);
  bounds.set(bins.bounds);
  // There are no gradients yet: their place takes the values.
  new Float64Array(memory.buffer, layout.gradients, values.length).set(values);
  kernels.assignBins(layout.gradients, values.length, layout.unpacked, column, bins.valueBins);
}

function assignCategoricalBins(bins: FeatureBins, values: Float64Array, target: Uint8Array): void {
  const binOf = binsOfCodes(bins);
  const { valueBins } = bins;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    target[row] = value >= 0 && value < binOf.length ? binOf[value | 0]! : valueBins;
  }
}
