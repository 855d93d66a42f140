import { CsvScanner } from "./csv-scanner.ts";
import { csvDialect, readCsvHeader } from "./csv-source.ts";
import { jsonLines } from "./ndjson-source.ts";
import { type FoundFile, findSourceFiles } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";

/** Where a row of a snapshot stood when it was read. */
export interface RowPlace {
  /** As messages name it; absent for Parquet, which has no lines, and for a row beyond the last. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Among the rows of all files, from 1. */
  readonly row: number;
}

/**
 * Reads the files again as far as the row, so that a message can name its file and line.
 *
 * @param row from 0, among the rows of all files
 */
export async function placeOfRow(
  source: SourceSpec,
  { root, row }: { readonly root: string; readonly row: number },
): Promise<RowPlace> {
  let rest = row;
  if (source.format === "parquet") return { row: row + 1 };
  for (const file of await findSourceFiles(source, root)) {
    for (const line of source.format === "csv" ? csvRowLines(file, source) : ndjsonRowLines(file)) {
      if (rest === 0) return { file: file.name, line, row: row + 1 };
      rest -= 1;
    }
  }
  return { row: row + 1 };
}

function* csvRowLines(file: FoundFile, source: SourceSpec): Generator<number> {
  const dialect = csvDialect(source);
  const header = readCsvHeader(file, dialect);
  const scanner = new CsvScanner(file.path, dialect);
  try {
    for (let skipped = 0; skipped <= header.skip; skipped++) scanner.next();
    for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
      const blank = record.fields.length === 1 && record.fields[0] === "" && header.names.length > 1;
      if (!blank) yield record.line;
    }
  } finally {
    scanner.close();
  }
}

function* ndjsonRowLines(file: FoundFile): Generator<number> {
  for (const { line } of jsonLines(file)) yield line;
}
