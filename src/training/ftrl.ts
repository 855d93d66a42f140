import { setImmediate } from "node:timers/promises";
import { createLinearEngine, encodeLinear, LARGEST_WEIGHT, type Linear } from "../inference/index.ts";
import { createRandom, log, log1p } from "../kernel/index.ts";
import { trainingErrors } from "./errors.ts";
import { createFtrlLearner, type FtrlLearner } from "./ftrl-learner.ts";
import type { FtrlSpec } from "./ftrl-spec.ts";
import { scalingOf } from "./input-scaling.ts";
import { linearImportance } from "./linear-importance.ts";
import type { TrainedModel, TrainingData, TrainingOptions, TrainingSet } from "./trainer.ts";

/** Progress is reported this many times, unless parts would have fewer rows than `LEAST_PART_ROWS`. */
const MOST_PARTS = 100;
const LEAST_PART_ROWS = 4096;

/**
 * Learns a linear model by FTRL-Proximal. In the first pass every row is predicted before it is learned from, which makes
 * its mean loss an honest estimate that needs no other rows: the *progressive* metric. The target of a regression is
 * centred and scaled while learning, so that rates and penalties do not depend on its unit.
 *
 * @throws TRAINING_BAD_OPTION, TRAINING_TOO_LARGE, TRAINING_DIVERGED; the signal's reason
 */
export async function trainFtrl(
  spec: FtrlSpec,
  data: TrainingData,
  options: TrainingOptions,
): Promise<TrainedModel> {
  if (spec.earlyStoppingEpochs !== undefined && data.validate === undefined) {
    throw trainingErrors.TRAINING_BAD_OPTION.error("early stopping needs validation rows", {
      details: { option: "earlyStoppingEpochs" },
      hint: "Give the model's split a `validateShare`, or leave out `earlyStoppingEpochs`.",
    });
  }
  const { task, train, validate } = data;
  if (task === "multiclass") {
    throw trainingErrors.TRAINING_BAD_OPTION.error("ftrl learns yes/no targets and numbers, not classes", {
      details: { option: "trainer" },
      hint: "Train with gbdt(), or one yes/no model for each class.",
    });
  }
  const unit = task === "binary" ? { centre: 0, scale: 1 } : unitOf(train.target);
  const learner = createFtrlLearner(spec, { task, matrix: train.matrix, scaling: scalingOf(train.matrix) });
  const pass = createPass({ spec, data, options, learner, unit });
  const history: { epoch: number; train: number; validate?: number }[] = [];
  let best = { model: undefined as Linear | undefined, epoch: 0, metric: Number.POSITIVE_INFINITY };
  for (let epoch = 1; epoch <= spec.epochs; epoch++) {
    const measured = { epoch, train: await pass(epoch, history.at(-1)?.validate) };
    if (validate === undefined) {
      history.push(measured);
      continue;
    }
    const model = soundModel(learner.model(), unit);
    const metric = metricOn(model, validate);
    history.push({ ...measured, validate: metric });
    if (spec.earlyStoppingEpochs === undefined) continue;
    if (metric < best.metric) best = { model, epoch, metric };
    if (epoch - best.epoch >= spec.earlyStoppingEpochs) break;
  }
  const model = best.model ?? soundModel(learner.model(), unit);
  const bestIteration = best.model === undefined ? history.length : best.epoch;
  const metric = task === "binary" ? "logLoss" : "rmse";
  return {
    engine: "linear",
    bytes: encodeLinear(model),
    iterations: history.length,
    bestIteration,
    importance: linearImportance(model, train.matrix),
    metric,
    summary: [
      `${model.slots.length.toLocaleString("en")} of ${learner.slots.toLocaleString("en")} weights`,
      `${bestIteration} ${bestIteration === 1 ? "pass" : "passes"}`,
      `progressive ${metric} ${history[0]!.train.toPrecision(4)}`,
    ].join(", "),
    history: history.map(({ epoch, validate: value }) => ({
      iteration: epoch,
      ...(value === undefined ? {} : { validate: value }),
    })),
  };
}

/** Where the target of a regression lies and how far it spreads. */
interface Unit {
  readonly centre: number;
  readonly scale: number;
}

