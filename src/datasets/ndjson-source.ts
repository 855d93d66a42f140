import { closeSync, openSync, readSync } from "node:fs";
import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { copyTo, selectNdjson } from "./queries.ts";
import type { RowTarget } from "./row-target.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { badCell, requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { checkUtf8, refuseOtherThanText } from "./text-encoding.ts";
import { textRulesOf } from "./text-values.ts";
import { EPOCH_SECONDS, LARGEST_MS, timeParser } from "./time-format.ts";

/** @throws DATASETS_EMPTY_FILE, DATASETS_MISSING_COLUMN, DATASETS_BAD_LINE, DATASETS_BAD_ENCODING */
export function checkNdjson(file: FoundFile, schema: readonly SchemaColumn[]): void {
  refuseOtherThanText(file);
  requireColumns(file, keysOf(file), schema);
}

/** Writes the rows of NDJSON files to `target`; what the table engine refuses is found again and named exactly. */
export async function writeNdjson(
  engine: Engine,
  files: readonly FoundFile[],
  target: RowTarget,
): Promise<void> {
  const { schema, path, source } = target;
  const paths = files.map((file) => file.path);
  try {
    await engine.moveRows(copyTo(selectNdjson(paths, schema, textRulesOf(source)), path), target.onShare);
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    for (const file of files) diagnoseNdjson(file, schema, source.timestampFormat);
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw datasetsErrors.DATASETS_ENGINE.error(`the table engine cannot read the files: ${reason}`, {
      cause: thrown,
    });
  }
}

export interface JsonLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** The lines of a file that are not blank. */
export function* jsonLines(file: FoundFile): Generator<JsonLine, void, undefined> {
  const fd = openSync(file.path, "r");
  try {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let rest = Buffer.alloc(0);
    let line = 0;
    for (;;) {
      const read = readSync(fd, chunk, 0, chunk.length, null);
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        line += 1;
        const text = bytes.toString("utf8", start, end);
        if (text.trim() !== "") yield { line, text: withoutMark(text, line) };
        start = end + 1;
      }
      rest = Buffer.from(bytes.subarray(start));
      if (read > 0) continue;
      const text = rest.toString("utf8");
      if (text.trim() !== "") yield { line: line + 1, text: withoutMark(text, line + 1) };
      return;
    }
  } finally {
    closeSync(fd);
  }
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
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw datasetsErrors.DATASETS_BAD_LINE.error(`${file.name}, line ${line}: not JSON: ${reason}`, {
      details: { file: file.name, line },
      cause: thrown,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw datasetsErrors.DATASETS_BAD_LINE.error(`${file.name}, line ${line}: not a JSON object`, {
      details: { file: file.name, line },
    });
  }
  return value as Record<string, unknown>;
}

/**
 * The keys that occur in the file's first objects. A file of only a few objects is read whole.
 *
 * @throws DATASETS_EMPTY_FILE, DATASETS_BAD_LINE
 */
export function keysOf(file: FoundFile): string[] {
  const keys = new Set<string>();
  let seen = 0;
  for (const line of jsonLines(file)) {
    for (const key of Object.keys(parseJsonLine(file, line))) keys.add(key);
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

/** Names the first thing that is wrong. @throws DATASETS_BAD_ENCODING, DATASETS_BAD_LINE, DATASETS_BAD_CELL */
export function diagnoseNdjson(
  file: FoundFile,
  schema: readonly SchemaColumn[],
  timestampFormat: string | undefined,
): void {
  checkUtf8(file);
  for (const line of jsonLines(file)) {
    const record = parseJsonLine(file, line);
    refuseRepeatedKeys(file, line);
    for (const column of schema) {
      const value = record[column.name];
      if (value === undefined || value === null) continue;
      const wrong = wrongJson(value, column.type, timestampFormat);
      if (wrong === undefined) continue;
      throw badCell(file, { place: { line: line.line }, column, value: JSON.stringify(value), wrong });
    }
  }
}

/** `JSON.parse` silently takes the last of several values for one key. */
function refuseRepeatedKeys(file: FoundFile, { line, text }: JsonLine): void {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) {
      const key: string = JSON.parse(token.slice(0, -1));
      if (seen.has(key)) {
        throw datasetsErrors.DATASETS_BAD_LINE.error(
          `${file.name}, line ${line}: the key ${JSON.stringify(key)} occurs twice`,
          { details: { file: file.name, line, key } },
        );
      }
      seen.add(key);
    }
  }
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
