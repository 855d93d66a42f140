import { assertNever, parseIsoTime } from "../kernel/index.ts";
import { evaluationErrors } from "./errors.ts";

/** What a project may say about splits and gates. Plain data: JSON in, JSON out. */

export type Task = "binary" | "regression" | "multiclass";

/** What a regression predicts instead of the mean, or of which kind of number: decides which metrics it has besides. */
export type Aim =
  /** The mean of counts, numbers of at least 0. */
  | { readonly kind: "count" }
  /** The value below which this share of the targets lies. */
  | { readonly kind: "quantile"; readonly share: number };

/** What decides which metrics a model has. */
export interface Subject {
  readonly task: Task;
  readonly aim?: Aim;
}

/** Metrics of binary models. `accuracy`, `precision`, `recall` and `f1` are at the threshold ½. */
export const binaryMetrics = [
  "auc",
  "logLoss",
  "brier",
  "prAuc",
  "accuracy",
  "precision",
  "recall",
  "f1",
] as const;

export const regressionMetrics = ["rmse", "mae", "r2"] as const;

/** Of regressions with an aim, before the others. */
export const countMetrics = ["poissonDeviance"] as const;
export const quantileMetrics = ["pinball", "coverage"] as const;

/**
 * Metrics of models of several classes. The class with the highest probability is the one predicted; `auc` is the mean
 * over classes of each against the rest; `top2`, `top3` and `top5` are the shares of rows whose class is among so many most
 * probable ones.
 */
export const multiclassMetrics = [
  "logLoss",
  "accuracy",
  "balancedAccuracy",
  "macroF1",
  "weightedF1",
  "microF1",
  "auc",
  "top2",
  "top3",
  "top5",
] as const;

export type BinaryMetric = (typeof binaryMetrics)[number];
export type RegressionMetric =
  | (typeof regressionMetrics)[number]
  | (typeof countMetrics)[number]
  | (typeof quantileMetrics)[number];
export type MulticlassMetric = (typeof multiclassMetrics)[number];
export type MetricName = BinaryMetric | RegressionMetric | MulticlassMetric;

const LOWER_IS_BETTER: ReadonlySet<MetricName> = new Set([
  "logLoss",
  "brier",
  "rmse",
  "mae",
  "poissonDeviance",
  "pinball",
]);

const ALL_METRICS: readonly MetricName[] = [
  ...new Set([
    ...binaryMetrics,
    ...regressionMetrics,
    ...countMetrics,
    ...quantileMetrics,
    ...multiclassMetrics,
  ]),
];

export function metricsOf({ task, aim }: Subject): readonly MetricName[] {
  switch (task) {
    case "binary":
      return binaryMetrics;
    case "multiclass":
      return multiclassMetrics;
    case "regression":
      return regressionMetricsOf(aim);
    default:
      return assertNever(task);
  }
}

/** The aim's own metrics first. */
export function regressionMetricsOf(aim: Aim | undefined): readonly RegressionMetric[] {
  switch (aim?.kind) {
    case undefined:
      return regressionMetrics;
    case "count":
      return [...countMetrics, ...regressionMetrics];
    case "quantile":
      return [...quantileMetrics, ...regressionMetrics];
    default:
      return assertNever(aim);
  }
}

export function lowerIsBetter(metric: MetricName): boolean {
  return LOWER_IS_BETTER.has(metric);
}

/**
 * Evaluate on what came later than what was learned from.
 *
 * Rows before `evaluateFrom` train, rows in [evaluateFrom, until) evaluate, rows from `until` on are unused. Given as
 * a share, evaluation takes about that share of the latest rows. `validateShare` is the share of the training rows,
 * the latest ones, that is kept apart for early stopping. Rows of equal time are never separated.
 */
export interface TimeSplit {
  readonly by: "time";
  /** The dataset's time column when absent. */
  readonly column?: string;
  /** An ISO 8601 time, or a share in (0, 1). */
  readonly evaluateFrom: string | { readonly share: number };
  readonly until?: string;
  /** In [0, 1). */
  readonly validateShare: number;
}

