import type { ColumnName, Known, Row } from "./dataset.ts";
import type { Cat, Flag, Num } from "./language.ts";

/** A number and a unit: `"90s"`, `"15m"`, `"3h"`, `"7d"`. */
export type Duration = `${number}${"s" | "m" | "h" | "d"}`;

/** What tells the rows of one window from those of another; nothing about it may be learned. */
export type WindowKey = Cat | Num | Flag;

export interface WindowOptions {
  /** How far back, from 1 second to 36,500 days. */
  readonly over: Duration;
  /** Only items of the same key; without it, of all rows. */
  readonly by?: WindowKey | readonly WindowKey[];
  /** How long after its row an item is known; nothing sees it before. */
  readonly knownAfter?: Duration;
}

/** For what is known later: somebody must say when. */
export interface LaterWindowOptions extends WindowOptions {
  readonly knownAfter: Duration;
}

export interface PastRows<Options extends WindowOptions = WindowOptions> {
  /** How many items there are, 0 without any. */
  count(options: Options): Num;
  /** Hours from when the last item was known, with a fraction; missing without items. */
  hoursSinceLast(options: Options): Num;
}

/** Missing without items, but for the count. */
export interface PastNumbers<Options extends WindowOptions> extends PastRows<Options> {
  sum(options: Options): Num;
  mean(options: Options): Num;
  minimum(options: Options): Num;
  maximum(options: Options): Num;
}

/** Missing without items, but for the count. */
export interface PastFlags<Options extends WindowOptions> extends PastRows<Options> {
  /** The share of true. */
  rate(options: Options): Num;
  /** The share of true. */
  mean(options: Options): Num;
  /** How many were true. */
  sum(options: Options): Num;
}

type PastValues<Collected, Options extends WindowOptions> = Collected extends Flag
  ? PastFlags<Options>
  : Collected extends Num
    ? PastNumbers<Options>
    : never;

type CountableName<Columns> = {
  readonly [Name in ColumnName<Columns>]: Row<Columns>[Name] extends Num | Flag ? Name : never;
}[ColumnName<Columns>];

/** What was known before a row: statistics of past rows in windows that end with it. */
export interface Past<Columns> {
  /** Every row. */
  readonly rows: PastRows;
  /** The target, where it has become known. */
  readonly target: PastNumbers<LaterWindowOptions> & PastFlags<LaterWindowOptions>;
  /** The values of a number or flag column. */
  column<const Name extends CountableName<Columns>>(
    name: Name,
  ): PastValues<
    Row<Columns>[Name],
    Columns[Name] extends { readonly known: "after" } ? LaterWindowOptions : WindowOptions
  >;
  /** What was known with each row. */
  value<Collected extends Num | Flag>(
    read: (c: Known<Columns>) => Collected,
  ): PastValues<Collected, WindowOptions>;
  /** What became known later about each row. */
  label<Collected extends Num | Flag>(
    read: (row: Row<Columns>) => Collected,
  ): PastValues<Collected, LaterWindowOptions>;
}
