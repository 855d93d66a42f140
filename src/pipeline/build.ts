import type { BundleParts, Signature } from "../bundle/index.ts";
import { assignSplit, checkTarget, checkWeights, splitRole } from "../evaluation/index.ts";
import { compilePlan, evaluateExpression, type FeatureKernel, fitPlan } from "../features/index.ts";
import { type Engine, openEngine } from "../inference/index.ts";
import { gatherFloats, selectRows, type Table } from "../kernel/index.ts";
import { buildProfile } from "../profile/index.ts";
import { type ProgramPorts, type TrainedModel, type TrainingSet, trainModel } from "../training/index.ts";
import { columnTypes, type Recipe } from "./recipe.ts";

export interface BuildOptions {
  /** Worker threads of the trainer; the bundle does not depend on it. */
  readonly threads: number;
  readonly onStep?: (step: "features" | "train", state: "running" | "finished", detail?: string) => void;
  readonly onIteration?: (progress: {
    iteration: number;
    of: number;
    metric: string;
    train?: number;
    validate?: number;
  }) => void;
  /** Needed when the recipe's trainer is `command`. */
  readonly program?: ProgramPorts;
  readonly signal?: AbortSignal;
}

/** A bundle that stands nowhere yet, with what evaluation needs. */
export interface Build {
  readonly parts: BundleParts;
  readonly kernel: FeatureKernel;
  readonly engine: Engine;
  readonly trained: TrainedModel;
  /** Row numbers of the snapshot by role. */
  readonly rows: {
    readonly train: Uint32Array;
    readonly validate: Uint32Array;
    readonly evaluate: Uint32Array;
  };
  /** Target and weight of every row of the snapshot. */
  readonly target: Float64Array;
  readonly weights: Float64Array | undefined;
}

/**
 * Recipe and rows → bundle. Pure but for its worker threads: split, fit on the training rows only, train, profile.
 *
 * @throws EVALUATION_* when the target cannot be learned or a split is empty, FEATURES_* and TRAINING_* for what
 *   the recipe asks and cannot have.
 */
export async function buildBundle(recipe: Recipe, table: Table, options: BuildOptions): Promise<Build> {
  const { task, expression } = recipe.target;
  const columns = columnTypes(recipe);
  const target = evaluateExpression(expression, columns, table);
  const weights = recipe.weight === undefined ? undefined : evaluateExpression(recipe.weight, columns, table);
  const roles = assignSplit(recipe.split, table, recipe.time);
  checkTarget(task, target, roles);
  if (weights !== undefined) checkWeights(weights, roles);
  const rows = {
    train: rowsOf(roles, splitRole.train),
    validate: rowsOf(roles, splitRole.validate),
    evaluate: rowsOf(roles, splitRole.evaluate),
  };

  options.onStep?.("features", "running");
  const trainTable = selectRows(table, rows.train);
  const trainTarget = gatherFloats(target, rows.train);
  const trainWeights = weights === undefined ? undefined : gatherFloats(weights, rows.train);
  const { plan, folds } = fitPlan(
    {
      columns,
      features: Object.fromEntries(recipe.features.map((feature) => [feature.name, feature.expression])),
      optional: recipe.columns.filter(({ required }) => !required).map(({ name }) => name),
    },
    trainTable,
    {
      target: trainTarget,
      targetKind: task,
      seed: recipe.seed,
      ...(trainWeights === undefined ? {} : { weights: trainWeights }),
    },
  );
  const kernel = compilePlan(plan);
  const trainSet: TrainingSet = {
    matrix: kernel.evaluateTable(trainTable, { folds }),
    target: trainTarget,
    ...(trainWeights === undefined ? {} : { weights: trainWeights }),
  };
  const validateSet: TrainingSet | undefined =
    rows.validate.length === 0
      ? undefined
      : {
          matrix: kernel.evaluateTable(selectRows(table, rows.validate)),
          target: gatherFloats(target, rows.validate),
          ...(weights === undefined ? {} : { weights: gatherFloats(weights, rows.validate) }),
        };
  options.onStep?.("features", "finished", `${kernel.outputs.length} columns from ${kernel.inputs.length}`);

  options.onStep?.("train", "running");
  const trained = await trainModel(
    recipe.trainer,
    { task, train: trainSet, ...(validateSet === undefined ? {} : { validate: validateSet }) },
    {
      seed: recipe.seed,
      threads: options.threads,
      ...(options.onIteration === undefined ? {} : { onProgress: options.onIteration }),
      ...(options.program === undefined ? {} : { program: options.program }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  const engine = openEngine(trained.engine, trained.bytes);
  options.onStep?.("train", "finished", trained.summary);

  const signature: Signature = {
    inputs: kernel.inputs.map(({ name, type, required }) => ({ name, type, required })),
    output: { name: task === "binary" ? "probability" : "value", task },
  };
  const reference = referenceProfile(trainTable, kernel, engine);
  return {
    parts: { engine: trained.engine, model: trained.bytes, plan, signature, profile: reference },
    kernel,
    engine,
    trained,
    rows,
    target,
    weights,
  };
}

/** What the model saw and said in training: the yardstick for live traffic. Encodings are those of serving, not out-of-fold. */
function referenceProfile(table: Table, kernel: FeatureKernel, engine: Engine): unknown {
  const inputTypes = Object.fromEntries(kernel.inputs.map(({ name, type }) => [name, type]));
  const values = engine.predictMatrix(kernel.evaluateTable(table));
  const outputs: Table = {
    rowCount: table.rowCount,
    columns: new Map([["output", { kind: "number", values }]]),
  };
  return { inputs: buildProfile(table, inputTypes), output: buildProfile(outputs, { output: "float" }) };
}

function rowsOf(roles: Uint8Array, role: number): Uint32Array {
  let count = 0;
  for (const value of roles) if (value === role) count++;
  const rows = new Uint32Array(count);
  for (let row = 0, next = 0; row < roles.length; row++) if (roles[row] === role) rows[next++] = row;
  return rows;
}
