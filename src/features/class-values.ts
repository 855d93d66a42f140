import type { ColumnType, Table } from "../kernel/index.ts";
import { checkExpression } from "./check.ts";
import { featuresErrors } from "./errors.ts";
import type { Expression } from "./expression.ts";
import { evaluateExpression } from "./fit.ts";
import { compareCodeUnits } from "./training-rows.ts";

/** A class for each row. */
export interface ClassValues {
  /** Numbers of `names`; NaN is missing. */
  readonly codes: Float64Array;
  /** Texts by code units, numbers by size. */
  readonly names: readonly string[];
}

/**
 * The classes that an expression gives the rows of a table: the values of a category column, or those of a number.
 *
 * @throws FEATURES_BAD_EXPRESSION for anything else, FEATURES_BAD_TABLE
 */
export function evaluateClasses(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
  table: Table,
): ClassValues {
  const kind = checkExpression(expression, columns);
  if (kind === "number") return classesOfNumbers(evaluateExpression(expression, columns, table));
  if (kind === "category" && expression.op === "column") return classesOfColumn(table, expression.name);
  if (kind === "category" && expression.op === "fillMissing" && typeof expression.with === "object") {
    const { codes, names } = evaluateClasses(expression.args[0], columns, table);
    const constant = String(expression.with.constant);
    return numbered(Array.from(codes, (code) => (Number.isNaN(code) ? constant : names[code]!)));
  }
  throw featuresErrors.FEATURES_BAD_EXPRESSION.error(
    `a target of several classes must be a category column or a number, not ${kind === "category" ? `${expression.op}()` : `a ${kind}`}`,
    { hint: 'name the classes by conditions: classes({ late: row.delay.above(15) }, "onTime")' },
  );
}

function classesOfColumn(table: Table, name: string): ClassValues {
  const column = table.columns.get(name);
  if (column?.kind !== "string") {
    throw featuresErrors.FEATURES_BAD_TABLE.error(`the table has no column "${name}" of strings`, {
      details: { column: name },
    });
  }
  const { dictionary } = column;
  const names = [...new Set(dictionary.map((text) => text.toWellFormed()))].sort(compareCodeUnits);
  const places = new Map(names.map((text, place) => [text, place]));
  const placeOf = dictionary.map((text) => places.get(text.toWellFormed())!);
  return {
    codes: Float64Array.from(column.codes, (code) => (code < 0 ? Number.NaN : placeOf[code]!)),
    names,
  };
}

function classesOfNumbers(values: Float64Array): ClassValues {
  const distinct = [...new Set(values)].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const places = new Map(distinct.map((value, place) => [value, place]));
  return {
    codes: values.map((value) => places.get(value) ?? Number.NaN),
    names: distinct.map(String),
  };
}

function numbered(values: readonly string[]): ClassValues {
  const names = [...new Set(values)].sort(compareCodeUnits);
  const places = new Map(names.map((text, place) => [text, place]));
  return { codes: Float64Array.from(values, (value) => places.get(value)!), names };
}
