import { setImmediate } from "node:timers/promises";
import { encodeForest } from "../inference/index.ts";
import { createIteration, createMetric } from "./boosting-round.ts";
import { trainingErrors } from "./errors.ts";
import { buildForest, importanceOf } from "./forest-builder.ts";
import { type Recruits, recruit } from "./gbdt-crew.ts";
import { type PreparedTraining, prepareTraining, threadsFor } from "./gbdt-preparation.ts";
import { loadRows } from "./row-loading.ts";
import type { GbdtSpec } from "./spec.ts";
import type { TrainedModel, TrainingData, TrainingOptions } from "./trainer.ts";
import type { GrownTree } from "./tree-growth.ts";

/**
 * Gradient boosting over histograms: Friedman, "Greedy Function Approximation" (2001), with the leaf-wise growth,
 * histogram subtraction and categorical splits of LightGBM (Ke et al., 2017).
 */
export async function trainGbdt(
  spec: GbdtSpec,
  data: TrainingData,
  options: TrainingOptions,
): Promise<TrainedModel> {
  if (spec.earlyStoppingRounds !== undefined && data.validate === undefined) {
    throw trainingErrors.TRAINING_BAD_OPTION.error("early stopping needs validation rows", {
      details: { option: "earlyStoppingRounds" },
      hint: "Give the model's split a `validateShare`, or leave out `earlyStoppingRounds`.",
    });
  }
  // Workers start while this thread looks at the columns.
  const recruits = recruit(threadsFor(data, options.threads));
  let prepared: PreparedTraining;
  let boosted: Boosted = { trees: [], history: [], kept: 0 };
  try {
    prepared = prepareTraining(spec, data, options);
    const { plan } = prepared;
    if (plan !== undefined) boosted = await boost({ ...prepared, plan, recruits }, data, options);
  } finally {
    await recruits.close();
  }
  const { columns } = data.train.matrix;
  const trees = boosted.trees.slice(0, boosted.kept);
  const { features, base } = prepared;
  const forest = buildForest({
    task: data.task,
    columns,
    features,
    base,
    learningRate: spec.learningRate,
    trees: trees.filter((tree) => tree.nodes.length > 0),
  });
  return {
    engine: "forest",
    bytes: encodeForest(forest),
    iterations: boosted.trees.length,
    bestIteration: boosted.kept,
    importance: importanceOf({ columns, features, trees }),
    metric: metricOf(data.task),
    summary: `${boosted.kept} ${boosted.kept === 1 ? "tree" : "trees"}`,
    history: boosted.history,
  };
}

type Planned = PreparedTraining & {
  readonly plan: NonNullable<PreparedTraining["plan"]>;
  readonly recruits: Recruits;
};

interface Boosted {
  readonly trees: readonly GrownTree[];
  /** The trees of the model: all, or those up to the best iteration when training stops early. */
  readonly kept: number;
  readonly history: TrainedModel["history"];
}

async function boost(prepared: Planned, data: TrainingData, options: TrainingOptions): Promise<Boosted> {
  const { plan } = prepared;
  const { spec } = plan;
  const trees: GrownTree[] = [];
  const history: { iteration: number; validate?: number }[] = [];
  let best = { metric: Number.POSITIVE_INFINITY, iteration: 0 };
  loadRows(plan, data, prepared.base);
  const crew = await prepared.recruits.enlist(plan);
  const iterate = createIteration({ plan, crew, largestWeight: prepared.largestWeight }, options.seed);
  const metric = createMetric(plan, data);
  for (let iteration = 1; iteration <= spec.trees; iteration++) {
    const tree = iterate();
    if (tree.nodes.length === 0 && spec.rowShare === 1 && spec.columnShare === 1) break;
    trees.push(tree);
    const validate = metric?.(crew, tree);
    const measured = { iteration, ...(validate === undefined ? {} : { validate }) };
    history.push(measured);
    options.onProgress?.({ ...measured, of: spec.trees, metric: metricOf(data.task) });
    if (validate !== undefined && validate < best.metric) best = { metric: validate, iteration };
    const patience = spec.earlyStoppingRounds ?? Number.POSITIVE_INFINITY;
    if (iteration - best.iteration >= patience) break;
    // Lets an abort, and whatever else waits on this thread, happen.
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  return { trees, history, kept: spec.earlyStoppingRounds === undefined ? trees.length : best.iteration };
}

export function metricOf(task: TrainingData["task"]): "logLoss" | "rmse" {
  return task === "binary" ? "logLoss" : "rmse";
}