/**
 * By a hash of the text of a key column: all rows of a key play the same role, now and in every later snapshot.
 * `evaluateShare` is of all keys, `validateShare` of those that do not evaluate.
 */
export interface HashSplit {
  readonly by: "hash";
  readonly key: string;
  readonly evaluateShare: number;
  readonly validateShare: number;
  readonly seed: number;
}

/**
 * By a seeded generator in row order: rows keep their roles when others are appended after them.
 * `evaluateShare` is of all rows, `validateShare` of those that do not evaluate.
 */
export interface RandomSplit {
  readonly by: "random";
  readonly evaluateShare: number;
  readonly validateShare: number;
  readonly seed: number;
}

export type SplitSpec = TimeSplit | HashSplit | RandomSplit;

const DEFAULT_EVALUATE_SHARE = 0.2;
const DEFAULT_VALIDATE_SHARE = 0.1;

/**
 * @param options `validateShare` defaults to 0.1.
 * @throws EVALUATION_BAD_SPLIT
 */
export function byTime(
  options: Pick<TimeSplit, "evaluateFrom" | "column" | "until"> & { readonly validateShare?: number },
): TimeSplit {
  const { validateShare = DEFAULT_VALIDATE_SHARE, ...rest } = options;
  const split: TimeSplit = { by: "time", ...rest, validateShare };
  checkSplit(split);
  return split;
}

/**
 * @param options `evaluateShare` defaults to 0.2, `validateShare` to 0.1, `seed` to 0.
 * @throws EVALUATION_BAD_SPLIT
 */
export function byHash(
  options: { readonly key: string } & Partial<Omit<HashSplit, "by" | "key">>,
): HashSplit {
  const {
    key,
    evaluateShare = DEFAULT_EVALUATE_SHARE,
    validateShare = DEFAULT_VALIDATE_SHARE,
    seed = 0,
  } = options;
  const split: HashSplit = { by: "hash", key, evaluateShare, validateShare, seed };
  checkSplit(split);
  return split;
}

/**
 * @param options `evaluateShare` defaults to 0.2, `validateShare` to 0.1, `seed` to 0.
 * @throws EVALUATION_BAD_SPLIT
 */
export function byRandom(options: Partial<Omit<RandomSplit, "by">> = {}): RandomSplit {
  const {
    evaluateShare = DEFAULT_EVALUATE_SHARE,
    validateShare = DEFAULT_VALIDATE_SHARE,
    seed = 0,
  } = options;
  const split: RandomSplit = { by: "random", evaluateShare, validateShare, seed };
  checkSplit(split);
  return split;
}

/** @throws EVALUATION_BAD_SPLIT when a share, a time or a seed cannot be meant. */
export function checkSplit(split: SplitSpec): void {
  requireShare("validateShare", split.validateShare, true);
  if (split.by !== "time") {
    requireShare("evaluateShare", split.evaluateShare, false);
    if (!Number.isSafeInteger(split.seed)) throw badSplit("seed", split.seed, "a whole number");
    return;
  }
  const from = split.evaluateFrom;
  if (typeof from !== "string") requireShare("evaluateFrom.share", from.share, false);
  else if (Number.isNaN(parseIsoTime(from))) {
    throw badSplit("evaluateFrom", from, 'an ISO 8601 time such as "2001-05-01" or "2001-05-01T06:00Z"');
  }
  if (split.until === undefined) return;
  const until = parseIsoTime(split.until);
  if (Number.isNaN(until)) throw badSplit("until", split.until, 'an ISO 8601 time such as "2001-06-01"');
  if (typeof from === "string" && !(until > parseIsoTime(from))) {
    throw badSplit("until", split.until, `later than evaluateFrom, which is "${from}"`);
  }
}

function requireShare(name: string, share: number, zeroAllowed: boolean): void {
  if (typeof share !== "number" || !(share < 1) || !(zeroAllowed ? share >= 0 : share > 0)) {
    throw badSplit(name, share, `a share ${zeroAllowed ? "from 0 up to" : "between 0 and"} 1, such as 0.2`);
  }
}

