import {
  type ColumnType,
  canonicalJson,
  type NumberColumn,
  type StringColumn,
  type Table,
  type TableColumn,
} from "../../kernel/index.ts";
import { featuresErrors } from "../errors.ts";
import type { CustomExpression, Expression } from "../expression.ts";
import { nodesOf } from "../expression-nodes.ts";
import { type CustomFunctions, type CustomValue, messageOf } from "./custom-functions.ts";

/** What a custom function computes, as a column that follows those of the record. */
export interface CustomColumn {
  /** Different from the names of all columns. */
  readonly name: string;
  readonly type: "float" | "bool" | "category";
  /** Its name in the custom code. */
  readonly function: string;
  /** The columns that it is given, by their places among those of the record. */
  readonly reads: readonly number[];
}

/** The same by the names of columns, while a plan is being made. */
export interface NamedCustomColumn extends Omit<CustomColumn, "reads"> {
  readonly reads: readonly string[];
}

const TYPES = { number: "float", flag: "bool", category: "category" } as const satisfies Record<
  CustomExpression["returns"],
  CustomColumn["type"]
>;

/** The custom columns that expressions need, by the canonical JSON of the expression, in the order in which they are met. */
export function customColumns(
  expressions: readonly Expression[],
  columns: Readonly<Record<string, ColumnType>>,
): ReadonlyMap<string, NamedCustomColumn> {
  const found = new Map<string, NamedCustomColumn>();
  const names = new Set(Object.keys(columns));
  for (const node of expressions.flatMap((expression) => [...nodesOf(expression)])) {
    if (node.op !== "custom") continue;
    const key = canonicalJson(node);
    if (found.has(key)) continue;
    const reads = node.args.map(({ name }) => name);
    const written = `${node.function}(${reads.join(", ")})`;
    let name = written;
    for (let copy = 2; names.has(name); copy++) name = `${written} #${copy}`;
    names.add(name);
    found.set(key, { name, type: TYPES[node.returns], function: node.function, reads });
  }
  return found;
}

/** A custom function that is ready to be called. */
export interface CustomCall extends Pick<CustomColumn, "type" | "function"> {
  readonly run: (...values: readonly CustomValue[]) => unknown;
  /** Of what it reads. */
  readonly types: readonly ColumnType[];
}

/** @throws FEATURES_BAD_CODE when the code has no such function, or there is no code */
export function customCall(
  column: Pick<CustomColumn, "type" | "function">,
  types: readonly ColumnType[],
  functions: CustomFunctions | undefined,
): CustomCall {
  if (functions === undefined) {
    throw featuresErrors.FEATURES_BAD_CODE.error(
      `the plan calls the custom function "${column.function}", and no custom code has come with it`,
      { details: { function: column.function } },
    );
  }
  return { type: column.type, function: column.function, types, run: functions.find(column.function) };
}

/**
 * A number or flag for one record, NaN where it is missing. Fields are as the kernel reads them: NaN and null are missing.
 *
 * @throws FEATURES_CUSTOM_FAILED
 */
export function customNumber(call: CustomCall, fields: readonly (number | string | null)[]): number {
  const result = compute(call, fields);
  if (result === null || result === undefined) return Number.NaN;
  if (call.type === "bool") {
    if (typeof result === "boolean") return result ? 1 : 0;
    throw failed(call, `it gave ${kindOf(result)}, not true, false or null`);
  }
  if (typeof result === "number") return Number.isFinite(result) ? result + 0 : Number.NaN;
  throw failed(call, `it gave ${kindOf(result)}, not a number or null`);
}

/** A category for one record, null where it is missing. @throws FEATURES_CUSTOM_FAILED */
export function customText(call: CustomCall, fields: readonly (number | string | null)[]): string | null {
  const result = compute(call, fields);
  if (result === null || result === undefined) return null;
  if (typeof result === "string") return result.toWellFormed();
  throw failed(call, `it gave ${kindOf(result)}, not a text or null`);
}

function compute(call: CustomCall, fields: readonly (number | string | null)[]): unknown {
  const values = fields.map((field, at) => argumentOf(field, call.types[at]!));
  try {
    return call.run(...values);
  } catch (thrown) {
    throw failed(call, messageOf(thrown));
  }
}

function argumentOf(field: number | string | null, type: ColumnType): CustomValue {
  if (typeof field === "string") return field.toWellFormed();
  if (field === null || !Number.isFinite(field)) return null;
  return type === "bool" ? field === 1 : field + 0;
}

function kindOf(result: unknown): string {
  if (typeof result === "object" && result !== null && "then" in result)
    return "a promise (it must not be async)";
  if (typeof result === "string") return "a text";
  return Array.isArray(result) ? "a list" : typeof result === "boolean" ? "a flag" : `a ${typeof result}`;
}

function failed(call: CustomCall, problem: string): Error {
  return featuresErrors.FEATURES_CUSTOM_FAILED.error(`custom function "${call.function}": ${problem}`, {
    details: { function: call.function, problem },
  });
}

export interface CustomTableOptions {
  /** From the last row to the first. */
  readonly backwards?: boolean;
}

/**
 * The results for every row of a table.
 *
 * @throws FEATURES_CUSTOM_FAILED with details `{ function, firstRow }`, rows counted from 1
 */
export function customTableColumn(
  call: CustomCall,
  reads: readonly (TableColumn | undefined)[],
  table: Pick<Table, "rowCount"> & CustomTableOptions,
): TableColumn {
  const { rowCount, backwards } = table;
  const fields = new Array<number | string | null>(reads.length);
  const each = (set: (row: number) => void): void => {
    for (let at = 0; at < rowCount; at++) {
      const row = backwards ? rowCount - 1 - at : at;
      for (let place = 0; place < reads.length; place++) fields[place] = fieldOf(reads[place], row);
      try {
        set(row);
      } catch (thrown) {
        throw withRow(thrown, row);
      }
    }
  };
  if (call.type !== "category") {
    const values = new Float64Array(rowCount);
    each((row) => {
      values[row] = customNumber(call, fields);
    });
    return { kind: "number", values } satisfies NumberColumn;
  }
  const codes = new Int32Array(rowCount);
  const numbered = new Map<string, number>();
  each((row) => {
    const text = customText(call, fields);
    if (text !== null && !numbered.has(text)) numbered.set(text, numbered.size);
    codes[row] = text === null ? -1 : numbered.get(text)!;
  });
  return { kind: "string", codes, dictionary: [...numbered.keys()] } satisfies StringColumn;
}

/** A column that records may leave out is missing everywhere. */
function fieldOf(column: TableColumn | undefined, row: number): number | string | null {
  if (column === undefined) return null;
  if (column.kind === "number") return column.values[row]!;
  const code = column.codes[row]!;
  return code < 0 ? null : column.dictionary[code]!;
}

function withRow(thrown: unknown, row: number): unknown {
  if (!featuresErrors.FEATURES_CUSTOM_FAILED.is(thrown)) return thrown;
  return featuresErrors.FEATURES_CUSTOM_FAILED.error(`${thrown.message} (row ${row + 1})`, {
    details: { ...thrown.details, firstRow: row + 1 },
    cause: thrown,
  });
}
