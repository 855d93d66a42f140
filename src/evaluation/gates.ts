import { assertNever } from "../kernel/index.ts";
import { evaluationErrors } from "./errors.ts";
import { formatDifference, formatMetric, gateInWords, undefinedReason } from "./gate-wording.ts";
import { metricKernel, pointValues } from "./metric-kernel.ts";
import { checkSliceColumn } from "./report.ts";
import { type BootstrapOptions, bootstrap, type Replicates, replicateQuantiles } from "./resampling.ts";
import { checkScored, type ScoredRows, selectScored } from "./scored-rows.ts";
import { missingValue, type Slice, type SliceColumn, slicesOf } from "./slices.ts";
import {
  type BoundGate,
  type ChampionGate,
  checkGate,
  type GateSpec,
  lowerIsBetter,
  metricsOf,
  type Subject,
} from "./spec.ts";

export interface GateResult {
  /** The gate in words: `auc at least 0.6`. */
  readonly gate: string;
  readonly outcome: "passed" | "failed" | "not-evaluated";
  /** The evidence in words. */
  readonly reason: string;
  readonly metric: string;
  /** The value of the gate's column this result speaks of. */
  readonly slice?: string;
  /** The number that was compared: a metric, its confidence bound, or the confidence bound of a difference. */
  readonly value: number | null;
  /** What it was compared with. */
  readonly bound: number | null;
}

/** The champion's predictions for the candidate's evaluation rows, or why there are none. */
export type ChampionEvidence =
  | { readonly version: number; readonly predictions: Float64Array }
  | { readonly version: number; readonly unavailable: string };

/** The candidate's rows and predictions, and what else gates look at. */
export interface GateEvidence extends ScoredRows {
  readonly champion?: ChampionEvidence;
  /** Every column that a gate's `per` names, and perhaps others. */
  readonly slices?: readonly SliceColumn[];
  readonly bootstrap: BootstrapOptions;
}

/** A gate on fewer rows than this says nothing at a confidence bound, unless its `minimumRows` says otherwise. */
const MINIMUM_ROWS_FOR_BOUND = 30;
const MINIMUM_ROWS_PER_SLICE = 100;

/**
 * Whether each gate is passed: a function of its arguments alone.
 *
 * A gate with `per` gives one result for every value of the column that has enough rows, and one more that says how
 * many have not. No correction for the number of slices is made: a version passes only when all do, and such an
 * intersection–union test keeps its level without one (Berger 1982).
 *
 * What cannot be computed is `not-evaluated`, with the reason: no champion, too few rows, an undefined metric.
 *
 * @throws EVALUATION_BAD_GATE when a gate does not fit the task or names a column that is not among `slices`;
 *   EVALUATION_BAD_INPUT, EVALUATION_BAD_PREDICTION.
 */
export function decideGates(gates: readonly GateSpec[], evidence: GateEvidence): readonly GateResult[] {
  checkGates(evidence, gates, evidence.slices?.map((slice) => slice.column) ?? []);
  if (gates.length === 0) return [];
  if (evidence.labels.length === 0) {
    return gates.map((gate) => notEvaluated(gate, "there are no evaluation rows"));
  }
  const whole = scoredBy(evidence, evidence.predictions);
  checkScored(whole);
  const { champion } = evidence;
  if (champion !== undefined && "predictions" in champion)
    checkScored(scoredBy(evidence, champion.predictions));
  for (const column of evidence.slices ?? []) checkSliceColumn(column, evidence.labels.length);

  const overall = createComparison(evidence);
  const slicesByColumn = new Map<string, readonly SliceComparison[]>();
  const slicesFor = (name: string): readonly SliceComparison[] => {
    const known = slicesByColumn.get(name);
    if (known !== undefined) return known;
    const column = evidence.slices?.find((slice) => slice.column === name);
    const made = (column === undefined ? [] : slicesOf(column)).map((slice) => ({
      slice,
      comparison: createComparison(evidence, slice.rows),
    }));
    slicesByColumn.set(name, made);
    return made;
  };
  return gates.flatMap((gate) =>
    gate.per === undefined ? [decideGate(gate, overall)] : decideSlices(gate, slicesFor(gate.per)),
  );
}

