import type { RowFileFormat } from "./file-format.ts";
import { type ParquetColumn, parquetToValue } from "./parquet-values.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { sqlName, sqlText } from "./sql-quoting.ts";
import { jsonToValue, type TextRules } from "./text-values.ts";

/** SQL for files that rows are read from and written to outside of snapshots. */

/** A column of rows in a scratch file. `json`: texts of JSON values. Otherwise DuckDB's name of its type. */
export interface StoredColumn {
  readonly name: string;
  readonly stored: "json" | string;
}

/** NDJSON with `typed` as values of their types, and `others` as the texts of their JSON values. */
export function selectJsonRows(
  path: string,
  columns: { readonly typed: readonly SchemaColumn[]; readonly others: readonly string[] },
  rules: TextRules,
): string {
  const { typed, others } = columns;
  const all = [...typed.map(({ name }) => name), ...others];
  const fields = [
    ...typed.map(({ name, type }) => `${jsonToValue(sqlName(name), type, rules)} AS ${sqlName(name)}`),
    ...others.map(
      (name) =>
        `CASE WHEN CAST(${sqlName(name)} AS VARCHAR) <> 'null' THEN CAST(${sqlName(name)} AS VARCHAR) END AS ${sqlName(name)}`,
    ),
  ];
  const options = [
    sqlText(path),
    "format = 'newline_delimited'",
    `columns = {${all.map((name) => `${sqlText(name)}: 'JSON'`).join(", ")}}`,
    "maximum_object_size = 67108864",
  ];
  return `SELECT ${fields.join(", ")} FROM read_json(${options.join(", ")})`;
}

/** A Parquet file with `typed` as values of their types, and `others` as they are stored. */
export function selectParquetRows(
  path: string,
  columns: { readonly typed: readonly ParquetColumn[]; readonly others: readonly string[] },
  rules: TextRules,
): string {
  const fields = [
    ...columns.typed.map((column) => `${parquetToValue(column, rules)} AS ${sqlName(column.name)}`),
    ...columns.others.map(sqlName),
  ];
  return `SELECT ${fields.join(", ")} FROM read_parquet(${sqlText(path)})`;
}

/** A table of `width` columns of doubles, which `addedField` names. */
export function createDoubles(table: string, width: number): string {
  const columns = Array.from({ length: width }, (_, at) => `value${at} DOUBLE`);
  return `CREATE TABLE ${sqlName(table)} (${columns.join(", ")})`;
}

/** A table of so many columns of digests, and one that says which rows are to be left out. */
export function createDigests(table: string, width: number): string {
  const columns = Array.from({ length: width }, (_, at) => `digest${at} VARCHAR`);
  return `CREATE TABLE ${sqlName(table)} (${[...columns, "bad VARCHAR"].join(", ")})`;
}

export function dropDigests(table: string): string {
  return `DROP TABLE ${sqlName(table)}`;
}

/** Rows of a scratch file with digests in the place of its images, without those to be left out. */
export function selectResolved(
  rows: { readonly path: string; readonly names: readonly string[]; readonly images: readonly string[] },
  table: string,
): string {
  const fields = rows.names.map((name) => {
    const at = rows.images.indexOf(name);
    return at < 0 ? `rows.${sqlName(name)}` : `resolved.digest${at} AS ${sqlName(name)}`;
  });
  return (
    `SELECT ${fields.join(", ")} FROM read_parquet(${sqlText(rows.path)}) AS rows ` +
    `POSITIONAL JOIN ${sqlName(table)} AS resolved WHERE resolved.bad IS NULL`
  );
}

/** Rows of a scratch file beside the values of a table of doubles, first with first. */
export function selectBeside(
  rows: { readonly path: string; readonly fields: readonly string[] },
  added: { readonly table: string; readonly fields: readonly string[] },
): string {
  const fields = [...rows.fields, ...added.fields].join(", ");
  return `SELECT ${fields} FROM read_parquet(${sqlText(rows.path)}) AS rows POSITIONAL JOIN ${sqlName(added.table)} AS added`;
}

