import {
  type BoundGate,
  atMost as boundedAbove,
  atLeast as boundedBelow,
  type ChampionGate,
  notWorseThanChampion as comparedWithChampion,
  type GateOptions,
  type HashSplit,
  type MetricName,
  type RandomSplit,
  byHash as splitByHash,
  byTime as splitByTime,
  type TimeSplit,
} from "../evaluation/spec.ts";
import type { ColumnName, TimeColumnName } from "./dataset.ts";

/**
 * The constructors of splits and gates as a config sees them: the same, but with the names of columns in their types,
 * so that `model()` can compare those with the columns of its dataset.
 */

/** Of a named column, or of the dataset's own time when no column is named. */
export type TimeSplitOn<Column extends string> = Omit<TimeSplit, "column"> &
  ([Column] extends [never] ? { readonly column?: never } : { readonly column: Column });
export type HashSplitOn<Key extends string> = Omit<HashSplit, "key"> & { readonly key: Key };

/** The splits that a dataset with these columns allows; without a time of its own a split must name one. */
export type SplitOn<Columns, TimeColumn extends string> =
  | HashSplitOn<ColumnName<Columns>>
  | RandomSplit
  | ([TimeColumnName<Columns>] extends [never] ? never : TimeSplitOn<TimeColumnName<Columns>>)
  | ([TimeColumn] extends [never] ? never : TimeSplitOn<never>);

/** A gate whose `per` names one of these columns. */
export type GateOn<Column extends string> =
  | (Omit<BoundGate, "per"> & { readonly per?: Column })
  | (Omit<ChampionGate, "per"> & { readonly per?: Column });

type GateOptionsOn<Column extends string> = Omit<GateOptions, "per"> & {
  /** The gate must hold for every value of this column that has at least `minimumRows` evaluation rows. */
  readonly per?: Column;
};

/**
 * Rows before `evaluateFrom` train, later ones evaluate, those from `until` on are unused. `evaluateFrom` may be a
 * share of the latest rows. `validateShare` (default 0.1) of the training rows, the latest, decide when to stop.
 *
 * @throws EVALUATION_BAD_SPLIT
 */
export function byTime<const Column extends string = never>(
  options: Pick<TimeSplit, "evaluateFrom" | "until"> & {
    readonly column?: Column;
    readonly validateShare?: number;
  },
): TimeSplitOn<NoInfer<Column>> {
  return splitByTime(options) as TimeSplitOn<Column>;
}

/**
 * By a hash of a key column: all rows of a key play the same role, now and in every later snapshot.
 *
 * @throws EVALUATION_BAD_SPLIT
 */
export function byHash<const Key extends string>(
  options: { readonly key: Key } & Partial<Omit<HashSplit, "by" | "key">>,
): HashSplitOn<Key> {
  return splitByHash(options) as HashSplitOn<Key>;
}

/**
 * The metric must be `bound` or more; with `confidence: 0.95` its lower 95 % bound must be.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function atLeast<const Column extends string = never>(
  metric: MetricName,
  bound: number,
  options: GateOptionsOn<Column> = {},
): GateOn<NoInfer<Column>> {
  return boundedBelow(metric, bound, options) as GateOn<Column>;
}

/**
 * The metric must be `bound` or less; with `confidence: 0.95` its upper 95 % bound must be.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function atMost<const Column extends string = never>(
  metric: MetricName,
  bound: number,
  options: GateOptionsOn<Column> = {},
): GateOn<NoInfer<Column>> {
  return boundedAbove(metric, bound, options) as GateOn<Column>;
}

/**
 * Not worse than the champion on the same rows by more than `margin` (default 0), at the one-sided confidence bound
 * (default 0.95) of the difference.
 *
 * @throws EVALUATION_BAD_GATE
 */
export function notWorseThanChampion<const Column extends string = never>(
  metric: MetricName,
  options: GateOptionsOn<Column> & { readonly margin?: number } = {},
): GateOn<NoInfer<Column>> {
  return comparedWithChampion(metric, options) as GateOn<Column>;
}
