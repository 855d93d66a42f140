import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { type ColumnType, parseIsoTime, type SlipwayError } from "../kernel/index.ts";
import { datasetsErrors } from "./errors.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { badCell } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { badByteIn } from "./text-encoding.ts";
import { EPOCH_SECONDS, LARGEST_MS, timeParser } from "./time-format.ts";

export interface JsonLine {
  /** From 1. */
  readonly line: number;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  readonly text: string;
  /** Without the line end; valid until the next line is read. */
  readonly bytes: Buffer;
}

/** The lines of a file that are not blank. */
export function* jsonLines(file: FoundFile): Generator<JsonLine, void, undefined> {
  const fd = openSync(file.path, "r");
  try {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let rest: Buffer = Buffer.alloc(0);
    let line = 0;
    let base = 0;
    for (;;) {
      const read = readSync(fd, chunk, 0, chunk.length, null);
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        line += 1;
        const found = jsonLine(bytes.subarray(start, end), { line, offset: base + start });
        if (found !== undefined) yield found;
        start = end + 1;
      }
      rest = bytes.subarray(start);
      base += start;
      if (read > 0) continue;
      const found = jsonLine(rest, { line: line + 1, offset: base });
      if (found !== undefined) yield found;
      return;
    }
  } finally {
    closeSync(fd);
  }
}

/** Undefined for a blank line. */
function jsonLine(bytes: Buffer, place: { line: number; offset: number }): JsonLine | undefined {
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  return { ...place, text: withoutMark(text, place.line), bytes };
}

function withoutMark(text: string, line: number): string {
  return line === 1 && text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** One object of a file. @throws DATASETS_BAD_LINE */
export function parseJsonLine(file: FoundFile, { line, text }: JsonLine): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw badLine(file, { line, reason: `not JSON: ${why}`, cause: thrown });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badLine(file, { line, reason: "not a JSON object" });
  }
  return value as Record<string, unknown>;
}

function badLine(
  file: FoundFile,
  fault: { readonly line: number; readonly reason: string; readonly key?: string; readonly cause?: unknown },
): SlipwayError {
  const { line, reason, key, cause } = fault;
  return datasetsErrors.DATASETS_BAD_LINE.error(`${file.name}, line ${line}: ${reason}`, {
    details: { file: file.name, line, reason, ...(key === undefined ? {} : { key }) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * The keys that occur in the file's first objects. A file of only a few objects is read whole.
 *
 * @param options.skipBad pass over lines that are not objects
 * @throws DATASETS_EMPTY_FILE, DATASETS_BAD_LINE
 */
export function keysOf(file: FoundFile, { skipBad = false } = {}): string[] {
  const keys = new Set<string>();
  let seen = 0;
  for (const line of jsonLines(file)) {
    for (const key of keysOfLine(file, line, skipBad)) keys.add(key);
    seen += 1;
    if (seen === 10_000) break;
  }
  if (seen === 0) {
    throw datasetsErrors.DATASETS_EMPTY_FILE.error(`${file.name} is empty`, {
      details: { file: file.name, bytes: file.bytes },
    });
  }
  return [...keys];
}

function keysOfLine(file: FoundFile, line: JsonLine, skipBad: boolean): string[] {
  try {
    return Object.keys(parseJsonLine(file, line));
  } catch (thrown) {
    if (skipBad && datasetsErrors.DATASETS_BAD_LINE.is(thrown)) return [];
    throw thrown;
  }
}

/** An object of an NDJSON file, or what stands in the place of one. */
export interface ReadJsonRow extends JsonLine {
  /** Why it cannot be a row. */
  readonly error: SlipwayError | undefined;
}

/** The rows of an NDJSON file, good and bad. */
export function* readNdjsonRows(
  file: FoundFile,
  schema: readonly SchemaColumn[],
  timestampFormat: string | undefined,
): Generator<ReadJsonRow, void, undefined> {
  for (const line of jsonLines(file)) {
    const error = isUtf8(line.bytes)
      ? lineFault(file, line, { schema, timestampFormat })
      : badByteIn(file, line.bytes, line);
    yield { ...line, error };
  }
}

function lineFault(
  file: FoundFile,
  line: JsonLine,
  expected: { readonly schema: readonly SchemaColumn[]; readonly timestampFormat: string | undefined },
): SlipwayError | undefined {
  let record: Record<string, unknown>;
  try {
    record = parseJsonLine(file, line);
  } catch (thrown) {
    if (datasetsErrors.DATASETS_BAD_LINE.is(thrown)) return thrown;
    throw thrown;
  }
  const key = repeatedKey(line.text);
  if (key !== undefined) {
    const reason = `the key ${JSON.stringify(key)} occurs twice`;
    return badLine(file, { line: line.line, reason, key });
  }
  for (const column of expected.schema) {
    const value = record[column.name];
    if (value === undefined || value === null) continue;
    const wrong = wrongJson(value, column.type, expected.timestampFormat);
    if (wrong === undefined) continue;
    return badCell(file, { place: { line: line.line }, column, value: JSON.stringify(value), wrong });
  }
  return undefined;
}

/** `JSON.parse` silently takes the last of several values for one key. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) {
      const key: string = JSON.parse(token.slice(0, -1));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function wrongJson(
  value: unknown,
  type: ColumnType,
  timestampFormat: string | undefined,
): string | undefined {
  switch (type) {
    case "int":
      if (typeof value !== "number") return "is not a number";
      if (!Number.isInteger(value)) return "is not a whole number";
      return Math.abs(value) > 9_223_372_036_854_775_000 ? "does not fit a 64-bit integer" : undefined;
    case "float":
      if (typeof value !== "number") return "is not a number";
      return Number.isFinite(value) ? undefined : "is too large for a 64-bit float";
    case "bool":
      return typeof value === "boolean" ? undefined : "is neither true nor false";
    case "timestamp": {
      if (typeof value === "number") {
        const ms = value * (timestampFormat === EPOCH_SECONDS ? 1000 : 1);
        return Math.abs(ms) <= LARGEST_MS ? undefined : "is out of the range of times";
      }
      const parse = timestampFormat === undefined ? parseIsoTime : timeParser(timestampFormat);
      return typeof value === "string" && !Number.isNaN(parse(value))
        ? undefined
        : `is not a time (${timestampFormat ?? "ISO 8601 or epoch milliseconds"})`;
    }
    case "category":
    case "text":
      return typeof value === "string" ? undefined : "is not a string";
  }
}
