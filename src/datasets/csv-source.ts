import { cellCheck } from "./cell-text.ts";
import { type CsvDialect, type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { copyTo, selectCsv } from "./queries.ts";
import type { RowTarget } from "./row-target.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { badCell, requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";
import { checkUtf8, refuseOtherThanText } from "./text-encoding.ts";
import { type TextRules, textRulesOf } from "./text-values.ts";

export interface CsvHeader {
  readonly names: readonly string[];
  /** Blank lines before it. */
  readonly skip: number;
}

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
  try {
    await engine.moveRows(copyTo(selectCsv(files, schema, rules), path), target.onShare);
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    const found = diagnoseCsv(group.files, { header: group.header, schema, dialect, rules });
    // Nothing is wrong by our reading: newlines of several kinds, or a line longer than the engine expects.
    const lenient = { ...files, lenient: true, longestLine: found.longestRecord + 16 };
    const rows = await retry(engine, copyTo(selectCsv(lenient, schema, rules), path), thrown);
    if (rows !== found.records)
      throw refused(thrown, `it read ${rows} rows where there are ${found.records}`);
  }
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
    a.skip === b.skip && a.names.length === b.names.length && a.names.every((name, i) => name === b.names[i])
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
      return { names, skip };
    }
    if (scanner.fault !== undefined) throw quoteFault(file, scanner);
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

interface Diagnosis {
  readonly records: number;
  /** Bytes. */
  readonly longestRecord: number;
}

/**
 * Reads the files record by record and throws for the first thing that is wrong.
 *
 * @throws DATASETS_BAD_ENCODING, DATASETS_RAGGED_ROW, DATASETS_BAD_QUOTES, DATASETS_BAD_CELL
 */
export function diagnoseCsv(
  files: readonly FoundFile[],
  expected: {
    header: CsvHeader;
    schema: readonly SchemaColumn[];
    dialect: CsvDialect;
    rules: TextRules;
    onRecord?: (record: CsvRecord, file: FoundFile) => void;
  },
): Diagnosis {
  const { header, schema, dialect, rules } = expected;
  const checks = schema.map(({ name, type }) => ({
    name,
    type,
    at: header.names.indexOf(name),
    check: cellCheck(type, rules),
  }));
  let records = 0;
  let longestRecord = 0;
  for (const file of files) {
    checkUtf8(file);
    const scanner = new CsvScanner(file.path, dialect);
    try {
      for (let skipped = 0; skipped <= header.skip; skipped++) scanner.next();
      let before = 0;
      for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
        longestRecord = Math.max(longestRecord, record.offset - before);
        before = record.offset;
        if (record.fields.length !== header.names.length) {
          if (record.fields.length === 1 && record.fields[0] === "") continue;
          throw ragged(file, record.line, { expected: header.names.length, found: record.fields.length });
        }
        records += 1;
        expected.onRecord?.(record, file);
        for (const column of checks) {
          const text = record.fields[column.at]!;
          const wrong = column.check(text);
          if (wrong === undefined) continue;
          const line = record.fieldLines?.[column.at] ?? record.line;
          throw badCell(file, { place: { line }, column, value: text, wrong });
        }
      }
      longestRecord = Math.max(longestRecord, file.bytes - before);
      if (scanner.fault !== undefined) throw quoteFault(file, scanner);
    } finally {
      scanner.close();
    }
  }
  return { records, longestRecord };
}

function ragged(file: FoundFile, line: number, fields: { expected: number; found: number }): Error {
  return datasetsErrors.DATASETS_RAGGED_ROW.error(
    `${file.name}, line ${line}: ${fields.found} ${fields.found === 1 ? "field" : "fields"} where the header has ${fields.expected}`,
    {
      details: { file: file.name, line, ...fields },
      hint: "A field that holds the delimiter must be quoted. If the file is delimited otherwise, give the source's `delimiter`.",
    },
  );
}

function quoteFault(file: FoundFile, scanner: CsvScanner): Error {
  const fault = scanner.fault;
  const what =
    fault?.kind === "unclosed" ? "a quote is opened and never closed" : "text follows a closing quote";
  return datasetsErrors.DATASETS_BAD_QUOTES.error(
    `${file.name}, line ${fault?.line}, field ${(fault?.field ?? 0) + 1}: ${what}`,
    {
      details: {
        file: file.name,
        line: fault?.line ?? 0,
        field: (fault?.field ?? 0) + 1,
        offset: fault?.offset ?? 0,
      },
      hint: "Inside a quoted field a quote is written twice.",
    },
  );
}
