import { isUtf8 } from "node:buffer";
import type { ColumnType, SlipwayError } from "../kernel/index.ts";
import { wireErrors } from "./errors.ts";

/** A raw column that a model reads, as its bundle's signature declares it. */
export interface InputColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** False when the column may be null. */
  readonly required: boolean;
  /** Of a tensor: extents of one instance, −1 where each may have its own. */
  readonly shape?: readonly number[];
}

export interface BodyLimits {
  /** Deepest nesting of lists and objects. */
  readonly maxDepth: number;
  /** Refuse fields that the model does not read, instead of ignoring them. */
  readonly refuseUnknownFields: boolean;
}

/** What the parsers need to know of a model and of the server's limits, prepared once. */
export interface InputRules extends BodyLimits {
  /** The model's name, for messages. */
  readonly model: string;
  readonly columns: readonly InputColumn[];
  readonly names: ReadonlySet<string>;
  /** The columns of type int, whose values must not lose digits. */
  readonly integers: readonly string[];
  /** True for a model without a batch axis. */
  readonly unbatched: boolean;
}

export type InputRecord = Readonly<Record<string, unknown>>;

/** The instances of a request as records of raw columns. */
export interface ParsedInstances {
  readonly records: readonly InputRecord[];
  /** The part of the body that is a JSON list of exactly these records, when there is such a part. */
  readonly json: Uint8Array | undefined;
}

export function inputRules(
  model: string,
  columns: readonly InputColumn[],
  { maxDepth, refuseUnknownFields, unbatched = false }: BodyLimits & { readonly unbatched?: boolean },
): InputRules {
  return {
    maxDepth,
    refuseUnknownFields,
    model,
    columns,
    names: new Set(columns.map(({ name }) => name)),
    integers: columns.filter(({ type }) => type === "int").map(({ name }) => name),
    unbatched,
  };
}

/** The body as text, checked for what JSON.parse does not check. @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP */
export function bodyText(body: Buffer, { maxDepth }: BodyLimits): string {
  if (body.length === 0) {
    throw wireErrors.WIRE_EMPTY_BODY.error("the body is empty", { hint: "Send a JSON object." });
  }
  if (!isUtf8(body)) throw wireErrors.WIRE_NOT_JSON.error("the body is not JSON: it is not UTF-8 text");
  const text = body.toString("utf8");
  if (mayNestDeeper(text, maxDepth) && nestsDeeper(body, maxDepth)) {
    throw wireErrors.WIRE_TOO_DEEP.error(`the body nests lists and objects deeper than ${maxDepth} levels`, {
      details: { limit: maxDepth },
    });
  }
  return text;
}

