import type { MatrixPredictor } from "../inference/index.ts";
import { createRandom, type FeatureMatrix, log } from "../kernel/index.ts";
import type { FeatureImportance, TrainingData, TrainingSet } from "./trainer.ts";

const MOST_ROWS = 2000;
/** Of the predictions for all features together. */
const MOST_PREDICTIONS = 400_000;
const LEAST_PROBABILITY = 1e-15;

/**
 * How much worse a model predicts when the values of one feature are dealt out anew among the rows, for each feature: what
 * its loss (log-loss, or squared error) rises by (Breiman, "Random Forests", 2001). Over validation rows where there are
 * any, a sample of at most 2,000 of them. Works for every model that predicts. The largest first.
 *
 * @param options `splits` by place of the feature, where the model has splits
 */
export async function permutationImportance(
  engine: Pick<MatrixPredictor, "predictMatrix">,
  data: TrainingData,
  { seed, splits }: { readonly seed: number; readonly splits?: ReadonlyMap<number, number> },
): Promise<FeatureImportance[]> {
  const set = data.validate ?? data.train;
  const { columns } = set.matrix;
  const random = createRandom(seed).fork("importance");
  const wanted = Math.max(50, Math.min(MOST_ROWS, Math.floor(MOST_PREDICTIONS / columns.length)));
  const sample = sampled(set, wanted);
  const loss = async (matrix: FeatureMatrix): Promise<number> =>
    meanLoss({ ...sample, matrix }, await engine.predictMatrix(matrix), data.task);
  const before = await loss(sample.matrix);
  const importance: FeatureImportance[] = [];
  for (const [i, { name }] of columns.entries()) {
    const values = sample.matrix.values.with(i, shuffled(sample.matrix.values[i]!, random.integer));
    const after = await loss({ ...sample.matrix, values });
    importance.push({ feature: name, gain: Math.max(0, after - before), splits: splits?.get(i) ?? 0 });
  }
  return importance.sort((a, b) => b.gain - a.gain);
}

/** Rows at equal distances. */
function sampled({ matrix, target, weights }: TrainingSet, wanted: number): TrainingSet {
  const rowCount = Math.min(wanted, matrix.rowCount);
  const pick = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: rowCount }, (_, i) => values[Math.floor((i * matrix.rowCount) / rowCount)]!);
  return {
    matrix: { rowCount, columns: matrix.columns, values: matrix.values.map(pick) },
    target: pick(target),
    ...(weights === undefined ? {} : { weights: pick(weights) }),
  };
}

function shuffled(values: Float64Array, integer: (bound: number) => number): Float64Array {
  const dealt = values.slice();
  for (let last = dealt.length - 1; last > 0; last--) {
    const drawn = integer(last + 1);
    const value = dealt[last]!;
    dealt[last] = dealt[drawn]!;
    dealt[drawn] = value;
  }
  return dealt;
}

function meanLoss(
  { target, weights }: TrainingSet,
  predictions: Float64Array,
  task: TrainingData["task"],
): number {
  const outputs = predictions.length / target.length;
  let loss = 0;
  let weightSum = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights?.[row] ?? 1;
    loss += weight * rowLoss(task, target[row]!, predictions.subarray(row * outputs, (row + 1) * outputs));
    weightSum += weight;
  }
  return weightSum === 0 ? 0 : loss / weightSum;
}

function rowLoss(task: TrainingData["task"], target: number, predicted: Float64Array): number {
  if (task === "regression") return (predicted[0]! - target) * (predicted[0]! - target);
  const probability =
    task === "multiclass" ? predicted[target]! : target === 1 ? predicted[0]! : 1 - predicted[0]!;
  return -log(Math.max(probability, LEAST_PROBABILITY));
}
