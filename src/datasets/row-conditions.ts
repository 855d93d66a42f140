import { type ColumnType, formatIsoTime, type TableColumn } from "../kernel/index.ts";
import { FIRST_ROWS, type OffendingRow } from "./anomaly.ts";

/** What is wrong with a single value, by the kind of the anomaly. Limits of timestamps are epoch milliseconds. */
export type Condition =
  | { readonly kind: "missing-values" }
  | { readonly kind: "outside-domain"; readonly values: readonly (string | number)[] }
  | { readonly kind: "below-minimum"; readonly limit: number }
  | { readonly kind: "above-maximum"; readonly limit: number }
  | { readonly kind: "pattern-mismatch"; readonly matches: string; readonly flags?: string };

/** The rows that meet a condition, counted exactly. */
export interface Offences {
  readonly rows: number;
  readonly first: readonly OffendingRow[];
  /** Different offending values in the order of their first rows; at most `MOST_VALUES` + 1. Empty for ranges. */
  readonly values: readonly string[];
}

/** More different values than this are no longer a list that somebody reads: as many as TFDV takes for an enumeration. */
export const MOST_VALUES = 400;

/** @param column of a snapshot, in order */
export function findOffences(column: TableColumn, type: ColumnType, condition: Condition): Offences {
  return column.kind === "number"
    ? numberOffences(column.values, type, condition)
    : textOffences(column, condition);
}

function numberOffences(values: Float64Array, type: ColumnType, condition: Condition): Offences {
  const isBad = numberTest(condition);
  const listed = condition.kind === "outside-domain";
  const found = new Set<number>();
  const first: OffendingRow[] = [];
  let rows = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (!isBad(value)) continue;
    rows += 1;
    if (first.length < FIRST_ROWS) first.push({ row: row + 1, value: numberText(value, type) });
    if (listed && found.size <= MOST_VALUES) found.add(value);
  }
  return { rows, first, values: [...found].map(String) };
}

/** NaN is missing, and compares with nothing. */
function numberTest(condition: Condition): (value: number) => boolean {
  switch (condition.kind) {
    case "missing-values":
      return Number.isNaN;
    case "outside-domain": {
      const domain = new Set<unknown>(condition.values);
      return (value) => !Number.isNaN(value) && !domain.has(value);
    }
    case "below-minimum":
      return (value) => value < condition.limit;
    case "above-maximum":
      return (value) => value > condition.limit;
    case "pattern-mismatch":
      return () => false;
  }
}

function textOffences(
  column: { readonly codes: Int32Array; readonly dictionary: readonly string[] },
  condition: Condition,
): Offences {
  const { codes, dictionary } = column;
  const isBad = Uint8Array.from(dictionary, textTest(condition));
  const missingIsBad = condition.kind === "missing-values";
  const found = new Set<number>();
  const first: OffendingRow[] = [];
  let rows = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code < 0 ? !missingIsBad : isBad[code] === 0) continue;
    rows += 1;
    if (first.length < FIRST_ROWS) first.push({ row: row + 1, value: dictionary[code] ?? null });
    if (code >= 0 && found.size <= MOST_VALUES) found.add(code);
  }
  return { rows, first, values: [...found].map((code) => dictionary[code]!) };
}

function textTest(condition: Condition): (text: string) => 0 | 1 {
  switch (condition.kind) {
    case "outside-domain": {
      const domain = new Set<unknown>(condition.values);
      return (text) => (domain.has(text) ? 0 : 1);
    }
    case "pattern-mismatch": {
      const pattern = new RegExp(condition.matches, condition.flags);
      return (text) => (pattern.test(text) ? 0 : 1);
    }
    default:
      return () => 0;
  }
}

export function numberText(value: number, type: ColumnType): string | null {
  if (Number.isNaN(value)) return null;
  return type === "timestamp" ? formatIsoTime(value) : String(value);
}
