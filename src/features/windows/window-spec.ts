import type { ColumnType } from "../../kernel/index.ts";
import type { Expression } from "../expression.ts";

/** What a window can say about the items in it. Without items the count is 0 and everything else is missing. */
export const windowStatistics = ["count", "sum", "mean", "minimum", "maximum", "hoursSinceLast"] as const;

export type WindowStatistic = (typeof windowStatistics)[number];

/** A column that is known only after the prediction, under whose name feedback arrives. */
export interface LabelColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** What a window collects. Where the value of a row is missing, the row gives no item. */
export type WindowSource =
  /** One item for each row. */
  | { readonly from: "rows" }
  /** A number or flag that is known with the row. */
  | { readonly from: "value"; readonly expression: Expression }
  /** A number or flag that needs at least one of the columns known later. */
  | {
      readonly from: "label";
      readonly expression: Expression;
      readonly columns: readonly LabelColumn[];
      /** The expression is what the model predicts: feedback of the name `target` brings its value itself. */
      readonly target?: true;
    };

/** The name of feedback that says how the prediction should have come out. */
export const targetName = "target";

/**
 * One collection of past items for each key. An item counts from the moment it was known: `knownAfterMs` after its row's
 * time, a label not before its feedback arrived.
 *
 * Time is cut into panes of `paneMs` that begin with the epoch. A row at t sees the newest ⌊overMs ÷ paneMs⌋ panes, the
 * one that holds t being the last: so nothing older than `overMs`, and of the oldest pane that is cut by t − over nothing.
 */
export interface WindowSpec {
  /** The timestamp column that says when a row happened. */
  readonly time: string;
  readonly of: WindowSource;
  /** Numbers, flags and categories that nothing is learned for; no key at all is one window for everything. */
  readonly by: readonly Expression[];
  readonly overMs: number;
  readonly paneMs: number;
  readonly knownAfterMs: number;
}

export const leastOverMs = 1000;
export const mostOverMs = 36_500 * 86_400_000;
export const mostPanes = 1024;
export const mostKeys = 8;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND_PANES: readonly number[] = [
  ...[1, 2, 5, 10, 15, 20, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 20, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * DAY),
];

/** The pane of a window: the smallest round duration of which at most 60 make the window. */
export function paneMsOf(overMs: number): number {
  const least = overMs / 60;
  const month = 30 * DAY;
  return ROUND_PANES.find((paneMs) => paneMs >= least) ?? Math.ceil(least / month) * month;
}
