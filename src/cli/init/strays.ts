import { formatCount } from "../format-values.ts";
import { printable } from "../terminal.ts";
import type { ColumnFacts } from "./column-facts.ts";

/** Where the first stray value of each column stands: `line 12 of data.csv`. */
export type StrayPlaces = ReadonlyMap<string, string>;

const LONGEST_VALUE = 60;

/** What turns a column of numbers into text; `undefined` for any other column. */
export function describeStrays({ name, strays }: ColumnFacts, places: StrayPlaces): string | undefined {
  if (strays === undefined) return undefined;
  const which = strays.count === 1 ? "" : `, the first of ${formatCount(strays.count)}`;
  const value = JSON.stringify(printable(strays.first).slice(0, LONGEST_VALUE));
  const place = places.get(name) ?? `row ${formatCount(strays.row + 1)}`;
  return `it holds numbers but for ${value} in ${place}${which}: correct it and run init again`;
}
