import {
  type BoundGate,
  byRandom,
  type ChampionGate,
  checkGate,
  checkSplit,
  type GateSpec,
  metricsOf,
  type SplitSpec,
  type Subject,
} from "../evaluation/spec.ts";
import {
  checkFeatureName,
  columnsRead,
  type Expression,
  type FeatureSpec,
  windowsOf,
} from "../features/spec.ts";
import { checkTrainer, gbdt, type TrainerSpec } from "../training/spec.ts";
import { suggest } from "./closest-name.ts";
import { knownColumns, rowColumns } from "./column-values.ts";
import { functionsOf } from "./custom.ts";
import type { ColumnDeclarations, ColumnName, Dataset, DatasetSpec, Known, Row } from "./dataset.ts";
import { projectErrors } from "./errors.ts";
import { builtKind, markBuilt, withFunctions } from "./exported-spec.ts";
import { checkLeaks, checkOwnRow } from "./expression-reads.ts";
import { type CategoryColumn, expressionOf, type Feature, type Flag, kindOf, type Num } from "./language.ts";
import { type LogSpec, readLogOptions } from "./log-options.ts";
import { pastOf } from "./past.ts";
import type { Past } from "./past-types.ts";
import { type Classes, checkTrainerOf, readTarget, subjectOf, type TargetSpec } from "./target.ts";
import type { GateOn, SplitOn } from "./typed-specs.ts";
import { isValue } from "./values.ts";

/** A model as plain data: JSON, no functions. */
export interface ModelSpec {
  readonly kind: "model";
  /** Overrides the name it is exported under. */
  readonly name?: string;
  readonly from: DatasetSpec;
  /** Flags make binary models of the probability of true, numbers make regressions, categories make models of classes. */
  readonly target: TargetSpec;
  readonly features: Readonly<Record<string, Expression>>;
  readonly weight?: Expression;
  readonly split: SplitSpec;
  readonly trainer: TrainerSpec;
  readonly gates: readonly GateSpec[];
  /** Columns for whose values metrics are also computed one by one. */
  readonly slices: readonly string[];
  readonly seed: number;
  /** What it recommends, when it does. */
  readonly items?: { readonly key: string; readonly columns: readonly string[] };
  readonly log?: LogSpec;
}

export interface ModelOptions<Columns extends ColumnDeclarations, TimeColumn extends string> {
  readonly from: Dataset<Columns, TimeColumn>;
  /**
   * What is to be predicted, from all columns: a flag for a yes/no question, a number for a regression, a category column or
   * `classes(…)` for one of several classes.
   */
  readonly target: (row: Row<NoInfer<Columns>>) => Flag | Num | CategoryColumn | Classes;
  /** The features, from the columns known when a prediction is made and, where the dataset has a time, from the past. */
  readonly features: (
    c: Known<NoInfer<Columns>>,
    past: [TimeColumn] extends [never] ? never : Past<NoInfer<Columns>>,
  ) => Readonly<Record<string, Feature>>;
  /** How much each row counts, at least 0. Default: all the same. */
  readonly weight?: (row: Row<NoInfer<Columns>>) => Num;
  /** Which rows train, validate and evaluate. Default: 20 % evaluate, drawn at random by the seed. */
  readonly split?: SplitOn<NoInfer<Columns>, NoInfer<TimeColumn>>;
  /** Default: `gbdt()`. */
  readonly trainer?: TrainerSpec;
  /** What a version must pass to be accepted. Default: nothing. */
  readonly gates?: readonly GateOn<ColumnName<NoInfer<Columns>>>[];
  readonly slices?: readonly ColumnName<NoInfer<Columns>>[];
  /** Draws folds, samples and default splits. Default 1. */
  readonly seed?: number;
  /**
   * What the model recommends: the column that tells items apart, and columns that describe them. The items of a snapshot
   * come along with the model, each as its newest row has it.
   */
  readonly items?: {
    readonly key: Extract<keyof Known<NoInfer<Columns>>, string>;
    readonly columns?: readonly Extract<keyof Known<NoInfer<Columns>>, string>[];
  };
  /** What of the model's predictions is logged, and for how long: `{ sample: 0.1, keepDays: 30 }`. Default: all. */
  readonly log?: LogSpec;
  readonly name?: string;
}

const OPTIONS = [
  "from",
  "target",
  "features",
  "weight",
  "split",
  "trainer",
  "gates",
  "slices",
  "seed",
  "items",
  "log",
  "name",
] as const satisfies readonly (keyof ModelOptions<ColumnDeclarations, string>)[];

