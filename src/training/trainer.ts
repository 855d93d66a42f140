import { assertNever, type FeatureMatrix } from "../kernel/index.ts";
import { type ProgramPorts, trainByCommand } from "./command/train-command.ts";
import type { ForeignModel } from "./foreign/foreign-model.ts";
import { trainFtrl } from "./ftrl.ts";
import { trainGbdt } from "./gbdt.ts";
import { checkTrainer, type SealedTrainerSpec } from "./spec.ts";
import { trainPretrained } from "./train-pretrained.ts";
import { checkTrainingData } from "./training-data.ts";

/** Rows to learn from or to validate with. */
export interface TrainingSet {
  readonly matrix: FeatureMatrix;
  /** One value a row; 0 or 1 in a binary task, the number of the class in a multiclass task. */
  readonly target: Float64Array;
  /** One non-negative weight a row; 1 everywhere when absent. */
  readonly weights?: Float64Array;
}

export interface TrainingData {
  readonly task: "binary" | "regression" | "multiclass";
  /** Multiclass: the names of the classes, in the order of their numbers. */
  readonly classes?: readonly string[];
  readonly train: TrainingSet;
  readonly validate?: TrainingSet;
}

export interface TrainingProgress {
  /** Trees grown, or parts of the training done, so far, from 1. */
  readonly iteration: number;
  /** Trees asked for, or parts in all; 0 when nobody knows. */
  readonly of: number;
  /** What the trainer minimises, or for squared errors "rmse": less is better. Programs report what they like. */
  readonly metric: string;
  /** The metric over training rows, where the trainer knows it. */
  readonly train?: number;
  /** The metric over the validation rows, when there are any. */
  readonly validate?: number;
}

export interface TrainingOptions {
  /** Draws rows and columns, and samples the values of bins. */
  readonly seed: number;
  /** Threads to use at most; the model does not depend on it. */
  readonly threads: number;
  /** Called after every iteration, on the calling thread. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
  /** Needed by `command` only. */
  readonly program?: ProgramPorts;
  /** Needed by `pretrained` only: the file, read. */
  readonly pretrained?: ForeignModel;
}

export interface FeatureImportance {
  readonly feature: string;
  /**
   * Of trees: the sum of the gains of the splits on this feature, in those that are kept. Of a linear model: the standard
   * deviation of what the feature contributes to the score, over the training rows. Of a program's model: what the loss rises
   * by when the feature's values are shuffled.
   */
  readonly gain: number;
  /** Of trees: splits on this feature. Of a linear model: its weights that are not zero. */
  readonly splits: number;
}

export interface TrainedModel {
  readonly engine: "forest" | "linear" | "onnx";
  /** The model's file, for `openEngine`. */
  readonly bytes: Uint8Array;
  /** Iterations that were run: trees grown, passes over the rows. */
  readonly iterations: number;
  /** Iterations that the model keeps: fewer than were run when training stopped early. */
  readonly bestIteration: number;
  /** Every feature of the matrix, the one that gained most first. */
  readonly importance: readonly FeatureImportance[];
  readonly metric: string;
  /** What was made, for people: "100 trees". */
  readonly summary: string;
  /** One entry an iteration. */
  readonly history: readonly {
    readonly iteration: number;
    /** Where there was progress to report. */
    readonly train?: number;
    readonly validate?: number;
  }[];
}

/**
 * Trains a model. The same data, spec and seed give the same bytes, whatever the number of threads; of a program as its
 * author has made it.
 *
 * Blocks its thread except for a moment between iterations: run it where nothing else has to answer.
 *
 * @throws TRAINING_BAD_OPTION, TRAINING_NO_ROWS, TRAINING_NO_FEATURES, TRAINING_WRONG_SHAPE, TRAINING_BAD_TARGET,
 * TRAINING_CONSTANT_TARGET, TRAINING_BAD_WEIGHT, TRAINING_BAD_CATEGORY, TRAINING_TOO_LARGE, TRAINING_DIVERGED,
 * and for `command` and `pretrained` what `trainByCommand` and `trainPretrained` throw; the signal's reason
 */
export async function trainModel(
  spec: SealedTrainerSpec,
  data: TrainingData,
  options: TrainingOptions,
): Promise<TrainedModel> {
  options.signal?.throwIfAborted();
  checkTrainer(spec);
  checkTrainingData(data);
  switch (spec.kind) {
    case "gbdt":
      return await trainGbdt(spec, data, options);
    case "ftrl":
      return await trainFtrl(spec, data, options);
    case "command":
      return await trainByCommand(spec, data, options);
    case "pretrained":
      return await trainPretrained(data, options);
    default:
      return assertNever(spec);
  }
}
