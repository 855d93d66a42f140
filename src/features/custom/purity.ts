import type { ColumnType, Table, TableColumn } from "../../kernel/index.ts";
import { featuresErrors } from "../errors.ts";
import type { Expression } from "../expression.ts";
import { customCall, customColumns, customTableColumn } from "./custom-column.ts";
import { openCustomFunctions } from "./custom-functions.ts";

/**
 * Computes every custom function twice for every row: once from the first row to the last, and once, in a realm of its own
 * that knows nothing of the first, from the last to the first. What depends on anything but its arguments shows.
 *
 * @throws FEATURES_IMPURE and FEATURES_CUSTOM_FAILED with details `{ function, firstRow }`, FEATURES_BAD_CODE
 */
export function checkPurity(
  code: string,
  {
    expressions,
    columns,
    table,
  }: {
    readonly expressions: readonly Expression[];
    readonly columns: Readonly<Record<string, ColumnType>>;
    readonly table: Table;
  },
): void {
  for (const custom of customColumns(expressions, columns).values()) {
    const reads = custom.reads.map((name) => table.columns.get(name));
    const run = (backwards: boolean): TableColumn => {
      const types = custom.reads.map((name) => columns[name]!);
      const call = customCall(custom, types, openCustomFunctions(code));
      return customTableColumn(call, reads, { rowCount: table.rowCount, backwards });
    };
    const row = firstDifference(run(false), run(true), table.rowCount);
    if (row === undefined) continue;
    throw featuresErrors.FEATURES_IMPURE.error(
      `custom function "${custom.function}" gives different results for the same arguments (row ${row + 1})`,
      {
        details: { function: custom.function, firstRow: row + 1 },
        hint: "let its result depend on its arguments alone: no counters, caches of earlier rows or other state around it",
      },
    );
  }
}

function firstDifference(first: TableColumn, second: TableColumn, rowCount: number): number | undefined {
  for (let row = 0; row < rowCount; row++)
    if (!Object.is(resultAt(first, row), resultAt(second, row))) return row;
  return undefined;
}

function resultAt(column: TableColumn, row: number): number | string | undefined {
  return column.kind === "number" ? column.values[row] : column.dictionary[column.codes[row]!];
}