/**
 * What is learned from a dataset, how, and when it is good enough.
 *
 *     export const late = model({
 *       from: flights,
 *       target: (row) => row.delay.above(15),
 *       features: (c) => ({ hour: c.date.hourOfDay(), origin: c.origin, miles: c.distance.log1p() }),
 *       split: byTime({ evaluateFrom: "2001-05-01" }),
 *       trainer: gbdt({ trees: 200 }),
 *       gates: [atLeast("auc", 0.6), notWorseThanChampion("logLoss", { margin: 0.002 })],
 *     });
 *
 * @throws PROJECT_*, FEATURES_*, TRAINING_* and EVALUATION_* naming what is wrong
 */
export function model<const Columns extends ColumnDeclarations, const TimeColumn extends string = never>(
  options: ModelOptions<Columns, TimeColumn>,
): ModelSpec {
  checkOptions(options);
  const { from, seed = 1, name } = options;
  const target = readTarget(options.target(rowColumns<Columns>(from)));
  const features = readFeatures(options.features(knownColumns<Columns>(from), pastOf(from, target) as never));
  const weight =
    options.weight === undefined ? undefined : readWeight(options.weight(rowColumns<Columns>(from)));
  checkLeaks(features, { dataset: from, target: target.expression });
  const split: SplitSpec =
    options.split === undefined
      ? byRandom({ evaluateShare: 0.2, validateShare: 0.1, seed })
      : (options.split as SplitSpec);
  checkSplitOf(split, from);
  const gates = (options.gates ?? []) as readonly GateSpec[];
  const trainer = options.trainer === undefined ? gbdt() : checkTrainer(options.trainer);
  checkTrainerOf(trainer, { target, features });
  const subject = subjectOf({ target, trainer });
  for (const gate of gates) checkGateOf(gate, from, subject);
  const slices: readonly string[] = options.slices ?? [];
  for (const slice of slices) requireColumn(from, slice, "slices");
  const spec: ModelSpec = {
    kind: "model",
    ...(name === undefined ? {} : { name }),
    from,
    target,
    features,
    ...(weight === undefined ? {} : { weight }),
    split,
    trainer,
    gates: gates.map(plainGate),
    slices,
    seed,
    ...(options.items === undefined ? {} : { items: readItems(options.items, from) }),
    ...(options.log === undefined ? {} : { log: readLogOptions(options.log) }),
  };
  return markBuilt(withFunctions(spec, functionsOf(features)));
}

function readItems(given: unknown, from: DatasetSpec): NonNullable<ModelSpec["items"]> {
  const hint = 'items: { key: "movieId", columns: ["genre"] }';
  if (typeof given !== "object" || given === null) throw bad("items must be an object", "items", hint);
  const { key, columns = [], ...others } = given as Readonly<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw bad(`items has no option "${other}"`, "items", suggest(other, ["key", "columns"]));
  if (typeof key !== "string" || !Array.isArray(columns)) throw bad("items needs a key", "items", hint);
  const names: readonly string[] = [key, ...columns];
  for (const name of names) {
    requireColumn(from, name, "items");
    if (from.columns[name]?.known !== "after") continue;
    throw bad(`items: column "${name}" is known only after the prediction`, "items");
  }
  if (new Set(names).size < names.length) throw bad("items names a column twice", "items");
  const { type } = from.columns[key]!;
  if (type !== "category" && type !== "int") {
    throw bad(`items: column "${key}" is a ${type}; a category or an int can be a key`, "items");
  }
  return { key, columns };
}

/** The features and the columns they read, in the form in which they are fitted. */
export function featureSpecOf(spec: ModelSpec): FeatureSpec {
  const read = new Set(Object.values(spec.features).flatMap(columnsNeeded));
  const columns = Object.entries(spec.from.columns).filter(([name]) => read.has(name));
  return {
    columns: Object.fromEntries(columns.map(([name, { type }]) => [name, type])),
    features: spec.features,
    optional: columns.filter(([, { required }]) => required === false).map(([name]) => name),
  };
}

/** Of its own row and of past ones. */
function columnsNeeded(expression: Expression): string[] {
  const windows = windowsOf(expression).flatMap(({ window: { time, of } }) => [
    time,
    ...(of.from === "rows" ? [] : columnsRead(of.expression)),
  ]);
  return [...columnsRead(expression), ...windows];
}

