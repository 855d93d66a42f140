import {
  type FeatureKernel,
  streamTable,
  type TableStreamOptions,
  type WindowState,
  windowProgram,
} from "../features/index.ts";
import type { Table } from "../kernel/index.ts";

/** A table and what a kernel wants beside its columns. */
export interface DerivedTable {
  readonly table: Table;
  /** What the windows hold after the last row, where there are windows. */
  readonly windows: WindowState | undefined;
}

/**
 * Computes the derived columns of all rows of a table. Windows run over the rows by time, so that the table must have all of
 * them, whatever part they are to play; none sees what was not known yet.
 *
 * @throws FEATURES_BAD_TABLE when the table lacks a column that they are made of
 */
export function withDerivedColumns(
  kernel: Pick<FeatureKernel, "inputs" | "derived">,
  table: Table,
  options: TableStreamOptions = {},
): DerivedTable {
  const program = windowProgram(kernel);
  if (program === undefined) return { table, windows: undefined };
  const { columns, state } = streamTable(program, table, options);
  const named = [...columns].map(([place, column]) => [kernel.derived[place]!.name, column] as const);
  return { table: { ...table, columns: new Map([...table.columns, ...named]) }, windows: state };
}
