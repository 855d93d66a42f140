import { csvDialect, readCsvHeader, writeCsv } from "./csv-source.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { formatOfName } from "./file-format.ts";
import { type StoredColumn, selectJsonRows, selectParquetRows } from "./file-queries.ts";
import { keysOf } from "./ndjson-rows.ts";
import { diagnoseNdjson } from "./ndjson-source.ts";
import { describeParquetFile, nameBadValue, storedColumn } from "./parquet-source.ts";
import { copyTo } from "./queries.ts";
import { schemaOf } from "./schema.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";
import { refuseOtherThanText } from "./text-encoding.ts";
import { type TextRules, textRulesOf } from "./text-values.ts";

/** A column that is read as values of its type; one that is not required may be missing from the file. */
export interface WantedColumn extends SchemaColumn {
  readonly required: boolean;
}

/** How texts become values, and how a CSV file is delimited; what a file's name says goes first. */
export type ReadingRules = Pick<
  SourceSpec,
  "delimiter" | "quote" | "nullValues" | "timestampFormat" | "trim"
>;

export interface ScratchRequest {
  readonly file: FoundFile;
  readonly wanted: readonly WantedColumn[];
  /** Which other columns to keep; all without it. */
  readonly keep?: readonly string[];
  readonly rules: ReadingRules;
  /** The Parquet file to be written. */
  readonly path: string;
}

export interface ScratchRows {
  /** In the order of the file they came from. */
  readonly columns: readonly StoredColumn[];
  /** Those of the wanted columns that the file has. */
  readonly typed: readonly SchemaColumn[];
}

/** DuckDB's types of canonical values. */
export const STORED_AS: Readonly<Record<SchemaColumn["type"], string>> = {
  int: "BIGINT",
  float: "DOUBLE",
  bool: "BOOLEAN",
  timestamp: "TIMESTAMP",
  category: "VARCHAR",
  text: "VARCHAR",
};

/**
 * Copies the rows of one file to a Parquet file: the wanted columns as values of their types, the others as they are (those
 * of a CSV file as texts). Columns without a name are left out.
 *
 * @throws DATASETS_MISSING_COLUMN, DATASETS_BAD_CELL and the other faults of source files, naming file, line and column
 */
export async function writeScratchRows(engine: Engine, request: ScratchRequest): Promise<ScratchRows> {
  switch (formatOfName(request.file.path)) {
    case "csv":
      return await fromCsv(engine, request, request.rules.delimiter ?? ",");
    case "tsv":
      return await fromCsv(engine, request, "\t");
    case "ndjson":
      return await fromNdjson(engine, request);
    case "parquet":
      return await fromParquet(engine, request);
  }
}

async function fromCsv(engine: Engine, request: ScratchRequest, delimiter: string): Promise<ScratchRows> {
  const { file, rules, path } = request;
  const source: SourceSpec = { ...rules, delimiter, format: "csv", glob: file.path };
  const header = readCsvHeader(file, csvDialect(source));
  const found = findColumns(request, header.names);
  const schema = found.all.map((name) => ({ name, type: found.typeOf.get(name) ?? ("text" as const) }));
  await writeCsv(engine, { header, files: [file] }, { source, schema, path });
  return { columns: schema.map(({ name, type }) => ({ name, stored: STORED_AS[type] })), typed: found.typed };
}

async function fromNdjson(engine: Engine, request: ScratchRequest): Promise<ScratchRows> {
  const { file, rules, path } = request;
  refuseOtherThanText(file);
  const found = findColumns(request, keysOf(file));
  const columns = { typed: found.typed, others: found.others };
  const textRules: TextRules = textRulesOf({ ...rules, format: "ndjson", glob: file.path });
  try {
    await engine.moveRows(copyTo(selectJsonRows(file.path, columns, textRules), path));
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    diagnoseNdjson(file, found.typed, rules.timestampFormat);
    throw unreadable(file, thrown);
  }
  return {
    columns: found.all.map((name) => {
      const type = found.typeOf.get(name);
      return { name, stored: type === undefined ? "json" : STORED_AS[type] };
    }),
    typed: found.typed,
  };
}

async function fromParquet(engine: Engine, request: ScratchRequest): Promise<ScratchRows> {
  const { file, rules, path } = request;
  const stored = await describeParquetFile(engine, file);
  const found = findColumns(
    request,
    stored.map(({ name }) => name),
  );
  const typed = found.typed.map((column) => storedColumn(file, column, stored));
  const textRules = textRulesOf({ ...rules, format: "parquet", glob: file.path });
  try {
    await engine.moveRows(
      copyTo(selectParquetRows(file.path, { typed, others: found.others }, textRules), path),
    );
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    await nameBadValue(engine, { file, columns: typed, rules: textRules });
    throw unreadable(file, thrown);
  }
  return {
    columns: found.all.map((name) => {
      const type = found.typeOf.get(name);
      const as = stored.find((column) => column.name === name)?.stored ?? "";
      return { name, stored: type === undefined ? as : STORED_AS[type] };
    }),
    typed: found.typed,
  };
}

interface FoundColumns {
  readonly all: readonly string[];
  readonly typed: readonly SchemaColumn[];
  readonly others: readonly string[];
  readonly typeOf: ReadonlyMap<string, SchemaColumn["type"]>;
}

function findColumns(
  { file, wanted, keep }: Pick<ScratchRequest, "file" | "wanted" | "keep">,
  present: readonly string[],
): FoundColumns {
  const required = wanted.filter((column) => column.required);
  const kept = (keep ?? []).map((name) => ({ name, type: "text" as const }));
  requireColumns(file, present, [...required, ...kept]);
  const typeOf = new Map(wanted.map(({ name, type }) => [name, type]));
  const all = present.filter(
    (name) => name !== "" && (keep === undefined || typeOf.has(name) || keep.includes(name)),
  );
  // Refuses names that the stored tables cannot tell apart.
  schemaOf(Object.fromEntries(all.map((name) => [name, "text" as const])));
  return {
    all,
    typed: wanted.filter(({ name }) => all.includes(name)).map(({ name, type }) => ({ name, type })),
    others: all.filter((name) => !typeOf.has(name)),
    typeOf,
  };
}

function unreadable(file: FoundFile, thrown: unknown): Error {
  const reason = thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown);
  return datasetsErrors.DATASETS_UNREADABLE_FILE.error(`${file.name} cannot be read: ${reason}`, {
    details: { file: file.name },
    cause: thrown,
  });
}