function checkOptions(given: unknown): void {
  if (typeof given !== "object" || given === null) throw bad("model() takes one object of options", "model");
  const options: Readonly<Record<string, unknown>> = { ...given };
  for (const name of Object.keys(options)) {
    if (!OPTIONS.some((known) => known === name)) {
      throw bad(`model() has no option "${name}"`, name, suggest(name, OPTIONS));
    }
  }
  if (builtKind(options.from) !== "dataset") {
    throw bad("from must be a dataset, as dataset() makes it", "from");
  }
  for (const name of ["target", "features", "weight"]) {
    if (typeof options[name] !== "function" && !(name === "weight" && options[name] === undefined)) {
      throw bad(`${name} must be a function of the columns`, name, `${name}: (row) => …`);
    }
  }
  for (const name of ["gates", "slices"]) {
    if (options[name] !== undefined && !Array.isArray(options[name]))
      throw bad(`${name} must be a list`, name);
  }
  if (options.seed !== undefined && !Number.isSafeInteger(options.seed)) {
    throw bad("seed must be a whole number", "seed");
  }
  if (options.name !== undefined && typeof options.name !== "string")
    throw bad("name must be a text", "name");
}

function readWeight(given: unknown): Expression {
  if (!isValue(given) || given[kindOf] !== "number") throw bad("weight must give a number", "weight");
  checkOwnRow(given[expressionOf], "weight");
  return given[expressionOf];
}

function readFeatures(given: unknown): Record<string, Expression> {
  if (typeof given !== "object" || given === null || isValue(given) || Object.keys(given).length === 0) {
    throw bad(
      "features must give an object of at least one named feature",
      "features",
      "features: (c) => ({ x: c.x })",
    );
  }
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      checkFeatureName(name);
      return [name, readFeature(name, value)];
    }),
  );
}

function readFeature(name: string, value: unknown): Expression {
  if (!isValue(value)) throw bad(`feature "${name}" is not made of columns`, "features");
  const kind = value[kindOf];
  if (kind === "time") {
    throw bad(
      `feature "${name}" is a time`,
      "features",
      "take a part of it, such as hourOfDay() or daysSince(…)",
    );
  }
  if (kind === "text") {
    throw bad(
      `feature "${name}" is a text`,
      "features",
      "count or hash its words: wordCount(), wordsHashed(256)",
    );
  }
  if (kind === "image") {
    throw bad(
      `feature "${name}" is an image`,
      "features",
      "take a number of it, such as brightness(), or its embedding()",
    );
  }
  return value[expressionOf];
}

function checkSplitOf(split: SplitSpec, from: DatasetSpec): void {
  if (typeof split !== "object" || split === null || !["time", "hash", "random"].includes(split.by)) {
    throw bad("split must be made by byTime(), byHash() or byRandom()", "split");
  }
  checkSplit(split);
  if (split.by === "hash") requireColumn(from, split.key, "split");
  if (split.by !== "time") return;
  const column = split.column ?? from.time;
  if (column === undefined) {
    throw bad(
      "split: the dataset has no time",
      "split",
      `declare time: "…" in dataset(), or byTime({ column: "…" })`,
    );
  }
  requireColumn(from, column, "split");
  const { type } = from.columns[column]!;
  if (type !== "timestamp") throw bad(`split: column "${column}" is a ${type}, not a timestamp`, "split");
}

function checkGateOf(gate: GateSpec, from: DatasetSpec, subject: Subject): void {
  if (typeof gate !== "object" || gate === null || (gate.kind !== "bound" && gate.kind !== "champion")) {
    throw bad("gates must be made by atLeast(), atMost() or notWorseThanChampion()", "gates");
  }
  checkGate(gate);
  const metrics = metricsOf(subject);
  if (!metrics.includes(gate.metric)) {
    throw bad(
      `gates: a ${subject.task} model has no metric "${gate.metric}"`,
      "gates",
      suggest(gate.metric, metrics),
    );
  }
  if (gate.per !== undefined) requireColumn(from, gate.per, "gates");
}

function plainGate(gate: GateSpec): BoundGate | ChampionGate {
  return { ...gate };
}

function requireColumn(from: DatasetSpec, column: string, option: string): void {
  if (Object.hasOwn(from.columns, column)) return;
  throw projectErrors.PROJECT_UNKNOWN_COLUMN.error(`${option}: the dataset has no column "${column}"`, {
    details: { column: String(column), option },
    hint: suggest(String(column), Object.keys(from.columns)),
  });
}

function bad(message: string, option: string, hint?: string): Error {
  return projectErrors.PROJECT_BAD_MODEL.error(message, {
    details: { option },
    ...(hint === undefined ? {} : { hint }),
  });
}
