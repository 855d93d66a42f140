import { csvDialect, readCsvHeader } from "./csv-source.ts";
import type { Engine } from "./engine.ts";
import { keysOf } from "./ndjson-rows.ts";
import { describeParquetFile } from "./parquet-source.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";

/** More names than anybody reads. */
const MOST_NAMES = 1000;

/** Columns of source files that a schema does not name, in the order of their first appearance; of NDJSON in the first 10,000 lines of each file. */
export async function undeclaredColumns(
  engine: Engine,
  files: readonly FoundFile[],
  { source, schema }: { readonly source: SourceSpec; readonly schema: readonly SchemaColumn[] },
): Promise<string[]> {
  const declared = new Set(schema.map(({ name }) => name));
  const undeclared = new Set<string>();
  for (const file of files) {
    for (const name of await columnsOf(engine, file, source)) {
      if (name !== "" && !declared.has(name)) undeclared.add(name);
    }
  }
  return [...undeclared].slice(0, MOST_NAMES);
}

async function columnsOf(engine: Engine, file: FoundFile, source: SourceSpec): Promise<readonly string[]> {
  switch (source.format) {
    case "csv":
      return readCsvHeader(file, csvDialect(source)).names;
    case "ndjson":
      return keysOf(file, { skipBad: true });
    case "parquet":
      return (await describeParquetFile(engine, file)).map(({ name }) => name);
  }
}