function unitOf(target: Float64Array): Unit {
  const { centre, scale } = scalingOf({
    rowCount: target.length,
    columns: [{ name: "target", kind: "numeric", cardinality: 0 }],
    values: [target],
  });
  return { centre: centre[0]!, scale: scale[0]! };
}

interface Training {
  readonly spec: FtrlSpec;
  readonly data: TrainingData;
  readonly options: TrainingOptions;
  readonly learner: FtrlLearner;
  readonly unit: Unit;
}

/**
 * @returns a function that learns from all rows once and gives the mean metric of the predictions it made on the way; it is
 * told the validation metric of the pass before, for those who watch
 */
function createPass({ spec, data, options, learner, unit }: Training) {
  const { target, weights, matrix } = data.train;
  const metric = data.task === "binary" ? "logLoss" : "rmse";
  const rows = matrix.rowCount;
  const partRows = Math.max(LEAST_PART_ROWS, Math.ceil((rows * spec.epochs) / MOST_PARTS));
  const partsInPass = Math.ceil(rows / partRows);
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const random = createRandom(options.seed).fork("ftrl/order");
  return async (epoch: number, validate: number | undefined): Promise<number> => {
    learner.startPass(epoch);
    if (spec.shuffle) shuffle(order, random.integer);
    let loss = 0;
    let weightSum = 0;
    for (let part = 0; part < partsInPass; part++) {
      const end = Math.min(rows, (part + 1) * partRows);
      for (let i = part * partRows; i < end; i++) {
        const row = order[i]!;
        const weight = weights === undefined ? 1 : weights[row]!;
        if (weight === 0) continue;
        loss += learner.learn(row, (target[row]! - unit.centre) / unit.scale, weight);
        weightSum += weight;
      }
      options.onProgress?.({
        iteration: (epoch - 1) * partsInPass + part + 1,
        of: spec.epochs * partsInPass,
        metric,
        train: metricOf(data.task, loss / weightSum, unit),
        ...(validate === undefined ? {} : { validate }),
      });
      // Lets an abort, and whatever else waits on this thread, happen.
      await setImmediate();
      options.signal?.throwIfAborted();
    }
    return metricOf(data.task, loss / weightSum, unit);
  };
}

function metricOf(task: TrainingData["task"], loss: number, unit: Unit): number {
  return task === "binary" ? loss : Math.sqrt(2 * loss) * unit.scale;
}

/** Fisher and Yates, as Durstenfeld wrote it (1964). */
function shuffle(order: Uint32Array, integer: (bound: number) => number): void {
  for (let last = order.length - 1; last > 0; last--) {
    const drawn = integer(last + 1);
    const row = order[last]!;
    order[last] = order[drawn]!;
    order[drawn] = row;
  }
}

/** The learned model, in the target's own unit. @throws TRAINING_DIVERGED */
function soundModel(learned: Linear, { centre, scale }: Unit): Linear {
  const intercept = learned.intercept * scale + centre;
  const weights = learned.weights.map((weight) => weight * scale);
  const isSmall = (value: number) => value >= -LARGEST_WEIGHT && value <= LARGEST_WEIGHT;
  if (!isSmall(intercept) || !weights.every(isSmall)) {
    throw trainingErrors.TRAINING_DIVERGED.error("the weights have grown without bounds", {
      hint: "Lower alpha, or raise l2.",
    });
  }
  // A weight may underflow to 0 in the target's unit.
  if (!weights.includes(0)) return { ...learned, intercept, weights };
  return {
    ...learned,
    intercept,
    slots: learned.slots.filter((_, i) => weights[i] !== 0),
    weights: weights.filter((weight) => weight !== 0),
  };
}

/** Log-loss or root mean squared error of a model. */
function metricOn(model: Linear, { matrix, target, weights }: TrainingSet): number {
  const predictions = createLinearEngine(model).predictMatrix(matrix);
  let loss = 0;
  let weightSum = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    const prediction = predictions[row]!;
    const error = prediction - target[row]!;
    loss += weight * (model.task === "binary" ? logLoss(prediction, target[row]!) : error * error);
    weightSum += weight;
  }
  return model.task === "binary" ? loss / weightSum : Math.sqrt(loss / weightSum);
}

const LEAST_PROBABILITY = 2.220446049250313e-16;

function logLoss(probability: number, target: number): number {
  const clipped = Math.min(Math.max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY);
  return target === 1 ? -log(clipped) : -log1p(-clipped);
}
