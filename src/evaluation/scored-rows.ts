import { gatherFloats } from "../kernel/index.ts";
import { evaluationErrors } from "./errors.ts";
import type { Subject } from "./spec.ts";

/** Rows with what was true and what was predicted. */
export interface ScoredRows extends Subject {
  /** 0 or 1 for binary tasks; the number of a class for multiclass ones. */
  readonly labels: Float64Array;
  /** Probabilities of 1 for binary tasks; for multiclass ones a probability for each class, row after row. */
  readonly predictions: Float64Array;
  /** ≥ 0; every row counts 1 when absent. */
  readonly weights?: Float64Array;
  /** Multiclass: the names of the classes that the model knows. */
  readonly classes?: readonly string[];
  /** Classes that were not there to be learned: label `classes.length + i` is the i-th of them, which no prediction says. */
  readonly unseenClasses?: readonly string[];
}

/** Numbers that a row is predicted with. */
export function widthOf({ task, classes }: Pick<ScoredRows, "task" | "classes">): number {
  return task === "multiclass" ? (classes?.length ?? 0) : 1;
}

/** The rows whose numbers stand in `rows`, in that order. */
export function selectScored(scored: ScoredRows, rows: Uint32Array): ScoredRows {
  return {
    ...scored,
    labels: gatherFloats(scored.labels, rows),
    predictions: gatherBlocks(scored.predictions, rows, widthOf(scored)),
    ...(scored.weights === undefined ? {} : { weights: gatherFloats(scored.weights, rows) }),
  };
}

function gatherBlocks(values: Float64Array, rows: Uint32Array, width: number): Float64Array {
  if (width === 1) return gatherFloats(values, rows);
  const gathered = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++)
    gathered.set(values.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  return gathered;
}

/** @throws EVALUATION_BAD_INPUT, EVALUATION_BAD_PREDICTION */
export function checkScored(scored: ScoredRows): void {
  const { task, labels, predictions, weights } = scored;
  const width = widthOf(scored);
  const lengths = [labels.length, predictions.length / width, weights?.length ?? labels.length];
  if (new Set(lengths).size !== 1) {
    throw evaluationErrors.EVALUATION_BAD_INPUT.error(
      `${lengths[0]} labels, ${lengths[1]} predictions and ${lengths[2]} weights cannot belong to the same rows`,
    );
  }
  if (labels.length === 0) throw evaluationErrors.EVALUATION_BAD_INPUT.error("there are no rows to evaluate");
  const isNumber = task === "regression";
  const [least, most] = isNumber ? [-Number.MAX_VALUE, Number.MAX_VALUE] : [0, 1];
  for (let at = 0; at < predictions.length; at++) {
    const prediction = predictions[at]!;
    if (!(prediction >= least && prediction <= most)) {
      const row = Math.floor(at / width) + 1;
      throw evaluationErrors.EVALUATION_BAD_PREDICTION.error(
        `the model predicted ${prediction} for evaluation row ${row}, which is ${isNumber ? "not finite" : "no probability"}`,
        { details: { row, prediction: String(prediction) } },
      );
    }
  }
}
