import { type CsvHeader, diagnoseCsv, quoteFault } from "./csv-rows.ts";
import { type CsvDialect, CsvScanner } from "./csv-scanner.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { copyTo, selectCsv } from "./queries.ts";
import { type RowTarget, withoutSieve } from "./row-target.ts";
import { siftCsv } from "./sift-files.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";
import { refuseOtherThanText } from "./text-encoding.ts";
import { textRulesOf } from "./text-values.ts";

export function csvDialect(source: Pick<SourceSpec, "delimiter" | "quote">): CsvDialect {
  return { delimiter: source.delimiter ?? ",", quote: source.quote ?? '"' };
}

/** Writes the rows of CSV files to `target`; what the table engine refuses is found again and named exactly. */
export async function writeCsv(engine: Engine, group: CsvGroup, target: RowTarget): Promise<void> {
  const { schema, path, source } = target;
  const dialect = csvDialect(source);
  const rules = textRulesOf(source);
  const files = {
    paths: group.files.map((file) => file.path),
    skip: group.header.skip,
    header: group.header.names,
    ...dialect,
  };
  let refusal: unknown = new Error("lines before the rows end in several ways");
  // The engine's strict mode silently reads no rows behind blank lines that end otherwise than the header.
  if (!group.header.mixedNewlines) {
    try {
      await engine.moveRows(copyTo(selectCsv(files, schema, rules), path), target.onShare);
      return;
    } catch (thrown) {
      engine.rethrowUnlessData(thrown);
      refusal = thrown;
    }
  }
  const expected = { header: group.header, schema, dialect, rules };
  if (target.sift !== undefined) {
    const good = await siftCsv(group.files, expected, target.sift);
    await writeCsv(engine, { ...group, files: good }, withoutSieve(target));
    return;
  }
  const found = diagnoseCsv(group.files, expected);
  // Nothing is wrong by our reading: newlines of several kinds, or a line longer than the engine expects.
  const lenient = { ...files, lenient: true, longestLine: found.longestRecord + 16 };
  const rows = await retry(engine, copyTo(selectCsv(lenient, schema, rules), path), refusal);
  if (rows !== found.records) throw refused(refusal, `it read ${rows} rows where there are ${found.records}`);
}

async function retry(engine: Engine, sql: string, first: unknown): Promise<number> {
  try {
    const [copied] = await engine.moveRows(sql);
    return Number(copied?.Count);
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    throw refused(first, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function refused(first: unknown, then: string): Error {
  const reason = first instanceof Error ? first.message : String(first);
  return datasetsErrors.DATASETS_ENGINE.error(
    `the table engine cannot read the files: ${reason}; then: ${then}`,
    {
      cause: first,
    },
  );
}

export interface CsvGroup {
  readonly header: CsvHeader;
  readonly files: FoundFile[];
}

/** Consecutive files whose headers are the same are loaded together. */
export function groupByHeader(
  files: readonly FoundFile[],
  dialect: CsvDialect,
  schema: readonly SchemaColumn[],
): CsvGroup[] {
  const groups: CsvGroup[] = [];
  for (const file of files) {
    const header = readCsvHeader(file, dialect);
    requireColumns(file, header.names, schema);
    const last = groups.at(-1);
    if (last !== undefined && sameHeader(last.header, header)) last.files.push(file);
    else groups.push({ header, files: [file] });
  }
  return groups;
}

function sameHeader(a: CsvHeader, b: CsvHeader): boolean {
  return (
    a.skip === b.skip &&
    a.mixedNewlines === b.mixedNewlines &&
    a.names.length === b.names.length &&
    a.names.every((name, i) => name === b.names[i])
  );
}

/**
 * The names in the first line that is not blank.
 *
 * @throws DATASETS_EMPTY_FILE, DATASETS_DUPLICATE_COLUMN, DATASETS_BAD_QUOTES, DATASETS_BAD_ENCODING
 */
export function readCsvHeader(file: FoundFile, dialect: CsvDialect): CsvHeader {
  refuseOtherThanText(file);
  const scanner = new CsvScanner(file.path, dialect);
  try {
    let skip = 0;
    for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
      if (record.fields.length === 1 && record.fields[0]!.trim() === "") {
        skip += 1;
        continue;
      }
      const names = record.fields.map((name) => name.trim());
      refuseDuplicates(file, names, record.line);
      const kinds = Object.values(scanner.newlines).filter((count) => count > 0);
      return { names, skip, mixedNewlines: kinds.length > 1 };
    }
    if (scanner.fault !== undefined) throw quoteFault(file, scanner.fault);
    throw datasetsErrors.DATASETS_EMPTY_FILE.error(`${file.name} is empty: not even a header`, {
      details: { file: file.name, bytes: file.bytes },
    });
  } finally {
    scanner.close();
  }
}

function refuseDuplicates(file: FoundFile, names: readonly string[], line: number): void {
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const before = seen.get(name);
    if (before !== undefined && name !== "") {
      if (looksLikeNumber(name)) throw noHeader(file, line, name);
      throw datasetsErrors.DATASETS_DUPLICATE_COLUMN.error(
        `${file.name}, line ${line}: columns ${before + 1} and ${index + 1} are both named "${name}"`,
        { details: { file: file.name, line, column: name, positions: [before + 1, index + 1] } },
      );
    }
    seen.set(name, index);
  }
}

export function looksLikeNumber(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
}

export function noHeader(file: FoundFile, line: number, value: string): Error {
  return datasetsErrors.DATASETS_NO_HEADER.error(
    `${file.name} seems to have no header: "${value}" in line ${line} is a number, not the name of a column`,
    { details: { file: file.name, line, value }, hint: "Add a first line with the names of the columns." },
  );
}
