export { type Calibration, type CalibrationBin, calibrationOf } from "./calibration.ts";
export type { ClassReport, Confusion } from "./class-table.ts";
export { evaluationErrors } from "./errors.ts";
export { gateInWords } from "./gate-wording.ts";
export {
  type ChampionEvidence,
  checkGates,
  decideGates,
  type GateEvidence,
  type GateResult,
  gateVerdict,
} from "./gates.ts";
export { predictedClasses } from "./multiclass-metrics.ts";
export { type EvaluationInput, type EvaluationReport, evaluate, type SliceReport } from "./report.ts";
export { type BootstrapOptions, defaultConfidence, type MetricEstimate } from "./resampling.ts";
export type { ScoredRows } from "./scored-rows.ts";
export type { SliceColumn } from "./slices.ts";
export {
  type Aim,
  atLeast,
  atMost,
  type BinaryMetric,
  type BoundGate,
  binaryMetrics,
  byHash,
  byRandom,
  byTime,
  type ChampionGate,
  checkGate,
  checkSplit,
  type GateOptions,
  type GateSpec,
  type HashSplit,
  lowerIsBetter,
  type MetricName,
  type MulticlassMetric,
  metricsOf,
  multiclassMetrics,
  notWorseThanChampion,
  type RandomSplit,
  type RegressionMetric,
  regressionMetrics,
  type SplitSpec,
  type Subject,
  type Task,
  type TimeSplit,
} from "./spec.ts";
export { assignSplit, type SplitRole, splitRole } from "./split.ts";
export { checkClasses, checkTarget, checkWeights } from "./task-checks.ts";
export type { ThresholdRow } from "./threshold-table.ts";
