import type { ItemValue, KnownItems } from "../bundle/index.ts";
import type { ColumnType, Table } from "../kernel/index.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The items of a snapshot: for each value of the key the columns of its newest row, or of its last one where rows have no
 * time. Rows without a key are none.
 */
export function knownItems(
  { key, columns }: NonNullable<Recipe["items"]>,
  table: Table,
  recipe: Recipe,
): KnownItems {
  const types = new Map(recipe.columns.map(({ name, type }) => [name, type]));
  const names = [key, ...columns];
  const readers = names.map((name) => cellReader(table, name, types.get(name)!));
  const times = recipe.time === undefined ? undefined : table.columns.get(recipe.time);
  const timeOf = (row: number): number => (times?.kind === "number" ? times.values[row]! : 0);
  const newest = new Map<ItemValue, number>();
  for (let row = 0; row < table.rowCount; row++) {
    const value = readers[0]!(row);
    if (value === null) continue;
    const known = newest.get(value);
    // A missing time is older than any.
    if (known === undefined || !(timeOf(row) < timeOf(known) || Number.isNaN(timeOf(row))))
      newest.set(value, row);
  }
  const rows = [...newest.values()].map((row) => readers.map((read) => read(row)));
  return { key, columns: names, rows: rows.sort(([a], [b]) => (a! < b! ? -1 : 1)) };
}

/** Values as a record has them. */
function cellReader(table: Table, name: string, type: ColumnType): (row: number) => ItemValue {
  const column = table.columns.get(name)!;
  if (column.kind === "string") {
    const { codes, dictionary } = column;
    return (row) => (codes[row]! < 0 ? null : dictionary[codes[row]!]!.toWellFormed());
  }
  const { values } = column;
  return (row) => {
    const value = values[row]!;
    if (!Number.isFinite(value)) return null;
    return type === "bool" ? value === 1 : value;
  };
}