/** `rejected` when a gate failed. A gate that was not evaluated neither passes nor fails a version. */
export function gateVerdict(results: readonly GateResult[]): "accepted" | "rejected" {
  return results.some((result) => result.outcome === "failed") ? "rejected" : "accepted";
}

/**
 * That gates fit a task and the columns at hand: to be asked before anything is trained.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function checkGates(subject: Subject, gates: readonly GateSpec[], columns: readonly string[]): void {
  const { task } = subject;
  for (const gate of gates) {
    checkGate(gate);
    const metrics = metricsOf(subject);
    if (!metrics.includes(gate.metric)) {
      throw evaluationErrors.EVALUATION_BAD_GATE.error(
        `the gate "${gateInWords(gate)}" asks for ${gate.metric}, which a ${task} model does not have; it has ${metrics.join(", ")}`,
        { details: { metric: gate.metric, task, metrics } },
      );
    }
    if (gate.per !== undefined && !columns.includes(gate.per)) {
      throw evaluationErrors.EVALUATION_BAD_GATE.error(
        `the gate "${gateInWords(gate)}" goes by column "${gate.per}", which there is not`,
        { details: { column: gate.per, columns } },
      );
    }
  }
}

interface SliceComparison {
  readonly slice: Slice;
  readonly comparison: Comparison;
}

/** Candidate and champion on some rows. Replicates are drawn when a gate first asks for them. */
interface Comparison {
  readonly rows: number;
  readonly labels: () => Float64Array;
  readonly subject: Subject;
  readonly champion: ChampionEvidence | undefined;
  readonly candidatePoint: () => Float64Array;
  readonly candidate: () => Replicates;
  /** Only where the champion has predictions. */
  readonly both: () => { readonly candidate: Replicates; readonly champion: Replicates };
}

function createComparison(evidence: GateEvidence, rows?: Uint32Array): Comparison {
  const { champion } = evidence;
  const restricted = (predictions: Float64Array): ScoredRows => {
    const scored = scoredBy(evidence, predictions);
    return rows === undefined ? scored : selectScored(scored, rows);
  };
  const models = once(() => {
    const predictions = [evidence.predictions];
    if (champion !== undefined && "predictions" in champion) predictions.push(champion.predictions);
    return predictions.map(restricted);
  });
  const replicates = once(() => bootstrap(models(), evidence.bootstrap));
  return {
    subject: evidence,
    champion,
    rows: rows?.length ?? evidence.labels.length,
    labels: () => models()[0]!.labels,
    candidatePoint: once(() => pointValues(metricKernel(models()[0]!))),
    candidate: () => replicates()[0]!,
    both: () => ({ candidate: replicates()[0]!, champion: replicates()[1]! }),
  };
}

function decideSlices(gate: GateSpec, slices: readonly SliceComparison[]): readonly GateResult[] {
  const minimum = minimumRowsOf(gate);
  const large = slices.filter(({ slice }) => slice.rows.length >= minimum);
  const results: GateResult[] = large.map(({ slice, comparison }) => ({
    ...decideGate(gate, comparison),
    slice: slice.value,
  }));
  const small = slices.length - large.length;
  if (small === 0) return results;
  const rows = slices.filter(({ slice }) => slice.rows.length < minimum);
  const total = rows.reduce((sum, { slice }) => sum + slice.rows.length, 0);
  const which =
    small === 1 && rows[0] !== undefined
      ? `${gate.per} ${rows[0].slice.value === missingValue ? "missing" : `"${rows[0].slice.value}"`} has ${total} rows`
      : `${small} values of ${gate.per} have too few rows, ${total} together`;
  return [...results, notEvaluated(gate, `${which}; ${minimum} wanted for each`)];
}

function minimumRowsOf(gate: GateSpec): number {
  if (gate.minimumRows !== undefined) return gate.minimumRows;
  if (gate.per !== undefined) return MINIMUM_ROWS_PER_SLICE;
  return gate.confidence === undefined ? 1 : MINIMUM_ROWS_FOR_BOUND;
}

function decideGate(gate: GateSpec, comparison: Comparison): GateResult {
  const minimum = minimumRowsOf(gate);
  if (comparison.rows < minimum) {
    return notEvaluated(gate, `${comparison.rows} evaluation rows, ${minimum} wanted`);
  }
  switch (gate.kind) {
    case "bound":
      return decideBound(gate, comparison);
    case "champion":
      return decideChampion(gate, comparison);
    default:
      return assertNever(gate);
  }
}

