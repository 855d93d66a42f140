import type { TrainingSet } from "../../src/training/index.ts";
import type { MatrixDescription } from "./matrix-file.ts";

/** How far predictions are off, as the description of the data wants it judged; weighted where rows are. */
export function meanLoss(
  { task, metric, classes = 1, objective }: MatrixDescription,
  { target, weights }: TrainingSet,
  predicted: Float64Array,
): number {
  const alpha = Number(objective?.theirs.alpha ?? 0.5);
  const lossOf = (row: number): number => {
    const y = target[row]!;
    const p = predicted[row * classes + (task === "multiclass" ? y : 0)]!;
    if (task === "multiclass") return -Math.log(p);
    if (task === "binary") return -Math.log(y === 1 ? p : 1 - p);
    switch (metric) {
      case "poissonDeviance":
        return 2 * ((y > 0 ? y * Math.log(y / p) : 0) - (y - p));
      case "pinball":
        return Math.max(alpha * (y - p), (alpha - 1) * (y - p));
      case "mae":
        return Math.abs(y - p);
      default:
        return (y - p) * (y - p);
    }
  };
  let sum = 0;
  let total = 0;
  for (let row = 0; row < target.length; row++) {
    sum += (weights?.[row] ?? 1) * lossOf(row);
    total += weights?.[row] ?? 1;
  }
  const mean = sum / total;
  return task === "regression" && metric === undefined ? Math.sqrt(mean) : mean;
}
