import type { BundleParts, Signature, SignatureOutput } from "../bundle/index.ts";
import { assignSplit, checkWeights, predictedClasses, splitRole, type Task } from "../evaluation/index.ts";
import {
  checkPurity,
  compilePlan,
  derivedColumns,
  evaluateExpression,
  type FeatureKernel,
  fitPlan,
  openCustomFunctions,
} from "../features/index.ts";
import { type MatrixPredictor, openMatrixPredictor } from "../inference/index.ts";
import { gatherFloats, selectRows, type Table, type TableColumn } from "../kernel/index.ts";
import { buildProfile } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import {
  type ForeignModel,
  matchCategories,
  type ProgramPorts,
  type TrainedModel,
  type TrainingSet,
  trainModel,
} from "../training/index.ts";
import { withDerivedColumns } from "./derived-table.ts";
import { embeddingsOf, type ImageTables, readEncoders, withImageColumns } from "./image-columns.ts";
import { knownItems } from "./known-items.ts";
import { type LearnedTarget, learnTarget } from "./learned-target.ts";
import { columnTypes, type Recipe } from "./recipe.ts";

export interface BuildOptions {
  /** Worker threads of the trainer; the bundle does not depend on it. */
  readonly threads: number;
  /** The module of the custom functions that the features call. */
  readonly code?: string | undefined;
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
  /** Needed when the recipe's trainer is `pretrained`: the file that it names, read. */
  readonly pretrained?: ForeignModel;
  readonly signal?: AbortSignal;
  /** What is known of the snapshot's images, where it has image columns. */
  readonly images?: SnapshotImageTables;
}

/** What is known of a snapshot's images, and where the models lie that make their vectors. */
export interface SnapshotImageTables {
  readonly tables: ImageTables;
  readonly blobs: BlobStore;
}

/** A bundle that stands nowhere yet, with what evaluation needs. */
export interface Build {
  readonly parts: BundleParts;
  readonly kernel: FeatureKernel;
  /** To be closed when it is not asked any more. */
  readonly engine: MatrixPredictor;
  /** The snapshot with the derived columns of the kernel. */
  readonly table: Table;
  readonly trained: TrainedModel;
  /** Row numbers of the snapshot by role. */
  readonly rows: {
    readonly train: Uint32Array;
    readonly validate: Uint32Array;
    readonly evaluate: Uint32Array;
  };
  /** Target and weight of every row of the snapshot. */
  readonly target: LearnedTarget;
  readonly weights: Float64Array | undefined;
}

/**
 * Recipe and rows → bundle. Pure but for its worker threads: split, fit on the training rows only, train, profile.
 *
 * @throws EVALUATION_* when the target cannot be learned or a split is empty, FEATURES_* and TRAINING_* for what
 *   the recipe asks and cannot have.
 */
