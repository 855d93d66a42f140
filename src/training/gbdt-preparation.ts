import { binCount, type FeatureBins, findBins } from "./bins.ts";
import { trainingErrors } from "./errors.ts";
import { kernelModule } from "./gbdt-kernels.ts";
import { planMemory } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { monotoneDirections } from "./monotone-directions.ts";
import { baseScores, type Objective, objectiveOf, outputsOf } from "./objective.ts";
import { powerOfTwo, quantisationFor } from "./quantisation.ts";
import type { GbdtSpec } from "./spec.ts";
import type { TrainingData, TrainingOptions } from "./trainer.ts";
import { type WasmMemory, wasm } from "./wasm-api.ts";

/** Everything that is done once before the first tree. */
export interface PreparedTraining {
  /** Those that have more than one bin. */
  readonly features: readonly FeatureBins[];
  readonly objective: Objective;
  /** The scores before the first tree, one for each output. */
  readonly base: Float64Array;
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
  const objective = objectiveOf(spec, data);
  const outputs = outputsOf(objective);
  const base =
    spec.init === undefined ? baseScores(objective, data) : new Float64Array(outputs).fill(spec.init);
  const monotone = monotoneDirections(spec.monotone, columns, features);
  const largestWeight = train.weights?.reduce((most, weight) => Math.max(most, weight), 0) ?? 1;
  if (features.length === 0) return { features, objective, base, plan: undefined, largestWeight };

  const layout = planMemory({
    features,
    rows: rowCount,
    validateRows: validate?.matrix.rowCount ?? 0,
    weighted: train.weights !== undefined,
    validateWeighted: validate?.weights !== undefined,
    leaves: spec.leaves,
    threads: threadsFor(data, options.threads),
    outputs,
  });
  const { gradientBits, hessianBits, countShift } = quantisationFor(rowCount);
  const weighted = train.weights !== undefined;
  const groups = layout.groups.map((group) => group.offsets);
  const memory = allocate(layout.pages);
  const kernels = kernelModule({
    pages: layout.pages,
    groups,
    objective,
    weighted,
    countShift,
    scoreStride: layout.train.scoreStride,
    penalties: spec,
    constants: layout.constants,
  });
  kernels.writeConstants(memory.buffer);
  const plan: TrainingPlan = {
    spec,
    objective,
    features,
    layout,
    memory,
    module: new wasm.Module(kernels.bytes),
    gradientRange: powerOfTwo(gradientBits),
    hessianRange: powerOfTwo(hessianBits),
    monotone,
    countShift,
    owners: ownersOf(features, layout.threads),
  };
  return { features, objective, base, plan, largestWeight };
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
