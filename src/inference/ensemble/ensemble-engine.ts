import type { FeatureMatrix } from "../../kernel/index.ts";
import type { Engine } from "../engine.ts";
import { inferenceErrors } from "../errors.ts";
import { checkColumns } from "../matrix-columns.ts";
import type { Ensemble } from "./ensemble.ts";
import { createEnsembleForests } from "./ensemble-forests.ts";
import { scalarLink, softmax } from "./ensemble-link.ts";
import { createEnsembleWalk } from "./ensemble-walk.ts";

/** The engine of a sound ensemble (see `problemOfEnsemble`). */
export function createEnsembleEngine(ensemble: Ensemble): Engine {
  const { features, base, arithmetic } = ensemble;
  const width = features.length;
  const outputs = base.length;
  const forests = createEnsembleForests(ensemble);
  const { addUp } = forests ?? createEnsembleWalk(ensemble);
  const link = scalarLink(ensemble);
  const isSoftmax = ensemble.link.kind === "softmax";
  const only = new Float64Array(outputs);

  function predictInto(row: Float64Array, out: Float64Array): void {
    addUp(row, 0, out);
    applyLink(out);
  }

  function applyLink(out: Float64Array): void {
    if (isSoftmax) softmax(out, arithmetic);
    else for (let i = 0; i < outputs; i++) out[i] = link(out[i]!);
  }

  function predictMatrix(matrix: FeatureMatrix): Float64Array {
    checkColumns(features, matrix);
    const predictions = new Float64Array(matrix.rowCount * outputs);
    if (forests?.addUpRows !== undefined) {
      forests.addUpRows(matrix.values, 0, predictions);
      for (let i = 0; i < matrix.rowCount; i++)
        applyLink(predictions.subarray(i * outputs, (i + 1) * outputs));
      return predictions;
    }
    const row = new Float64Array(width);
    for (let i = 0; i < matrix.rowCount; i++) {
      for (let column = 0; column < width; column++) row[column] = matrix.values[column]![i]!;
      predictInto(row, predictions.subarray(i * outputs, (i + 1) * outputs));
    }
    return predictions;
  }

  return {
    task: ensemble.task,
    featureCount: width,
    outputs,
    predictRow: (row) => {
      if (outputs > 1)
        throw inferenceErrors.INFERENCE_SEVERAL_OUTPUTS.error(
          `the model has ${outputs} outputs, one was asked for`,
          { details: { outputs } },
        );
      predictInto(row, only);
      return only[0]!;
    },
    predictInto,
    predictMatrix,
  };
}