export async function buildBundle(recipe: Recipe, snapshot: Table, options: BuildOptions): Promise<Build> {
  const { task } = recipe.target;
  const columns = columnTypes(recipe);
  const images = options.images?.tables ?? new Map();
  const embeddings = embeddingsOf(images);
  const known = { images, embeddings: new Map(Object.entries(embeddings)) };
  const { pretrained } = options;
  const named =
    pretrained === undefined ? recipe.features : matchCategories(recipe.features, pretrained, columns);
  const features = named.map((feature) => feature.expression);
  const other = recipe.weight === undefined ? [] : [recipe.weight];
  const seen = withImageColumns(
    snapshot,
    derivedColumns([...features, recipe.target.expression, ...other], columns, embeddings),
    known,
  );
  const weights = recipe.weight === undefined ? undefined : evaluateExpression(recipe.weight, columns, seen);
  const roles = assignSplit(recipe.split, seen, recipe.time);
  const learned = learnTarget(recipe.target, { columns, table: seen, roles });
  const { values: target, classes } = learned;
  if (weights !== undefined) checkWeights(weights, roles);
  const rows = {
    train: rowsOf(roles, splitRole.train),
    // A class that the model does not have says nothing about when to stop.
    validate: rowsOf(roles, splitRole.validate).filter(
      (row) => !(target[row]! >= (classes?.length ?? Infinity)),
    ),
    evaluate: rowsOf(roles, splitRole.evaluate),
  };

  options.onStep?.("features", "running");
  const { code } = options;
  if (code !== undefined) checkPurity(code, { expressions: features, columns, table: seen });
  const functions = openCustomFunctions(code);
  const derived = derivedColumns(features, columns, embeddings);
  const { table, windows } = withDerivedColumns({ inputs: recipe.columns, derived }, seen);
  // Servers begin with the past of the snapshot and are told of its rows no more.
  windows?.cover();
  const trainTable = selectRows(table, rows.train);
  const trainTarget = gatherFloats(target, rows.train);
  const trainWeights = weights === undefined ? undefined : gatherFloats(weights, rows.train);
  const { plan, folds } = fitPlan(
    {
      columns,
      features: Object.fromEntries(named.map((feature) => [feature.name, feature.expression])),
      optional: recipe.columns.filter(({ required }) => !required).map(({ name }) => name),
      embeddings,
    },
    trainTable,
    {
      ...(task === "multiclass" ? {} : { target: trainTarget }),
      seed: recipe.seed,
      ...(trainWeights === undefined ? {} : { weights: trainWeights }),
      functions,
    },
  );
  const kernel = compilePlan(plan, functions);
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
    {
      task,
      ...(classes === undefined ? {} : { classes }),
      train: trainSet,
      ...(validateSet === undefined ? {} : { validate: validateSet }),
    },
    {
      seed: recipe.seed,
      threads: options.threads,
      ...(options.onIteration === undefined ? {} : { onProgress: options.onIteration }),
      ...(options.program === undefined ? {} : { program: options.program }),
      ...(pretrained === undefined ? {} : { pretrained }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  const engine = await openMatrixPredictor({
    ...trained,
    features: kernel.outputs,
    task,
    outputs: classes?.length ?? 1,
  });
  options.onStep?.("train", "finished", trained.summary);

  const signature: Signature = {
    inputs: kernel.inputs.map(({ name, type, required }) => ({ name, type, required })),
    output: outputOf(task, classes),
  };
  const encoders =
    options.images === undefined ? [] : await readEncoders(kernel.embeddings, options.images.blobs);
  const reference = await referenceProfile(trainTable, { kernel, engine, classes });
  return {
    parts: {
      engine: trained.engine,
      model: trained.bytes,
      plan,
      signature,
      profile: reference,
      ...(windows === undefined ? {} : { windows: windows.toBytes() }),
      ...(encoders.length === 0 ? {} : { encoders }),
      ...(code === undefined ? {} : { code: Buffer.from(code) }),
      ...(recipe.items === undefined ? {} : { items: knownItems(recipe.items, snapshot, recipe) }),
    },
    kernel,
    engine,
    table,
    trained,
    rows,
    target: learned,
    weights,
  };
}

const OUTPUT_NAMES = { binary: "probability", regression: "value", multiclass: "probabilities" } as const;

function outputOf(task: Task, classes: readonly string[] | undefined): SignatureOutput {
  return {
    name: OUTPUT_NAMES[task],
    task,
    ...(classes === undefined ? {} : { width: classes.length, classes }),
  };
}

/** What the model saw and said in training: the yardstick for live traffic. Encodings are those of serving, not out-of-fold. */
async function referenceProfile(
  table: Table,
  subject: Pick<Build, "kernel" | "engine"> & { classes: readonly string[] | undefined },
): Promise<unknown> {
  const { kernel, engine, classes } = subject;
  const inputTypes = Object.fromEntries(kernel.inputs.map(({ name, type }) => [name, type]));
  const predictions = await engine.predictMatrix(kernel.evaluateTable(table));
  const derivedTypes = Object.fromEntries(kernel.derived.map(({ name, type }) => [name, type]));
  const seen = {
    inputs: buildProfile(table, inputTypes),
    ...(kernel.derived.length === 0 ? {} : { derived: buildProfile(table, derivedTypes) }),
  };
  if (classes === undefined) {
    const columns = new Map([["output", { kind: "number", values: predictions }]] as const);
    return { ...seen, output: buildProfile({ rowCount: table.rowCount, columns }, { output: "float" }) };
  }
  // Of several classes, the one that is said and how surely: a profile of every probability would grow with the classes.
  const codes = predictedClasses(predictions, classes.length);
  const values = Float64Array.from(codes, (code, row) => predictions[row * classes.length + code]!);
  const columns = new Map<string, TableColumn>([
    ["output", { kind: "number", values }],
    ["class", { kind: "string", codes, dictionary: classes }],
  ]);
  const types = { output: "float", class: "category" } as const;
  return { ...seen, output: buildProfile({ rowCount: table.rowCount, columns }, types) };
}

function rowsOf(roles: Uint8Array, role: number): Uint32Array {
  let count = 0;
  for (const value of roles) if (value === role) count++;
  const rows = new Uint32Array(count);
  for (let row = 0, next = 0; row < roles.length; row++) if (roles[row] === role) rows[next++] = row;
  return rows;
}
