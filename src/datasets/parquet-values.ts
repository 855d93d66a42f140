import type { ColumnType } from "../kernel/index.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { sqlName } from "./sql-quoting.ts";
import { refusedText, type TextRules, textToValue } from "./text-values.ts";

export interface ParquetColumn extends SchemaColumn {
  /** DuckDB's name of the type in the file. */
  readonly stored: string;
}

const WHOLE_TYPES = /^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/;
const WIDE_TYPES = /^(UBIGINT|HUGEINT|UHUGEINT|DECIMAL\(\d+,\s*\d+\))$/;
const FLOAT_TYPES = /^(FLOAT|DOUBLE)$/;
const TIME_TYPES = /^(TIMESTAMP|TIMESTAMP_S|TIMESTAMP_MS|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE|DATE)$/;
const TEXT_TYPES = /^(VARCHAR|UUID|ENUM\(.*\))$/s;

/** Whether a Parquet column of DuckDB type `stored` can be read as `type`. */
export function isReadableAs(stored: string, type: ColumnType): boolean {
  switch (type) {
    case "int":
    case "float":
      return WHOLE_TYPES.test(stored) || WIDE_TYPES.test(stored) || FLOAT_TYPES.test(stored);
    case "bool":
      return stored === "BOOLEAN";
    case "timestamp":
      return TIME_TYPES.test(stored) || stored === "VARCHAR";
    case "category":
    case "text":
      return TEXT_TYPES.test(stored);
  }
}

/** The type that a Parquet column is given when none is declared; undefined when it has none here (lists, structs, …). */
export function typeOfParquet(stored: string): ColumnType | undefined {
  if (WHOLE_TYPES.test(stored) || stored === "UBIGINT") return "int";
  if (WIDE_TYPES.test(stored)) return /,\s*0\)$/.test(stored) ? "int" : "float";
  if (FLOAT_TYPES.test(stored)) return "float";
  if (stored === "BOOLEAN") return "bool";
  if (TIME_TYPES.test(stored)) return "timestamp";
  return TEXT_TYPES.test(stored) ? "category" : undefined;
}

export function parquetToValue(column: ParquetColumn, rules: TextRules): string {
  const name = sqlName(column.name);
  const fail = `error('not a ${column.type}: ' || ${name}::VARCHAR)`;
  switch (column.type) {
    case "int":
      if (WHOLE_TYPES.test(column.stored)) return `CAST(${name} AS BIGINT)`;
      return `CASE WHEN ${refusedByParquet(column, rules)} THEN ${fail} ELSE TRY_CAST(${name} AS BIGINT) END`;
    case "float":
      if (!FLOAT_TYPES.test(column.stored)) return `CAST(${name} AS DOUBLE)`;
      return `CASE WHEN isfinite(${name}) THEN CAST(${name} AS DOUBLE) + 0.0 WHEN isinf(${name}) THEN ${fail} ELSE NULL END`;
    case "timestamp":
      if (column.stored === "VARCHAR") return textToValue({ text: name }, "timestamp", rules);
      if (column.stored === "DATE")
        return `CASE WHEN isfinite(${name}) THEN CAST(${name} AS TIMESTAMP) WHEN ${name} IS NOT NULL THEN ${fail} END`;
      return `CASE WHEN isfinite(CAST(${name} AS TIMESTAMP)) THEN CAST(${name} AS TIMESTAMP) WHEN ${name} IS NOT NULL THEN ${fail} END`;
    case "bool":
      return name;
    case "category":
    case "text":
      return `CAST(${name} AS VARCHAR)`;
  }
}

/** SQL that is true for a value that `parquetToValue` refuses. */
export function refusedByParquet(column: ParquetColumn, rules: TextRules): string {
  const name = sqlName(column.name);
  switch (column.type) {
    case "int":
      if (FLOAT_TYPES.test(column.stored)) {
        return `${name} IS NOT NULL AND NOT isnan(${name}) AND (TRY_CAST(${name} AS BIGINT) IS NULL OR TRY_CAST(${name} AS BIGINT) <> ${name})`;
      }
      return `${name} IS NOT NULL AND (TRY_CAST(${name} AS BIGINT) IS NULL OR TRY_CAST(${name} AS BIGINT) <> ${name})`;
    case "float":
      return FLOAT_TYPES.test(column.stored) ? `isinf(${name})` : "false";
    case "timestamp":
      return column.stored === "VARCHAR"
        ? refusedText({ text: name }, "timestamp", rules)
        : `${name} IS NOT NULL AND NOT isfinite(CAST(${name} AS TIMESTAMP))`;
    default:
      return "false";
  }
}
