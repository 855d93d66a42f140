import type { ColumnType, NumberColumn, StringColumn, Table } from "../../kernel/index.ts";

/** What a look at all its values says about one column. */
export interface ColumnFacts {
  readonly name: string;
  readonly type: ColumnType;
  readonly rows: number;
  readonly missing: number;
  /** Row of the first missing value, from 0. */
  readonly firstMissing: number | undefined;
  readonly distinct: number;
  /** Most frequent first, at most `TOP`; equally frequent ones by value. */
  readonly top: readonly ValueCount[];
  /** Of the numbers and times present. */
  readonly range: { readonly min: number; readonly max: number } | undefined;
  /**
   * Texts whose values are nearly all numbers: those that are not, which are most likely mistakes. The column would be
   * numeric without them.
   */
  readonly strays: { readonly count: number; readonly first: string; readonly row: number } | undefined;
  /** Characters and words of an average value; 0 for numbers. */
  readonly averageLength: number;
  readonly averageWords: number;
}

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

const TOP = 12;

/** Facts of each column, in the order of `types`. */
export function describeColumns(types: Readonly<Record<string, ColumnType>>, table: Table): ColumnFacts[] {
  return Object.entries(types).flatMap(([name, type]) => {
    const column = table.columns.get(name);
    if (column === undefined) return [];
    return [
      column.kind === "number" ? numberFacts({ name, type }, column) : stringFacts({ name, type }, column),
    ];
  });
}

interface Named {
  readonly name: string;
  readonly type: ColumnType;
}

function numberFacts({ name, type }: Named, { values }: NumberColumn): ColumnFacts {
  const counts = new Map<number, number>();
  let missing = 0;
  let firstMissing: number | undefined;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) {
      missing++;
      firstMissing ??= row;
      continue;
    }
    counts.set(value, (counts.get(value) ?? 0) + 1);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return {
    name,
    type,
    rows: values.length,
    missing,
    firstMissing,
    distinct: counts.size,
    top: mostFrequent([...counts].map(([value, count]) => ({ value: String(value), count }))),
    range: counts.size === 0 ? undefined : { min, max },
    strays: undefined,
    averageLength: 0,
    averageWords: 0,
  };
}

function stringFacts({ name, type }: Named, { codes, dictionary }: StringColumn): ColumnFacts {
  const counts = new Int32Array(dictionary.length);
  let missing = 0;
  let firstMissing: number | undefined;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code >= 0) counts[code]!++;
    else {
      missing++;
      firstMissing ??= row;
    }
  }
  const present = dictionary.flatMap((value, code) =>
    counts[code] === 0 ? [] : [{ value, count: counts[code]! }],
  );
  const total = Math.max(1, codes.length - missing);
  const average = (measure: (text: string) => number): number =>
    present.reduce((sum, { value, count }) => sum + measure(value) * count, 0) / total;
  return {
    name,
    type,
    rows: codes.length,
    missing,
    firstMissing,
    distinct: present.length,
    top: mostFrequent(present),
    range: undefined,
    strays: findStrays(present, { codes, dictionary }),
    averageLength: average((text) => text.length),
    averageWords: average((text) => text.trim().split(/\s+/).length),
  };
}

/** At least so many values, and at most such a share of strays among them: anything else is a text in its own right. */
const FEWEST_VALUES = 20;
const MOST_STRAYS = 0.05;

function findStrays(
  present: readonly ValueCount[],
  { codes, dictionary }: Pick<StringColumn, "codes" | "dictionary">,
): ColumnFacts["strays"] {
  const strays = present.filter(({ value }) => value.trim() === "" || !Number.isFinite(Number(value)));
  const count = strays.reduce((sum, stray) => sum + stray.count, 0);
  const total = present.reduce((sum, value) => sum + value.count, 0);
  if (count === 0 || total < FEWEST_VALUES || count > total * MOST_STRAYS) return undefined;
  const texts = new Set(strays.map(({ value }) => value));
  const row = codes.findIndex((code) => code >= 0 && texts.has(dictionary[code]!));
  return { count, first: dictionary[codes[row]!]!, row };
}

function mostFrequent(values: ValueCount[]): ValueCount[] {
  return values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, TOP);
}
