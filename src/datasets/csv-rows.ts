import { isUtf8 } from "node:buffer";
import type { SlipwayError } from "../kernel/index.ts";
import { cellCheck } from "./cell-text.ts";
import { type CsvDialect, type CsvFault, type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import { datasetsErrors } from "./errors.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { badCell } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { badByteIn, checkUtf8 } from "./text-encoding.ts";
import type { TextRules } from "./text-values.ts";

export interface CsvHeader {
  readonly names: readonly string[];
  /** Blank lines before it. */
  readonly skip: number;
  /** The blank lines before it and its own do not all end alike. */
  readonly mixedNewlines: boolean;
}

/** What the rows of CSV files should be. */
export interface CsvExpectation {
  readonly header: CsvHeader;
  readonly schema: readonly SchemaColumn[];
  readonly dialect: CsvDialect;
  readonly rules: TextRules;
}

export interface CsvDiagnosis {
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
  expected: CsvExpectation & { readonly onRecord?: (record: CsvRecord, file: FoundFile) => void },
): CsvDiagnosis {
  let records = 0;
  let longestRecord = 0;
  for (const file of files) {
    checkUtf8(file);
    const check = recordCheck(file, expected);
    const scanner = scanRows(file, expected);
    try {
      for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
        longestRecord = Math.max(longestRecord, scanner.lastBytes.length);
        if (isBlank(record, expected.header)) continue;
        const wrong = check.width(record);
        if (wrong !== undefined) throw wrong;
        records += 1;
        expected.onRecord?.(record, file);
        const bad = check.cells(record);
        if (bad !== undefined) throw bad;
      }
      if (scanner.fault !== undefined) throw quoteFault(file, scanner.fault);
    } finally {
      scanner.close();
    }
  }
  return { records, longestRecord };
}

/** A record of a CSV file, or the line on which a record begins whose quotes cannot be made out. */
export interface ReadCsvRow {
  readonly line: number;
  /** With its line end; valid until the next is read. */
  readonly bytes: Buffer;
  /** Why it cannot be a row. */
  readonly error: SlipwayError | undefined;
}

/**
 * The rows of a CSV file, good and bad. Behind broken quotes reading goes on at the next line; until a good row is found
 * there, a quote in a field that is not quoted makes a row bad too: it is likely to be a piece of the broken one.
 */
export function* readCsvRows(
  file: FoundFile,
  expected: CsvExpectation,
): Generator<ReadCsvRow, void, undefined> {
  const check = recordCheck(file, expected);
  const scanner = scanRows(file, expected);
  let doubtful = false;
  try {
    for (;;) {
      const record = scanner.next();
      if (record !== undefined) {
        if (isBlank(record, expected.header)) continue;
        const bytes = scanner.lastBytes;
        const error: SlipwayError | undefined =
          encodingFault(file, record, bytes) ??
          (doubtful && record.strayQuote !== undefined ? strayQuote(file, record) : undefined) ??
          check.width(record) ??
          check.cells(record);
        doubtful = doubtful && error !== undefined;
        yield { line: record.line, bytes, error };
        continue;
      }
      if (scanner.fault === undefined) return;
      const error = quoteFault(file, scanner.fault);
      const line = scanner.skipFaultyLine();
      doubtful = true;
      yield { line, bytes: scanner.lastBytes, error };
    }
  } finally {
    scanner.close();
  }
}

/** How many bytes at the beginning of a file are not rows: the header, and what stands before it. */
export function bytesBeforeRows(
  file: FoundFile,
  expected: Pick<CsvExpectation, "header" | "dialect">,
): number {
  const scanner = scanRows(file, expected);
  try {
    return scanner.offset;
  } finally {
    scanner.close();
  }
}

function scanRows(
  file: FoundFile,
  { header, dialect }: Pick<CsvExpectation, "header" | "dialect">,
): CsvScanner {
  const scanner = new CsvScanner(file.path, dialect);
  for (let skipped = 0; skipped <= header.skip; skipped++) scanner.next();
  return scanner;
}

/** Blank lines are no rows, unless there is a single column. */
function isBlank({ fields }: CsvRecord, { names }: CsvHeader): boolean {
  return names.length !== 1 && fields.length === 1 && fields[0] === "";
}

interface RecordCheck {
  readonly width: (record: CsvRecord) => SlipwayError | undefined;
  /** Of a record of the right width. */
  readonly cells: (record: CsvRecord) => SlipwayError | undefined;
}

function recordCheck(file: FoundFile, { header, schema, rules }: CsvExpectation): RecordCheck {
  const checks = schema.map(({ name, type }) => ({
    name,
    type,
    at: header.names.indexOf(name),
    check: cellCheck(type, rules),
  }));
  const expected = header.names.length;
  return {
    width: ({ line, fields }) =>
      fields.length === expected ? undefined : ragged(file, line, { expected, found: fields.length }),
    cells: (record) => {
      for (const column of checks) {
        const text = record.fields[column.at]!;
        const wrong = column.check(text);
        if (wrong === undefined) continue;
        const line = record.fieldLines?.[column.at] ?? record.line;
        return badCell(file, { place: { line }, column, value: text, wrong });
      }
      return undefined;
    },
  };
}

function encodingFault(file: FoundFile, record: CsvRecord, bytes: Buffer): SlipwayError | undefined {
  return isUtf8(bytes) ? undefined : badByteIn(file, bytes, record);
}

function ragged(file: FoundFile, line: number, fields: { expected: number; found: number }): SlipwayError {
  const reason = `${fields.found} ${fields.found === 1 ? "field" : "fields"} where the header has ${fields.expected}`;
  return datasetsErrors.DATASETS_RAGGED_ROW.error(`${file.name}, line ${line}: ${reason}`, {
    details: { file: file.name, line, ...fields, reason },
    hint: "A field that holds the delimiter must be quoted. If the file is delimited otherwise, give the source's `delimiter`.",
  });
}

export function quoteFault(file: FoundFile, fault: CsvFault): SlipwayError {
  const reason =
    fault.kind === "unclosed" ? "a quote is opened and never closed" : "text follows a closing quote";
  return badQuotes(file, { line: fault.line, field: fault.field, offset: fault.offset, reason });
}

function strayQuote(file: FoundFile, { line, strayQuote: field = 0, offset }: CsvRecord): SlipwayError {
  return badQuotes(file, { line, field, offset, reason: "a quote stands in a field that is not quoted" });
}

function badQuotes(
  file: FoundFile,
  { line, field, offset, reason }: { line: number; field: number; offset: number; reason: string },
): SlipwayError {
  return datasetsErrors.DATASETS_BAD_QUOTES.error(
    `${file.name}, line ${line}, field ${field + 1}: ${reason}`,
    {
      details: { file: file.name, line, field: field + 1, offset, reason },
      hint: "Inside a quoted field a quote is written twice.",
    },
  );
}
