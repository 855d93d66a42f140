import { gatherFloats } from "../kernel/index.ts";
import { evaluationErrors } from "./errors.ts";
import type { Task } from "./spec.ts";

/** Rows with what was true and what was predicted. */
export interface ScoredRows {
  readonly task: Task;
  /** 0 or 1 for binary tasks. */
  readonly labels: Float64Array;
  /** Probabilities of 1 for binary tasks. */
  readonly predictions: Float64Array;
  /** ≥ 0; every row counts 1 when absent. */
  readonly weights?: Float64Array;
}

/** The rows whose numbers stand in `rows`, in that order. */
export function selectScored(scored: ScoredRows, rows: Uint32Array): ScoredRows {
  return {
    task: scored.task,
    labels: gatherFloats(scored.labels, rows),
    predictions: gatherFloats(scored.predictions, rows),
    ...(scored.weights === undefined ? {} : { weights: gatherFloats(scored.weights, rows) }),
  };
}

/** @throws EVALUATION_BAD_INPUT, EVALUATION_BAD_PREDICTION */
export function checkScored(scored: ScoredRows): void {
  const { task, labels, predictions, weights } = scored;
  const lengths = [labels.length, predictions.length, weights?.length ?? labels.length];
  if (new Set(lengths).size !== 1) {
    throw evaluationErrors.EVALUATION_BAD_INPUT.error(
      `${lengths[0]} labels, ${lengths[1]} predictions and ${lengths[2]} weights cannot belong to the same rows`,
    );
  }
  if (labels.length === 0) throw evaluationErrors.EVALUATION_BAD_INPUT.error("there are no rows to evaluate");
  const [least, most] = task === "binary" ? [0, 1] : [-Number.MAX_VALUE, Number.MAX_VALUE];
  for (let row = 0; row < predictions.length; row++) {
    const prediction = predictions[row]!;
    if (!(prediction >= least && prediction <= most)) {
      throw evaluationErrors.EVALUATION_BAD_PREDICTION.error(
        `the model predicted ${prediction} for evaluation row ${row + 1}, which is ${task === "binary" ? "no probability" : "not finite"}`,
        { details: { row: row + 1, prediction: String(prediction) } },
      );
    }
  }
}
