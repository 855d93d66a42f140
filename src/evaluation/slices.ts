import type { ColumnType, NumberColumn, StringColumn, TableColumn } from "../kernel/index.ts";
import { quantileOfSorted } from "../stats/index.ts";
import { timeText } from "./time-text.ts";

/** A column of the evaluation rows, to judge its values apart. */
export interface SliceColumn {
  readonly column: string;
  readonly values: TableColumn;
  /** How numbers are printed: `bool` as false and true, `timestamp` as ISO times. */
  readonly type?: ColumnType;
}

/** The rows that share a value of a column. */
export interface Slice {
  readonly column: string;
  readonly value: string;
  readonly rows: Uint32Array;
}

/** How missing values are named. */
export const missingValue = "(missing)";

/** Numbers with more distinct values than this are sliced by quartile. */
const MOST_DISTINCT_NUMBERS = 20;

/**
 * One slice per value, the largest first, equal ones by value. Numbers with more than 20 distinct values are cut at
 * their quartiles. Missing values are a slice of their own.
 */
export function slicesOf(column: SliceColumn): readonly Slice[] {
  const { values } = column;
  const { codes, names } =
    values.kind === "string" ? codesOfStrings(values) : codesOfNumbers(values, column.type);
  const counts = new Uint32Array(names.length);
  for (const code of codes) counts[code]!++;
  const rows = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    rows[code]![counts[code]!++] = row;
  }
  return names
    .map((value, code) => ({ column: column.column, value, rows: rows[code]! }))
    .filter((slice) => slice.rows.length > 0)
    .sort((a, b) => b.rows.length - a.rows.length || (a.value < b.value ? -1 : 1));
}

interface Coded {
  /** Per row an index into `names`. */
  readonly codes: Int32Array;
  readonly names: readonly string[];
}

function codesOfStrings({ codes, dictionary }: StringColumn): Coded {
  return {
    codes: codes.map((code) => (code < 0 ? dictionary.length : code)),
    names: [...dictionary, missingValue],
  };
}

function codesOfNumbers({ values }: NumberColumn, type: ColumnType | undefined): Coded {
  const present = values.filter((value) => !Number.isNaN(value)).sort();
  const distinct = distinctUpTo(present, MOST_DISTINCT_NUMBERS);
  const codes = new Int32Array(values.length);
  if (distinct !== undefined) {
    const codeOf = new Map(distinct.map((value, code) => [value, code]));
    for (let row = 0; row < values.length; row++) codes[row] = codeOf.get(values[row]!) ?? distinct.length;
    return { codes, names: [...distinct.map((value) => nameOf(value, type)), missingValue] };
  }
  const edges = [...new Set([0.25, 0.5, 0.75].map((share) => quantileOfSorted(present, share)))];
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    let code = 0;
    while (code < edges.length && value >= edges[code]!) code++;
    codes[row] = Number.isNaN(value) ? edges.length + 1 : code;
  }
  return { codes, names: [...rangeNames(edges, type), missingValue] };
}

/** The distinct values of an ascending array, or nothing when there are more than `most`. */
function distinctUpTo(sorted: Float64Array, most: number): number[] | undefined {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (value === distinct.at(-1)) continue;
    if (distinct.length === most) return undefined;
    distinct.push(value);
  }
  return distinct;
}

function rangeNames(edges: readonly number[], type: ColumnType | undefined): string[] {
  const names = edges.map((edge) => nameOf(edge, type));
  const between = names.slice(1).map((name, index) => `${names[index]} up to ${name}`);
  return [`below ${names[0]}`, ...between, `${names.at(-1)} and above`];
}

function nameOf(value: number, type: ColumnType | undefined): string {
  if (type === "bool") return value === 0 ? "false" : "true";
  if (type === "timestamp") return timeText(value);
  return String(value);
}
