import { type ParquetColumn, parquetToValue, refusedByParquet } from "./parquet-values.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { sqlName, sqlPath, sqlText } from "./sql-quoting.ts";
import { jsonToValue, numberOf, type TextRules, textToValue } from "./text-values.ts";

/** All SQL that the table engine is given. Values never come from bound parameters here: DuckDB takes none in COPY and table functions' options. */

function sqlList(items: readonly string[]): string {
  return `[${items.join(", ")}]`;
}

/** A select and the name it gives each column, in order. */
function columnsAs(expressions: readonly string[], schema: readonly SchemaColumn[]): string {
  return expressions
    .map((expression, index) => `${expression} AS ${sqlName(schema[index]!.name)}`)
    .join(", ");
}

export interface CsvFiles {
  readonly paths: readonly string[];
  /** Lines before the header. */
  readonly skip: number;
  /** Names in the header, in order. */
  readonly header: readonly string[];
  readonly delimiter: string;
  readonly quote: string;
  /** Accept what DuckDB's strict mode refuses although it is unambiguous (newlines of several kinds). */
  readonly lenient?: boolean;
  readonly longestLine?: number;
}

/** The rows of CSV files of one header; every field passes as text through the expression of its column's type. */
export function selectCsv(files: CsvFiles, schema: readonly SchemaColumn[], rules: TextRules): string {
  const fields = schema.map(({ name, type }) => {
    const index = files.header.indexOf(name);
    const text = `f${index}`;
    const number = numberOf(text, type);
    return {
      text,
      type,
      ...(number === undefined ? {} : { number: `n${index}`, cast: `${number} AS n${index}` }),
    };
  });
  const values = fields.map((field) => textToValue(field, field.type, rules));
  // The casts stand in a select of their own because DuckDB would compute them twice inside a CASE.
  const inner = fields.flatMap(({ text, cast }) => (cast === undefined ? [text] : [text, cast]));
  const columns = files.header.map((_, index) => `'f${index}': 'VARCHAR'`);
  const options = [
    sqlList(files.paths.map(sqlPath)),
    "auto_detect = false",
    "header = true",
    `skip = ${files.skip}`,
    `delim = ${sqlText(files.delimiter)}`,
    `quote = ${sqlText(files.quote)}`,
    `escape = ${sqlText(files.quote)}`,
    `columns = {${columns.join(", ")}}`,
    "nullstr = ''",
    `strict_mode = ${files.lenient ? "false" : "true"}`,
    ...(files.longestLine === undefined ? [] : [`max_line_size = ${files.longestLine}`]),
  ];
  return `SELECT ${columnsAs(values, schema)} FROM (SELECT ${inner.join(", ")} FROM read_csv(${options.join(", ")}))`;
}

export function selectNdjson(
  paths: readonly string[],
  schema: readonly SchemaColumn[],
  rules: TextRules,
): string {
  const columns = schema.map(({ name }) => `${sqlText(name)}: 'JSON'`);
  const fields = schema.map(({ name, type }) => jsonToValue(sqlName(name), type, rules));
  const options = [
    sqlList(paths.map(sqlPath)),
    "format = 'newline_delimited'",
    `columns = {${columns.join(", ")}}`,
    "maximum_object_size = 67108864",
  ];
  return `SELECT ${columnsAs(fields, schema)} FROM read_json(${options.join(", ")})`;
}

export function describeParquet(path: string): string {
  return `DESCRIBE SELECT * FROM read_parquet(${sqlPath(path)})`;
}

export function selectParquet(
  paths: readonly string[],
  columns: readonly ParquetColumn[],
  rules: TextRules,
): string {
  const fields = columns.map((column) => parquetToValue(column, rules));
  return `SELECT ${columnsAs(fields, columns)} FROM read_parquet(${sqlList(paths.map(sqlPath))})`;
}

/** Only the rows of `selectParquet` that it does not refuse. */
export function selectGoodParquet(
  paths: readonly string[],
  columns: readonly ParquetColumn[],
  rules: TextRules,
): string {
  return `${selectParquet(paths, columns, rules)} WHERE NOT ${anyRefused(columns, rules)}`;
}