/** @throws WIRE_NOT_JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw wireErrors.WIRE_NOT_JSON.error(`the body is not JSON: ${reason}`, {
      cause: thrown,
      ...(/\b(NaN|Infinity)\b/.test(text)
        ? { hint: "JSON has no NaN and no Infinity: send null for a missing value." }
        : {}),
    });
  }
}

/** Counts opening brackets with the engine's fast search; a body with few of them cannot nest deeply. */
function mayNestDeeper(text: string, limit: number): boolean {
  let opened = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++opened > limit) return true;
    }
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function nestsDeeper(body: Buffer, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

export function isObject(value: unknown): value is InputRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** At and above this size neighbouring doubles are more than one apart. */
const INEXACT_FROM = 9_007_199_254_740_992;

export function mayBeInexact(value: unknown): boolean {
  return typeof value === "number" && (value >= INEXACT_FROM || value <= -INEXACT_FROM);
}

/** The first int field of a record whose value is so large that it may have lost digits. */
export function suspectInteger(record: InputRecord, rules: InputRules): string | undefined {
  const { integers } = rules;
  for (let i = 0; i < integers.length; i++) {
    if (mayBeInexact(record[integers[i]!])) return integers[i];
  }
  return undefined;
}

type SourcedReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

const keepInexact: SourcedReviver = (_key, value, { source }) => {
  if (!mayBeInexact(value) || source === undefined || !/^-?\d+$/.test(source)) return value;
  const exact = BigInt(source);
  return BigInt(value as number) === exact ? value : exact;
};

/** The same document, with every integer that a double cannot hold as a bigint. */
export function parseKeepingInexact(text: string): unknown {
  // TypeScript's library does not know the reviver's third argument yet.
  return JSON.parse(text, keepInexact as (key: string, value: unknown) => unknown);
}

export function inexactInteger(
  { model }: InputRules,
  at: { instance: number; field: string; value: bigint },
): SlipwayError {
  const { instance, field, value } = at;
  return wireErrors.WIRE_INEXACT_INTEGER.error(
    `model ${model}, instance ${instance}: field "${field}" is the integer ${value}, which cannot be represented exactly`,
    {
      details: { model, instance, field, got: String(value) },
      hint: "Integers beyond 2^53 lose their last digits in JSON numbers; declare the column as category to use it as a name.",
    },
  );
}

/** @throws WIRE_INEXACT_INTEGER for the first int value of the records that lost digits when it was parsed */
export function refuseInexact(exactRecords: readonly unknown[], rules: InputRules): void {
  for (const [instance, record] of exactRecords.entries()) {
    if (!isObject(record)) continue;
    for (const field of rules.integers) {
      const value = record[field];
      if (typeof value === "bigint") throw inexactInteger(rules, { instance, field, value });
    }
  }
}

/** @throws WIRE_UNKNOWN_FIELD */
export function refuseUnknown(records: readonly InputRecord[], rules: InputRules): void {
  for (const [instance, record] of records.entries()) {
    for (const field of Object.keys(record)) {
      if (!rules.names.has(field)) throw unknownField(rules, field, instance);
    }
  }
}

export function unknownField({ model }: InputRules, field: string, instance?: number): SlipwayError {
  const where = instance === undefined ? "" : `, instance ${instance}`;
  const shown = field.slice(0, 200);
  return wireErrors.WIRE_UNKNOWN_FIELD.error(
    `model ${model}${where}: the model does not read a field "${shown}"`,
    {
      details: { model, field: shown, ...(instance === undefined ? {} : { instance }) },
    },
  );
}

/** @param at the model the request is for, and the field or part of the body that is wrong */
export function badRequest(
  message: string,
  { model }: InputRules,
  at: { readonly field?: string; readonly instance?: number } = {},
): SlipwayError {
  const where = at.instance === undefined ? "" : `, instance ${at.instance}`;
  return wireErrors.WIRE_BAD_REQUEST.error(`model ${model}${where}: ${message}`, {
    details: { model, ...at },
  });
}

/** Turns columns of equal length into records. A column may be called `__proto__`. */
export function recordsOf(columns: ReadonlyMap<string, readonly unknown[]>, rowCount: number): InputRecord[] {
  const names = Array.from(columns.keys());
  const lists = Array.from(columns.values());
  const records: InputRecord[] = [];
  for (let row = 0; row < rowCount; row++) records.push(recordOf(names, lists, row));
  return records;
}

/** One record at a time: its fields are written while it is at hand. */
function recordOf(
  names: readonly string[],
  lists: readonly (readonly unknown[])[],
  row: number,
): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let column = 0; column < names.length; column++) {
    const name = names[column]!;
    const value = lists[column]![row];
    if (name === "__proto__")
      Object.defineProperty(record, name, { value, enumerable: true, configurable: true });
    else record[name] = value;
  }
  return record;
}

/** The shortest text that reads back as the same double, and as a float in every language: `3.0`, `0.1`, `1e+21`. */
export function floatText(value: number): string {
  const text = String(value);
  return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

/** Lists of `width` values each. */
export function floatLists(values: readonly number[], width: number): string {
  const lists: string[] = [];
  for (let at = 0; at < values.length; at += width) lists.push(floatList(values.slice(at, at + width)));
  return `[${lists.join(", ")}]`;
}

export function floatList(values: readonly number[]): string {
  let text = "[";
  for (let i = 0; i < values.length; i++)
    text += i === 0 ? floatText(values[i]!) : `, ${floatText(values[i]!)}`;
  return `${text}]`;
}
