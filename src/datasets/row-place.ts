import { readCsvRows } from "./csv-rows.ts";
import { csvDialect, readCsvHeader } from "./csv-source.ts";
import { jsonLines } from "./ndjson-rows.ts";
import type { Reject } from "./rejects.ts";
import { type FoundFile, findSourceFiles } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";
import { textRulesOf } from "./text-values.ts";

/** Where a row of a snapshot stood when it was read. */
export interface RowPlace {
  /** As messages name it; absent for Parquet, which has no lines, and for a row beyond the last. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Among the rows of all files, from 1. */
  readonly row: number;
}

interface Sought {
  readonly root: string;
  /** Of the snapshot. */
  readonly rejects?: readonly Reject[];
}

/**
 * Reads the files again as far as the row, so that a message can name its file and line.
 *
 * @param sought `row` from 0, among the rows of all files but the rejected ones
 */
export async function placeOfRow(
  source: SourceSpec,
  { row, ...sought }: Sought & { readonly row: number },
): Promise<RowPlace> {
  return (await placesOfRows(source, { ...sought, rows: [row] })).get(row) ?? { row: row + 1 };
}

/**
 * The places of several rows, by row: the files are read once, as far as the last of them.
 *
 * @param sought `rows` from 0, among the rows of all files but the rejected ones
 */
export async function placesOfRows(
  source: SourceSpec,
  { root, rows, rejects = [] }: Sought & { readonly rows: readonly number[] },
): Promise<ReadonlyMap<number, RowPlace>> {
  const wanted = new Set(rows);
  const places = new Map<number, RowPlace>();
  if (source.format === "parquet" || wanted.size === 0) return places;
  let row = 0;
  for (const file of await findSourceFiles(source, root)) {
    const rejected = new Set(rejects.flatMap((reject) => (reject.file === file.name ? [reject.line] : [])));
    for (const { line } of source.format === "csv" ? csvRows(file, source) : jsonLines(file)) {
      if (rejected.has(line)) continue;
      if (wanted.has(row)) places.set(row, { file: file.name, line, row: row + 1 });
      if (places.size === wanted.size) return places;
      row += 1;
    }
  }
  return places;
}

function csvRows(file: FoundFile, source: SourceSpec): Iterable<{ readonly line: number }> {
  const dialect = csvDialect(source);
  const header = readCsvHeader(file, dialect);
  return readCsvRows(file, { header, schema: [], dialect, rules: textRulesOf(source) });
}
