import { assertNever, type FeatureMatrix, sigmoid } from "../kernel/index.ts";
import { createEnsembleEngine } from "./ensemble/ensemble-engine.ts";
import { decodeEnsemble, ENSEMBLE_VERSION } from "./ensemble/ensemble-file.ts";
import { inferenceErrors } from "./errors.ts";
import type { Forest } from "./forest.ts";
import { decodeForest, forestFileVersion } from "./forest-file.ts";
import { createForestMasks } from "./forest-masks.ts";
import { createForestWalk } from "./forest-walk.ts";
import { createLinearEngine } from "./linear/linear-engine.ts";
import { decodeLinear } from "./linear/linear-file.ts";
import { checkColumns } from "./matrix-columns.ts";

/** A model ready to predict. Not for concurrent use: it reuses its own scratch memory. */
export interface Engine {
  readonly task: "binary" | "regression" | "multiclass";
  readonly featureCount: number;
  /** Numbers that a row is answered with: one probability for each class of a multiclass model, else 1. */
  readonly outputs: number;
  /**
   * The prediction for one row of `featureCount` values in the order of the plan's outputs; NaN is missing. A
   * probability in [0, 1] for binary, the value in the target's unit for regression. Allocates nothing.
   *
   * @throws INFERENCE_SEVERAL_OUTPUTS when the model has more than one
   */
  predictRow(features: Float64Array): number;
  /** All outputs of one row, into an array of `outputs` values. Of a single one, what `predictRow` answers. */
  predictInto(features: Float64Array, out: Float64Array): void;
  /**
   * `predictInto` of every row, bit for bit: `outputs` values for each row, one row after the other.
   *
   * @throws INFERENCE_WRONG_MATRIX when the columns are not those of the model.
   */
  predictMatrix(matrix: FeatureMatrix): Float64Array;
}

/**
 * Opens a model that a bundle names.
 *
 * @param name the engine: "forest" or "linear"
 * @throws INFERENCE_UNKNOWN_ENGINE, INFERENCE_DAMAGED_MODEL
 */
export function openEngine(name: string, bytes: Uint8Array): Engine {
  if (name === "forest") {
    return forestFileVersion(bytes) === ENSEMBLE_VERSION
      ? createEnsembleEngine(decodeEnsemble(bytes))
      : createForestEngine(decodeForest(bytes));
  }
  if (name === "linear") return createLinearEngine(decodeLinear(bytes));
  throw inferenceErrors.INFERENCE_UNKNOWN_ENGINE.error(`there is no engine called "${name}"`, {
    details: { engine: name, known: ["forest", "linear"] },
    hint: "The bundle was made by a newer version of slipway: update this installation.",
  });
}

/** The engine of a sound forest (see `problemOf`). */
export function createForestEngine(forest: Forest): Engine {
  const masks = createForestMasks(forest);
  const walk = masks === undefined ? createForestWalk(forest) : undefined;
  const scoreRow = (masks ?? walk!).scoreRow;
  const output = outputOf(forest.task);
  const width = forest.features.length;

  function predictMatrix(matrix: FeatureMatrix): Float64Array {
    checkColumns(forest.features, matrix);
    const scores = new Float64Array(matrix.rowCount);
    if (walk !== undefined) walk.scoreRows(matrix.values, 0, scores);
    else {
      const row = new Float64Array(width);
      for (let i = 0; i < scores.length; i++) {
        for (let column = 0; column < width; column++) row[column] = matrix.values[column]![i]!;
        scores[i] = scoreRow(row);
      }
    }
    for (let i = 0; i < scores.length; i++) scores[i] = output(scores[i]!);
    return scores;
  }

  return {
    task: forest.task,
    featureCount: width,
    outputs: 1,
    predictRow: (features) => output(scoreRow(features)),
    predictInto: (features, out) => {
      out[0] = output(scoreRow(features));
    },
    predictMatrix,
  };
}

function outputOf(task: Forest["task"]): (score: number) => number {
  switch (task) {
    case "binary":
      return sigmoid;
    case "regression":
      // −0 does not leave an engine: it has no spelling in JSON.
      return (score) => score + 0;
    default:
      return assertNever(task);
  }
}
