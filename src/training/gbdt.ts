import { setImmediate } from "node:timers/promises";
import { createIteration, createMetrics } from "./boosting-round.ts";
import { withClassWeights } from "./class-weights.ts";
import { trainingErrors } from "./errors.ts";
import { importanceOf, modelBytes } from "./forest-builder.ts";
import { type Recruits, recruit } from "./gbdt-crew.ts";
import { type PreparedTraining, prepareTraining, threadsFor } from "./gbdt-preparation.ts";
import { lossName, outputsOf } from "./objective.ts";
import { loadRows } from "./row-loading.ts";
import type { GbdtSpec } from "./spec.ts";
import type { TrainedModel, TrainingData, TrainingOptions } from "./trainer.ts";
import { checkCounts } from "./training-data.ts";
import type { GrownTree } from "./tree-growth.ts";

/**
 * Gradient boosting over histograms: Friedman, "Greedy Function Approximation" (2001), with the leaf-wise growth,
 * histogram subtraction and categorical splits of LightGBM (Ke et al., 2017).
 */
export async function trainGbdt(
  spec: GbdtSpec,
  given: TrainingData,
  options: TrainingOptions,
): Promise<TrainedModel> {
  const data = withClassWeights(spec.classWeights, given);
  if (spec.earlyStoppingRounds !== undefined && data.validate === undefined) {
    throw trainingErrors.TRAINING_BAD_OPTION.error("early stopping needs validation rows", {
      details: { option: "earlyStoppingRounds" },
      hint: "Give the model's split a `validateShare`, or leave out `earlyStoppingRounds`.",
    });
  }
  if (spec.objective !== undefined && data.task !== "regression") {
    throw trainingErrors.TRAINING_BAD_OPTION.error(
      `gbdt option objective is "${spec.objective}"; it is for targets that are numbers`,
      { details: { option: "objective" }, hint: "Leave it out, or make the target a number." },
    );
  }
  if (spec.objective === "poisson") checkCounts(data);
  // Workers start while this thread looks at the columns.
  const recruits = recruit(threadsFor(data, options.threads));
  let prepared: PreparedTraining;
  let boosted: Boosted = { iterations: [], history: [], kept: 0 };
  try {
    prepared = prepareTraining(spec, data, options);
    const { plan } = prepared;
    if (plan !== undefined) boosted = await boost({ ...prepared, plan, recruits }, data, options);
  } finally {
    await recruits.close();
  }
  const { columns } = data.train.matrix;
  const kept = boosted.iterations.slice(0, boosted.kept);
  const { features, objective, base } = prepared;
  const { learningRate } = spec;
  const count = boosted.kept * outputsOf(objective);
  return {
    engine: "forest",
    bytes: modelBytes({ objective, columns, features, base, learningRate, iterations: kept }),
    iterations: boosted.iterations.length,
    bestIteration: boosted.kept,
    importance: importanceOf({ columns, features, trees: kept.flat() }),
    metric: lossName(objective),
    summary: `${count} ${count === 1 ? "tree" : "trees"}`,
    history: boosted.history,
  };
}

type Planned = PreparedTraining & {
  readonly plan: NonNullable<PreparedTraining["plan"]>;
  readonly recruits: Recruits;
};

interface Boosted {
  /** The trees of each iteration, one for each output. */
  readonly iterations: readonly (readonly GrownTree[])[];
  /** The iterations of the model: all, or those up to the best iteration when training stops early. */
  readonly kept: number;
  readonly history: TrainedModel["history"];
}

async function boost(prepared: Planned, data: TrainingData, options: TrainingOptions): Promise<Boosted> {
  const { plan } = prepared;
  const { spec } = plan;
  const metric = lossName(plan.objective);
  const iterations: (readonly GrownTree[])[] = [];
  const history: { iteration: number; train?: number; validate?: number }[] = [];
  let best = { loss: Number.POSITIVE_INFINITY, iteration: 0 };
  loadRows(plan, data, prepared.base);
  const crew = await prepared.recruits.enlist(plan);
  const iterate = createIteration({ plan, crew, largestWeight: prepared.largestWeight }, options.seed);
  const losses = createMetrics(plan, crew, data);
  for (let iteration = 1; iteration <= spec.trees; iteration++) {
    const trees = iterate();
    if (trees.every(isStump) && spec.rowShare === 1 && spec.columnShare === 1) break;
    iterations.push(trees);
    const validate = losses.validate?.();
    const measured = {
      iteration,
      // It decides nothing, and costs a pass over the rows.
      ...(options.onProgress === undefined ? {} : { train: losses.train() }),
      ...(validate === undefined ? {} : { validate }),
    };
    history.push(measured);
    options.onProgress?.({ ...measured, of: spec.trees, metric });
    if (validate !== undefined && validate < best.loss) best = { loss: validate, iteration };
    const patience = spec.earlyStoppingRounds ?? Number.POSITIVE_INFINITY;
    if (iteration - best.iteration >= patience) break;
    // Lets an abort, and whatever else waits on this thread, happen.
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  const kept = spec.earlyStoppingRounds === undefined ? iterations.length : best.iteration;
  return { iterations, history, kept };
}

/** A tree without a split: it adds nothing. */
function isStump(tree: GrownTree): boolean {
  return tree.nodes.length === 0;
}
