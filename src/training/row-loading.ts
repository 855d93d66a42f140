import { binsOfCodes, type FeatureBins } from "./bins.ts";
import { type GbdtKernels, instantiateKernels } from "./gbdt-kernels.ts";
import type { RowsLayout } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import type { TrainingData, TrainingSet } from "./trainer.ts";

/** Writes the rows, as bins, targets, weights and first scores, into the memory of a training. */
export function loadRows(plan: TrainingPlan, data: TrainingData, base: number): void {
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
  { rows, set, base }: { rows: RowsLayout; set: TrainingSet; base: number },
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
  const score = new Float64Array(buffer, rows.score, rows.rows + 1);
  score.fill(base);
  // The row that only fills up the last pair. Binary: certainly 0, so that it has no loss; regression: no residual.
  score[rows.rows] = plan.objective === "binary" ? Number.NEGATIVE_INFINITY : 0;
  kernels.numberRows(rows.index, 0, rows.rows);
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
