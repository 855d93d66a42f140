import { logit } from "../kernel/index.ts";
import { binCount, type FeatureBins, findBins } from "./bins.ts";
import { trainingErrors } from "./errors.ts";
import { kernelModule } from "./gbdt-kernels.ts";
import { LOSS_BLOCK, type MemoryLayout, planMemory } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { powerAtLeast, powerOfTwo, quantisationFor } from "./quantisation.ts";
import type { GbdtSpec } from "./spec.ts";
import type { TrainingData, TrainingOptions } from "./trainer.ts";
import { type WasmMemory, wasm } from "./wasm-api.ts";

/** Everything that is done once before the first tree. */
export interface PreparedTraining {
  /** Those that have more than one bin. */
  readonly features: readonly FeatureBins[];
  /** The score before the first tree. */
  readonly base: number;
  /** Undefined when no feature can be split. */
  readonly plan: TrainingPlan | undefined;
  readonly largestWeight: number;
}

/** Values to look up before a second thread is worth its start of some 30 ms. */
const VALUES_WORTH_THREADS = 600_000;
const MOST_THREADS = 32;

export function prepareTraining(
  spec: GbdtSpec,
  data: TrainingData,
  options: TrainingOptions,
): PreparedTraining {
  const { train, validate } = data;
  const { columns, values, rowCount } = train.matrix;
  const features = columns
    .map((column, feature) => findBins(column, values[feature]!, { ...spec, feature, seed: options.seed }))
    .filter((bins) => binCount(bins) > 1);
  const base = baseOf(data);
  const largestWeight = train.weights?.reduce((most, weight) => Math.max(most, weight), 0) ?? 1;
  if (features.length === 0) return { features, base, plan: undefined, largestWeight };

  const layout = planMemory({
    features,
    rows: rowCount,
    validateRows: validate?.matrix.rowCount ?? 0,
    weighted: train.weights !== undefined,
    validateWeighted: validate?.weights !== undefined,
    leaves: spec.leaves,
    threads: threadsFor(data, options.threads),
  });
  const { gradientBits, hessianBits, countShift } = quantisationFor(rowCount);
  const objective = data.task;
  const weighted = train.weights !== undefined;
  const groups = layout.groups.map((group) => group.offsets);
  const memory = allocate(layout.pages);
  const kernels = kernelModule({
    pages: layout.pages,
    groups,
    objective,
    weighted,
    countShift,
    penalties: spec,
    constants: layout.constants,
  });
  kernels.writeConstants(memory.buffer);
  // p(1 − p) is at most ¼.
  const hessianRange = powerAtLeast(largestWeight) * (objective === "binary" ? 0.25 : 1);
  const plan: TrainingPlan = {
    spec,
    objective,
    features,
    layout,
    memory,
    module: new wasm.Module(kernels.bytes),
    gradientRange: powerOfTwo(gradientBits),
    hessianScale: powerOfTwo(hessianBits) / hessianRange,
    countShift,
    owners: ownersOf(features, layout.threads),
  };
  return { features, base, plan, largestWeight };
}

/** How many of the threads offered are worth using. */
export function threadsFor({ train }: TrainingData, offered: number): number {
  const { rowCount, columns } = train.matrix;
  if (rowCount * columns.length < VALUES_WORTH_THREADS) return 1;
  return offered >= 2 ? Math.min(MOST_THREADS, Math.floor(offered)) : 1;
}

function allocate(pages: number): WasmMemory {
  try {
    return new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw trainingErrors.TRAINING_TOO_LARGE.error(
      `there is not enough memory for training: ${Math.ceil(pages / 16)} MB`,
      { cause },
    );
  }
}

/** The constant prediction that is best in the training rows: LightGBM's boost_from_average. */
function baseOf({ task, train }: TrainingData): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < train.target.length; row++) {
    const weight = train.weights?.[row] ?? 1;
    sum += weight * train.target[row]!;
    total += weight;
  }
  const mean = sum / total;
  return task === "binary" ? logit(mean) : mean;
}

/** Deals the features out so that all threads have about as many bins to search; sorting categories costs more. */
function ownersOf(features: readonly FeatureBins[], threads: number): number[] {
  const costs = features.map((bins) => binCount(bins) * (bins.kind === "categorical" ? 4 : 1));
  const loads = new Array<number>(threads).fill(0);
  const owners = new Array<number>(features.length).fill(0);
  const order = [...costs.keys()].sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const feature of order) {
    const thread = loads.indexOf(Math.min(...loads));
    owners[feature] = thread;
    loads[thread] = loads[thread]! + costs[feature]!;
  }
  return owners;
}

/** Total weight of the validation rows. */
export function validationWeight({ validate }: TrainingData): number {
  if (validate === undefined) return 0;
  return validate.weights?.reduce((sum, weight) => sum + weight, 0) ?? validate.matrix.rowCount;
}

/** Blocks in which validation losses are summed. */
export function lossBlocks(layout: MemoryLayout): number {
  return Math.ceil((layout.validate?.rows ?? 0) / LOSS_BLOCK);
}
