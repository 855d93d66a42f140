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

/**
 * Reads the files again as far as the row, so that a message can name its file and line.
 *
 * @param row from 0, among the rows of all files but the rejected ones
 */
export async function placeOfRow(
  source: SourceSpec,
  {
    root,
    row,
    rejects = [],
  }: { readonly root: string; readonly row: number; readonly rejects?: readonly Reject[] },
): Promise<RowPlace> {
  let rest = row;
  if (source.format === "parquet") return { row: row + 1 };
  for (const file of await findSourceFiles(source, root)) {
    const rejected = new Set(rejects.flatMap((reject) => (reject.file === file.name ? [reject.line] : [])));
    for (const { line } of source.format === "csv" ? csvRows(file, source) : jsonLines(file)) {
      if (rejected.has(line)) continue;
      if (rest === 0) return { file: file.name, line, row: row + 1 };
      rest -= 1;
    }
  }
  return { row: row + 1 };
}

function csvRows(file: FoundFile, source: SourceSpec): Iterable<{ readonly line: number }> {
  const dialect = csvDialect(source);
  const header = readCsvHeader(file, dialect);
  return readCsvRows(file, { header, schema: [], dialect, rules: textRulesOf(source) });
}