function decideBound(gate: BoundGate, comparison: Comparison): GateResult {
  const metric = metricsOf(comparison.subject).indexOf(gate.metric);
  const point = comparison.candidatePoint()[metric]!;
  if (!Number.isFinite(point)) return notEvaluated(gate, undefinedReason(gate.metric, comparison.labels()));
  const holds = (value: number) => (gate.at === "least" ? value >= gate.bound : value <= gate.bound);
  if (gate.confidence === undefined) {
    return result(gate, {
      passed: holds(point),
      value: point,
      bound: gate.bound,
      reason: formatMetric(point),
    });
  }
  const share = gate.at === "least" ? 1 - gate.confidence : gate.confidence;
  const [value = Number.NaN] = replicateQuantiles(comparison.candidate().values[metric]!, [share]);
  if (Number.isNaN(value)) return notEvaluated(gate, tooFewReplicates(gate.metric, comparison.rows));
  const side = gate.at === "least" ? "lower" : "upper";
  const reason = `${formatMetric(point)}, ${side} ${percent(gate.confidence)} bound ${formatMetric(value)}`;
  return result(gate, { passed: holds(value), value, bound: gate.bound, reason });
}

function decideChampion(gate: ChampionGate, comparison: Comparison): GateResult {
  const { champion } = comparison;
  if (champion === undefined) return notEvaluated(gate, "there is no champion to compare with");
  if ("unavailable" in champion) {
    return notEvaluated(
      gate,
      `champion v${champion.version} could not be evaluated: ${champion.unavailable}`,
    );
  }
  const metric = metricsOf(comparison.subject).indexOf(gate.metric);
  const { candidate, champion: incumbent } = comparison.both();
  const ours = candidate.point[metric]!;
  const theirs = incumbent.point[metric]!;
  if (!Number.isFinite(ours)) return notEvaluated(gate, undefinedReason(gate.metric, comparison.labels()));
  if (!Number.isFinite(theirs)) {
    const why = undefinedReason(gate.metric, comparison.labels());
    return notEvaluated(gate, `for champion v${champion.version} ${why}`);
  }
  const theirValues = incumbent.values[metric]!;
  const differences = candidate.values[metric]!.map((value, index) => value - theirValues[index]!);
  const worseUpwards = lowerIsBetter(gate.metric);
  const [value = Number.NaN] = replicateQuantiles(differences, [
    worseUpwards ? gate.confidence : 1 - gate.confidence,
  ]);
  if (Number.isNaN(value)) return notEvaluated(gate, tooFewReplicates(gate.metric, comparison.rows));
  // + 0: a margin of 0 is 0, not −0.
  const bound = (worseUpwards ? gate.margin : -gate.margin) + 0;
  const side = worseUpwards ? "upper" : "lower";
  const reason = `${formatMetric(ours)} against ${formatMetric(theirs)} of v${champion.version}: ${formatDifference(ours - theirs)}, ${side} ${percent(gate.confidence)} bound ${formatDifference(value)}`;
  return result(gate, { passed: worseUpwards ? value <= bound : value >= bound, value, bound, reason });
}

function result(
  gate: GateSpec,
  found: {
    readonly passed: boolean;
    readonly value: number;
    readonly bound: number;
    readonly reason: string;
  },
): GateResult {
  const { passed, ...rest } = found;
  return { gate: gateInWords(gate), outcome: passed ? "passed" : "failed", metric: gate.metric, ...rest };
}

function notEvaluated(gate: GateSpec, reason: string): GateResult {
  const bound = gate.kind === "bound" ? gate.bound : null;
  return {
    gate: gateInWords(gate),
    outcome: "not-evaluated",
    reason,
    metric: gate.metric,
    value: null,
    bound,
  };
}

function tooFewReplicates(metric: string, rows: number): string {
  return `${rows} rows are too few, or too alike, for a confidence bound of ${metric}`;
}

function percent(confidence: number): string {
  return `${Number((confidence * 100).toPrecision(6))} %`;
}

function scoredBy(evidence: GateEvidence, predictions: Float64Array): ScoredRows {
  const { champion: _champion, slices: _slices, bootstrap: _bootstrap, ...scored } = evidence;
  return { ...scored, predictions };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
