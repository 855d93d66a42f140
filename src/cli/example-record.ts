import type { SnapshotColumn } from "../wire/index.ts";

type Value = string | number | boolean | null;

const LONGEST_TEXT = 60;

/** A record with a typical value of each column a model reads: the most frequent category, the mean, the last time. */
export function exampleRecord(
  inputs: readonly { readonly name: string; readonly type: string }[],
  columns: readonly SnapshotColumn[],
): Record<string, Value> {
  const byName = new Map(columns.map((column) => [column.name, column]));
  return Object.fromEntries(inputs.map(({ name, type }) => [name, exampleValue(type, byName.get(name))]));
}

function exampleValue(type: string, column: SnapshotColumn | undefined): Value {
  switch (type) {
    case "int":
      return column?.mean == null ? 0 : Math.round(column.mean);
    case "float":
      return column?.mean == null ? 0 : Number(column.mean.toPrecision(4));
    case "bool":
      return (column?.mean ?? 0) >= 0.5;
    case "timestamp":
      return column?.max == null ? null : new Date(column.max).toISOString();
    default:
      return column?.top.find(({ value }) => value.length <= LONGEST_TEXT)?.value ?? "text";
  }
}