/**
 * The rows of a Parquet file that `selectParquet` refuses: where they stand, which column is the first with a refused value,
 * the value, and all columns as JSON.
 */
export function badParquetRows(path: string, columns: readonly ParquetColumn[], rules: TextRules): string {
  const first = columns.map(
    (column, index) =>
      `WHEN ${refusedByParquet(column, rules)} THEN [${sqlText(String(index))}, ${sqlName(column.name)}::VARCHAR]`,
  );
  const members = columns.map(({ name }) => `${sqlName(name)} := ${sqlName(name)}`);
  return (
    `SELECT row, refused[1] AS "column", refused[2] AS value, raw FROM (SELECT file_row_number::DOUBLE AS row, ` +
    `CASE ${first.join(" ")} END AS refused, to_json(struct_pack(${members.join(", ")}))::VARCHAR AS raw ` +
    `FROM read_parquet(${sqlPath(path)}, file_row_number = true) WHERE ${anyRefused(columns, rules)})`
  );
}

function anyRefused(columns: readonly ParquetColumn[], rules: TextRules): string {
  // A comparison with a missing value is neither true nor false.
  const each = columns.map((column) => `coalesce(${refusedByParquet(column, rules)}, false)`);
  return `(${each.join(" OR ")})`;
}

/** The first row of a Parquet file that `selectParquet` refuses, with the refused value. */
export function firstBadParquetValue(path: string, column: ParquetColumn, rules: TextRules): string {
  const name = sqlName(column.name);
  return (
    `SELECT file_row_number::DOUBLE AS row, ${name}::VARCHAR AS value FROM read_parquet(${sqlPath(path)}, file_row_number = true) ` +
    `WHERE ${refusedByParquet(column, rules)} ORDER BY file_row_number LIMIT 1`
  );
}

/** Writes rows to a Parquet file. */
export function copyTo(select: string, path: string): string {
  return `COPY (${select}) TO ${sqlText(path)} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION snappy)`;
}

export function countRows(path: string): string {
  return `SELECT count(*)::DOUBLE AS rows FROM read_parquet(${sqlPath(path)})`;
}

export interface StoredRows {
  readonly path: string;
  /** `[from, to)` of the file's rows; all without it. */
  readonly range?: { readonly from: number; readonly to: number };
}

/** Rows of a file that `copyTo` wrote. */
export function selectStored({ path, range }: StoredRows, columns: readonly string[]): string {
  const selected = columns.length === 0 ? "true" : columns.map(sqlName).join(", ");
  if (range === undefined) return `SELECT ${selected} FROM read_parquet(${sqlPath(path)})`;
  return (
    `SELECT ${selected} FROM read_parquet(${sqlPath(path)}, file_row_number = true) ` +
    `WHERE file_row_number >= ${range.from} AND file_row_number < ${range.to}`
  );
}

/** What inference wants to know about a column of Parquet files. Nothing of it is digested, so estimates will do. */
export function summarizeParquet(paths: readonly string[], column: string): string {
  const name = sqlName(column);
  const text = `${name}::VARCHAR`;
  return (
    `SELECT count(*)::DOUBLE AS rows, count(${name})::DOUBLE AS present, approx_count_distinct(${name})::DOUBLE AS distinct, ` +
    `sum(length(${text}))::DOUBLE AS characters, sum(len(string_split(${text}, ' ')))::DOUBLE AS words, ` +
    `TRY_CAST(min(${name})::VARCHAR AS DOUBLE) AS smallest, TRY_CAST(max(${name})::VARCHAR AS DOUBLE) AS largest, ` +
    `array_to_string(list_distinct(list(${text}) FILTER (row < 5)), chr(0)) AS examples ` +
    `FROM (SELECT ${name}, row_number() OVER () - 1 AS row FROM read_parquet(${sqlList(paths.map(sqlPath))}))`
  );
}
