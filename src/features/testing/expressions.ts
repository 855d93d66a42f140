import type { ColumnType, Table, TableColumn } from "../../kernel/index.ts";
import type { Expression, ExpressionOf, Op } from "../expression.ts";
import { stringColumn } from "./random-features.ts";

/** Short ways to write expressions and tables in tests. */

export function column(name: string): Expression {
  return { op: "column", name };
}

export function operation<Name extends Op>(
  op: Name,
  args: readonly (Expression | number | null)[],
  options: Omit<ExpressionOf<Name>, "op" | "args"> | object = {},
): Expression {
  const expressions = args.map((argument) =>
    typeof argument === "object" && argument !== null ? argument : { op: "constant", value: argument },
  );
  return { op, args: expressions, ...options } as unknown as Expression;
}

export const all = { maxCategories: 1000, minCount: 1 } as const;

type Cells = readonly (number | string | null)[];

/** Columns by name: `x: ["float", [1, null]]`. */
export type ColumnData = Readonly<Record<string, readonly [ColumnType, Cells]>>;

export function tableOf(data: ColumnData): Table {
  const columns = new Map<string, TableColumn>();
  let rowCount = 0;
  for (const [name, [type, cells]] of Object.entries(data)) {
    rowCount = cells.length;
    columns.set(
      name,
      type === "category" || type === "text"
        ? stringColumn(cells as readonly (string | null)[])
        : {
            kind: "number",
            values: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell))),
          },
    );
  }
  return { rowCount, columns };
}

export function typesOf(data: ColumnData): Record<string, ColumnType> {
  return Object.fromEntries(Object.entries(data).map(([name, [type]]) => [name, type]));
}
