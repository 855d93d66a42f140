import { defaultConfidence, type EvaluationReport, type GateResult } from "../evaluation/index.ts";
import type { ImportOutcome, ImportRecipe, Recipe, RunOutcome } from "../pipeline/index.ts";
import type { Version } from "../registry/index.ts";
import type { Evaluation, Gate, OperationOutput } from "../wire/index.ts";
import { isoTime } from "./control-context.ts";

/** What the registry keeps about a version's quality; written here and read here only. */
export interface VersionMetrics {
  readonly task: "binary" | "regression" | "multiclass";
  /** Of a version that was imported, and so was never evaluated: empty. */
  readonly report: Pick<
    EvaluationReport,
    "confidence" | "metrics" | "slices" | "calibration" | "classes" | "confusion" | "unseenClasses"
  >;
  readonly rows: RunOutcome["rows"];
  readonly importance: RunOutcome["importance"];
  readonly iterations: number;
  readonly features: number;
  readonly comparedWith: number | null;
}

export function versionMetrics(outcome: RunOutcome): VersionMetrics {
  const { report, rows, importance, iterations, features, comparedWith } = outcome;
  return {
    task: outcome.recipe.target.task,
    report,
    rows,
    importance,
    iterations,
    features,
    comparedWith,
  };
}

/** What is known of a version that was trained elsewhere. */
export function importedMetrics(outcome: ImportOutcome): VersionMetrics {
  return {
    task: outcome.output.task,
    report: { confidence: defaultConfidence, metrics: [], slices: [] },
    rows: { train: 0, validate: 0, evaluate: 0 },
    importance: [],
    iterations: outcome.trees,
    features: outcome.inputs,
    comparedWith: null,
  };
}

/** The recipe of a version that was imported; undefined for one that was trained. */
export function importRecipeOf(version: Version): ImportRecipe | undefined {
  const recipe = version.recipe as unknown as Recipe | ImportRecipe;
  return recipe.format === "slipway.import/1" ? recipe : undefined;
}

/** The model file of another program that a version was made from, if it was. */
export function originOf(version: Version): OperationOutput<"models.import">["origin"] {
  const recipe = version.recipe as unknown as Recipe | ImportRecipe;
  if (recipe.format === "slipway.import/1") return originRecord(recipe);
  const { trainer } = recipe;
  if (trainer.kind !== "pretrained") return undefined;
  const { format, producer, objective, file, digest, bytes } = trainer;
  return { format, producer, objective, file, digest, bytes };
}

export function originRecord(recipe: ImportRecipe): OperationOutput<"models.import">["origin"] {
  const { origin, file, source, bytes } = recipe;
  return { ...origin, file, digest: source, bytes };
}

export function metricsOf(version: Version): VersionMetrics {
  return version.metrics as unknown as VersionMetrics;
}

export function evaluationRecord(report: VersionMetrics["report"], rows: RunOutcome["rows"]): Evaluation {
  return {
    rows,
    confidence: report.confidence,
    metrics: report.metrics,
    slices: report.slices.map(({ column, value, rows: count, metrics }) => ({
      column,
      value,
      rows: count,
      metrics,
    })),
    ...(report.classes === undefined ? {} : { classes: report.classes }),
    ...(report.confusion === undefined ? {} : { confusion: report.confusion }),
    ...(report.unseenClasses === undefined ? {} : { unseenClasses: report.unseenClasses }),
    ...(report.calibration === undefined
      ? {}
      : {
          calibration: report.calibration.map(({ rows: count, predicted, observed }) => ({
            rows: count,
            predicted,
            observed,
          })),
        }),
  };
}

export function gateRecords(gates: readonly GateResult[]): Gate[] {
  return gates.map((gate) => ({ ...gate }));
}

export function importanceRecords(
  importance: RunOutcome["importance"],
): OperationOutput<"train">["importance"] {
  return [...importance]
    .sort((left, right) => right.gain - left.gain)
    .map(({ feature, gain, splits }) => ({ feature, gain, splits }));
}

/** A version as a line of a table. */
export function versionRecord(version: Version): OperationOutput<"models.versions">["versions"][number] {
  const { model, version: number, status, aliases, bundle, registeredAt } = version;
  return {
    model,
    version: number,
    status,
    aliases,
    bundle,
    registeredAt: isoTime(registeredAt),
    metrics: metricsOf(version).report.metrics.slice(0, 4),
  };
}
