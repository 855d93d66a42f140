import { type CalibrationBin, calibrationOf } from "./calibration.ts";
import { type ClassReport, type Confusion, classTable } from "./class-table.ts";
import { evaluationErrors } from "./errors.ts";
import {
  type BootstrapOptions,
  defaultConfidence,
  defaultReplicates,
  estimateMetrics,
  type MetricEstimate,
} from "./resampling.ts";
import { checkScored, type ScoredRows, selectScored } from "./scored-rows.ts";
import { type SliceColumn, slicesOf } from "./slices.ts";
import type { Task } from "./spec.ts";
import { type ThresholdRow, thresholdTable } from "./threshold-table.ts";

export interface EvaluationInput extends ScoredRows {
  readonly slices?: readonly SliceColumn[];
  readonly bootstrap: BootstrapOptions;
}

export interface SliceReport {
  readonly column: string;
  readonly value: string;
  readonly rows: number;
  readonly metrics: readonly MetricEstimate[];
}

/** What is known of a model's quality on the evaluation rows. Plain JSON; a number that is undefined is `null`. */
export interface EvaluationReport {
  readonly task: Task;
  readonly rows: number;
  /** Weighted mean of the labels: for binary tasks the share of positives. `null` when all weights are 0. */
  readonly meanLabel: number | null;
  readonly meanPrediction: number | null;
  /** Of every interval: 0.95 says that `low` to `high` is a 95 % interval. */
  readonly confidence: number;
  readonly replicates: number;
  readonly metrics: readonly MetricEstimate[];
  /** The values of each slice column with the most rows, largest first. */
  readonly slices: readonly SliceReport[];
  /** Slice columns with more values than are reported. */
  readonly omittedSlices: readonly {
    readonly column: string;
    readonly values: number;
    readonly rows: number;
  }[];
  /** Multiclass tasks: what is known of each class, in the model's order. */
  readonly classes?: readonly ClassReport[];
  /** Multiclass tasks of up to 50 classes. */
  readonly confusion?: Confusion;
  /** Multiclass tasks: classes of evaluation rows that no training row had. They count as predicted wrongly. */
  readonly unseenClasses?: readonly { readonly name: string; readonly rows: number }[];
  /** Binary tasks only, as are the rest. */
  readonly calibration?: readonly CalibrationBin[];
  /** Expected calibration error over those bins. */
  readonly ece?: number | null;
  readonly thresholds?: readonly ThresholdRow[];
}

/** Values reported per slice column. Gates look at all of them. */
const MOST_SLICES = 50;

/**
 * All metrics with bootstrap intervals, overall and per slice; calibration and thresholds for binary tasks.
 *
 * @throws EVALUATION_BAD_INPUT, EVALUATION_BAD_PREDICTION
 */
export function evaluate(input: EvaluationInput): EvaluationReport {
  checkScored(input);
  const { slices: _slices, bootstrap, ...scored } = input;
  const { task, labels, predictions, weights } = scored;
  const slices: SliceReport[] = [];
  const omittedSlices: { column: string; values: number; rows: number }[] = [];
  for (const column of input.slices ?? []) {
    checkSliceColumn(column, labels.length);
    const all = slicesOf(column);
    for (const slice of all.slice(0, MOST_SLICES)) {
      slices.push({
        column: slice.column,
        value: slice.value,
        rows: slice.rows.length,
        metrics: estimateMetrics(selectScored(scored, slice.rows), bootstrap),
      });
    }
    const omitted = all.slice(MOST_SLICES);
    if (omitted.length > 0) {
      const rows = omitted.reduce((sum, slice) => sum + slice.rows.length, 0);
      omittedSlices.push({ column: column.column, values: omitted.length, rows });
    }
  }
  const report: EvaluationReport = {
    task,
    rows: labels.length,
    meanLabel: task === "multiclass" ? null : weightedMean(labels, weights),
    meanPrediction: task === "multiclass" ? null : weightedMean(predictions, weights),
    confidence: bootstrap.confidence ?? defaultConfidence,
    replicates: bootstrap.replicates ?? defaultReplicates,
    metrics: estimateMetrics(scored, bootstrap),
    slices,
    omittedSlices,
  };
  if (task === "multiclass") return { ...report, ...classTable(scored) };
  if (task !== "binary") return report;
  const { bins, ece } = calibrationOf(scored);
  return { ...report, calibration: bins, ece, thresholds: thresholdTable(scored) };
}

/** @throws EVALUATION_BAD_INPUT when the column belongs to other rows. */
export function checkSliceColumn(column: SliceColumn, rowCount: number): void {
  const { values } = column;
  const length = values.kind === "number" ? values.values.length : values.codes.length;
  if (length === rowCount) return;
  throw evaluationErrors.EVALUATION_BAD_INPUT.error(
    `slice column "${column.column}" has ${length} values for ${rowCount} rows`,
  );
}

function weightedMean(values: Float64Array, weights: Float64Array | undefined): number | null {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights?.[row] ?? 1;
    sum += weight * values[row]!;
    total += weight;
  }
  return total > 0 ? sum / total : null;
}
