import type { ColumnType, Table, TableColumn } from "../../kernel/index.ts";
import type { Expression } from "../expression.ts";
import { type CustomColumn, customCall, customColumns, customTableColumn } from "./custom-column.ts";
import type { CustomFunctions } from "./custom-functions.ts";

/** Which tables bring the results of custom functions along, and under which names. */
const computed = new WeakMap<Table, ReadonlySet<string>>();

/**
 * A table with the results of all custom functions of some expressions beside its columns, so that what is learned from
 * them, value after value, does not compute them anew each time.
 *
 * @throws FEATURES_CUSTOM_FAILED, FEATURES_BAD_CODE
 */
export function withCustomColumns(
  table: Table,
  made: {
    readonly expressions: readonly Expression[];
    readonly columns: Readonly<Record<string, ColumnType>>;
    readonly functions: CustomFunctions | undefined;
  },
): Table {
  const custom = [...customColumns(made.expressions, made.columns).values()];
  if (custom.length === 0) return table;
  const columns = new Map(table.columns);
  for (const column of custom) {
    const types = column.reads.map((name) => made.columns[name]!);
    const call = customCall(column, types, made.functions);
    const reads = column.reads.map((name) => table.columns.get(name));
    columns.set(column.name, customTableColumn(call, reads, table));
  }
  const extended: Table = { rowCount: table.rowCount, columns };
  computed.set(extended, new Set(custom.map(({ name }) => name)));
  return extended;
}

/** The results that a table brings along; a column that only has the same name is none. */
export function computedColumn({ name }: CustomColumn, table: Table): TableColumn | undefined {
  return computed.get(table)?.has(name) === true ? table.columns.get(name) : undefined;
}