/** Parts of a snapshot, in order. `stored` says how many rows of which file belong to it where that is not all of them. */
export function selectParts(
  paths: readonly string[],
  options: { readonly fields: readonly string[]; readonly cut: readonly { path: string; rows: number }[] },
): string {
  const files = `[${paths.map(sqlText).join(", ")}]`;
  const fields = options.fields.join(", ");
  if (options.cut.length === 0) return `SELECT ${fields} FROM read_parquet(${files})`;
  const behind = options.cut.map(
    ({ path, rows }) => `(filename = ${sqlText(path)} AND file_row_number >= ${rows})`,
  );
  return `SELECT ${fields} FROM read_parquet(${files}, filename = true, file_row_number = true) WHERE NOT (${behind.join(" OR ")})`;
}

/** The rejects of a snapshot. */
export function selectRejects(path: string): string {
  const columns = [
    ...["file: 'VARCHAR'", "line: 'BIGINT'", "row: 'BIGINT'", "code: 'VARCHAR'", "\"column\": 'VARCHAR'"],
    ...["value: 'VARCHAR'", "reason: 'VARCHAR'", "raw: 'VARCHAR'", "base64: 'VARCHAR'"],
  ];
  const options = [
    sqlText(path),
    "format = 'newline_delimited'",
    `columns = {${columns.join(", ")}}`,
    "maximum_object_size = 67108864",
  ];
  return `SELECT * FROM read_json(${options.join(", ")})`;
}

/** How a column is written: as it is to Parquet, and to texts so that it is read back as the same value. */
export function writtenAs({ name, stored }: StoredColumn, format: RowFileFormat): string {
  const value = sqlName(name);
  if (stored === "json") {
    return format === "ndjson" ? `${value}::JSON AS ${value}` : `(${value}::JSON ->> '$') AS ${value}`;
  }
  if (format === "parquet") return value;
  if (/^(TIMESTAMP.*|DATE)$/.test(stored)) return `${timeText(value)} AS ${value}`;
  if (/^(FLOAT|DOUBLE)$/.test(stored)) return `CASE WHEN isfinite(${value}) THEN ${value} END AS ${value}`;
  return value;
}

/** The path of the file that an image is written to. */
export function imagePath(
  name: string,
  { before, behind }: { readonly before: string; readonly behind: string },
): string {
  return `${sqlText(before)} || ${sqlName(name)} || ${sqlText(behind)} AS ${sqlName(name)}`;
}

/** ISO 8601 in UTC, with microseconds where there are any. */
function timeText(value: string): string {
  const time = `CAST(${value} AS TIMESTAMP)`;
  return `CASE WHEN epoch_us(${time}) % 1000000 = 0 THEN strftime(${time}, '%Y-%m-%dT%H:%M:%SZ') ELSE strftime(${time}, '%Y-%m-%dT%H:%M:%S.%fZ') END`;
}

export function constantField(value: string, name: string): string {
  return `${sqlText(value)} AS ${sqlName(name)}`;
}

export function addedField(name: string, at: number): string {
  return `added.value${at} AS ${sqlName(name)}`;
}

/** Writes rows to a file. `notes` become key-value metadata of a Parquet file; the other formats have no place for them. */
export function copyToFile(
  select: string,
  target: {
    readonly path: string;
    readonly format: RowFileFormat;
    readonly notes: Readonly<Record<string, string>>;
  },
): string {
  return `COPY (${select}) TO ${sqlText(target.path)} (${copyOptions(target).join(", ")})`;
}

function copyOptions(target: {
  readonly format: RowFileFormat;
  readonly notes: Readonly<Record<string, string>>;
}): string[] {
  switch (target.format) {
    case "csv":
      return ["FORMAT csv", "HEADER true", "DELIMITER ','"];
    case "tsv":
      return ["FORMAT csv", "HEADER true", "DELIMITER '\t'"];
    case "ndjson":
      return ["FORMAT json"];
    case "parquet": {
      const notes = Object.entries(target.notes).map(([key, value]) => `${sqlName(key)}: ${sqlText(value)}`);
      return [
        "FORMAT parquet",
        "COMPRESSION snappy",
        ...(notes.length === 0 ? [] : [`KV_METADATA {${notes.join(", ")}}`]),
      ];
    }
  }
}