function badSplit(option: string, value: string | number, wanted: string): Error {
  return evaluationErrors.EVALUATION_BAD_SPLIT.error(
    `split option ${option} is ${JSON.stringify(value)}; it should be ${wanted}`,
    { details: { option, value: typeof value === "number" ? String(value) : value } },
  );
}

/** A fixed bound on a metric. */
export interface BoundGate {
  readonly kind: "bound";
  readonly metric: MetricName;
  readonly at: "least" | "most";
  readonly bound: number;
  /** A column: the gate then holds for every value of it that has at least `minimumRows` evaluation rows. */
  readonly per?: string;
  readonly minimumRows?: number;
  /** In (0.5, 1): the metric's one-sided confidence bound must keep the bound, not only its point value. */
  readonly confidence?: number;
}

/** Not worse than the champion on the same rows by more than `margin`, at the one-sided confidence bound of the difference. */
export interface ChampionGate {
  readonly kind: "champion";
  readonly metric: MetricName;
  /** In units of the metric, ≥ 0. */
  readonly margin: number;
  readonly per?: string;
  readonly minimumRows?: number;
  readonly confidence: number;
}

export type GateSpec = BoundGate | ChampionGate;

/** What all gates may ask. `minimumRows` defaults to 1 overall and to 100 for each slice of a gate with `per`. */
export interface GateOptions {
  readonly per?: string;
  readonly minimumRows?: number;
  readonly confidence?: number;
}

/**
 * The metric must be `bound` or more; with `confidence: 0.95` its lower 95 % bound must be.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function atLeast(metric: MetricName, bound: number, options: GateOptions = {}): BoundGate {
  return checkedGate({ kind: "bound", metric, at: "least", bound, ...options });
}

/**
 * The metric must be `bound` or less; with `confidence: 0.95` its upper 95 % bound must be.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function atMost(metric: MetricName, bound: number, options: GateOptions = {}): BoundGate {
  return checkedGate({ kind: "bound", metric, at: "most", bound, ...options });
}

/**
 * @param options `margin` defaults to 0, `confidence` to 0.95.
 * @throws EVALUATION_BAD_GATE
 */
export function notWorseThanChampion(
  metric: MetricName,
  options: GateOptions & { readonly margin?: number } = {},
): ChampionGate {
  const { margin = 0, confidence = 0.95, ...rest } = options;
  return checkedGate({ kind: "champion", metric, margin, confidence, ...rest });
}

function checkedGate<Gate extends GateSpec>(gate: Gate): Gate {
  checkGate(gate);
  return gate;
}

/** @throws EVALUATION_BAD_GATE */
export function checkGate(gate: GateSpec): void {
  if (!ALL_METRICS.includes(gate.metric)) {
    throw badGate("metric", gate.metric, `one of ${ALL_METRICS.join(", ")}`);
  }
  if (gate.kind === "bound") {
    if (!Number.isFinite(gate.bound)) throw badGate("bound", gate.bound, "a finite number");
  } else if (gate.metric === "coverage") {
    throw badGate("metric", gate.metric, "held between atLeast() and atMost(): more of it is not better");
  } else if (!Number.isFinite(gate.margin) || gate.margin < 0) {
    throw badGate("margin", gate.margin, "0 or more, in units of the metric");
  }
  const { minimumRows, confidence } = gate;
  if (minimumRows !== undefined && !(Number.isSafeInteger(minimumRows) && minimumRows >= 1)) {
    throw badGate("minimumRows", minimumRows, "a whole number from 1 up");
  }
  if (confidence !== undefined && !(confidence > 0.5 && confidence < 1)) {
    throw badGate("confidence", confidence, "between 0.5 and 1, such as 0.95");
  }
}

function badGate(option: string, value: string | number, wanted: string): Error {
  return evaluationErrors.EVALUATION_BAD_GATE.error(
    `gate option ${option} is ${typeof value === "string" ? JSON.stringify(value) : value}; it should be ${wanted}`,
    { details: { option, value: String(value) } },
  );
}
