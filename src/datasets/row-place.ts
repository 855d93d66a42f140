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
  return (await placesOfRows(source, { root, rows: [row] })).get(row) ?? { row: row + 1 };
}

/**
 * The places of several rows, by row: the files are read once, as far as the last of them.
 *
 * @param rows from 0, among the rows of all files
 */
export async function placesOfRows(
  source: SourceSpec,
  { root, rows }: { readonly root: string; readonly rows: readonly number[] },
): Promise<ReadonlyMap<number, RowPlace>> {
  const wanted = new Set(rows);
  const places = new Map<number, RowPlace>();
  if (source.format === "parquet" || wanted.size === 0) return places;
  let row = 0;
  for (const file of await findSourceFiles(source, root)) {
    for (const line of source.format === "csv" ? csvRowLines(file, source) : ndjsonRowLines(file)) {
      if (wanted.has(row)) places.set(row, { file: file.name, line, row: row + 1 });
      if (places.size === wanted.size) return places;
      row += 1;
    }
  }
  return places;
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
