import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import { type CustomCall, customNumber, customText } from "./custom/custom-column.ts";
import { featuresErrors } from "./errors.ts";
import { generateFunction, type Layout, type RowProgram } from "./generated-code.ts";
import type { CheckedPlan } from "./plan-check.ts";
import { countHashedWords, countPoints, countWords, hashText } from "./text-hash.ts";

/** Reads the fields of one decoded JSON record and evaluates it into `out`. */
export type RecordProgram = (
  record: Readonly<Record<string, unknown>>,
  out: Float64Array,
  derived?: ArrayLike<number>,
) => void;

interface Field {
  readonly name: string;
  readonly type: ColumnType;
  readonly optional: boolean;
}

const EXPECTED: Readonly<Record<ColumnType, string>> = {
  int: "a whole number",
  float: "a finite number",
  bool: "true or false",
  timestamp: "an ISO 8601 time or milliseconds since 1970",
  category: "a string",
  text: "a string",
};

/**
 * Like the kernel, a generated function of calls to named readers; it fills the slots of one row and runs the kernel on
 * it. Field names enter its text as JSON strings; names that every object inherits are read as own properties only.
 */
export function generateRecordProgram(
  plan: CheckedPlan,
  layout: Layout,
  { evaluateRows, calls }: { readonly evaluateRows: RowProgram; readonly calls: readonly CustomCall[] },
): RecordProgram {
  const constants: object[] = [];
  const constant = (given: object): string => `k${constants.push(given) - 1}`;
  const slots = constant(new Float64Array(layout.slotWidth));
  const body = [`checkRecord(r, O, ${constant({ width: layout.outputWidth })});`];
  if (plan.derived.length > 0) body.push(`checkDerived(D, ${constant(plan.derived)});`);
  for (const [at, { name, type, optional }] of plan.columns.entries()) {
    const text = JSON.stringify(name);
    const read = name in Object.prototype ? `own(r, ${text})` : `r[${text}]`;
    const field: Field = { name, type, optional: optional === true };
    body.push(`const f${at} = ${readerOf[type]}(${read}, ${constant(field)});`);
  }
  for (const [at, { type, reads }] of plan.custom.entries()) {
    const read = type === "category" ? "customText" : "customNumber";
    const fields = reads.map((column) => `f${column}`).join(", ");
    body.push(`const f${plan.columns.length + at} = ${read}(${constant(calls[at]!)}, [${fields}]);`);
  }
  for (const [at, slot] of plan.slots.entries()) {
    const place = `${slots}[${layout.slotPlaces[at]!}]`;
    switch (slot.read) {
      case "fold":
        body.push(`${place} = -1;`);
        break;
      case "derived":
        body.push(`${place} = D[${slot.derived}];`);
        break;
      case "number":
        body.push(`${place} = f${slot.column};`);
        break;
      case "code": {
        const codes = codesOf(plan.dictionaries[slot.dictionary]!);
        body.push(`${place} = codeOf(f${slot.column}, ${constant(codes)});`);
        break;
      }
      case "words": {
        const places = { start: layout.slotPlaces[at]!, stride: 1, buckets: slot.buckets };
        body.push(`wordsOf(f${slot.column}, ${slots}, ${constant(places)});`);
        break;
      }
      default:
        body.push(`${place} = ${slot.read}Of(f${slot.column});`);
    }
  }
  return generateFunction<RecordProgram>({ functions: { ...readers, evaluateRows }, constants }, [
    `return function evaluateRecord(r, O${plan.derived.length > 0 ? ", D" : ""}) {`,
    ...body,
    `evaluateRows(${slots}, O, 1, 1);`,
    "};",
  ]);
}

/** The code of each text of a dictionary. */
export function codesOf(dictionary: readonly string[]): ReadonlyMap<string, number> {
  return new Map(dictionary.map((text, code) => [text, code]));
}

/** NaN for missing, −1 for a text that is not in the dictionary. */
export function codeOf(text: string | null, codes: ReadonlyMap<string, number>): number {
  if (text === null) return Number.NaN;
  const code = codes.get(text);
  if (code !== undefined) return code;
  // Dictionaries are well-formed; only what they do not know need be looked at twice.
  return text.isWellFormed() ? -1 : (codes.get(text.toWellFormed()) ?? -1);
}

export function hashOf(text: string | null): number {
  return text === null ? Number.NaN : hashText(text);
}

export function lengthOf(text: string | null): number {
  return text === null ? Number.NaN : countPoints(text);
}

export function wordCountOf(text: string | null): number {
  return text === null ? Number.NaN : countWords(text);
}

interface WordPlaces {
  readonly start: number;
  readonly stride: number;
  readonly buckets: number;
}

/** Counts the words of a text into its places, which are all 0 for a missing text. */
export function wordsOf(text: string | null, slots: Float64Array, places: WordPlaces): void {
  for (let at = 0; at < places.buckets; at++) slots[places.start + at * places.stride] = 0;
  if (text !== null) countHashedWords(text, slots, places);
}

const readerOf = {
  int: "intField",
  float: "floatField",
  bool: "boolField",
  timestamp: "timeField",
  category: "textField",
  text: "textField",
} as const satisfies Record<ColumnType, keyof typeof readers>;

const readers = {
  customNumber,
  customText,
  checkRecord,
  checkDerived,
  own,
  intField,
  floatField,
  boolField,
  timeField,
  textField,
  codeOf,
  hashOf,
  lengthOf,
  wordCountOf,
  wordsOf,
};

function checkRecord(record: unknown, out: Float64Array, { width }: { readonly width: number }): void {
  if (typeof record !== "object" || record === null) {
    throw featuresErrors.FEATURES_BAD_FIELD.error(`a record must be an object, got ${kindOf(record)}`, {
      details: { field: "", expected: "an object", got: kindOf(record) },
    });
  }
  if (out.length < width) {
    throw featuresErrors.FEATURES_BAD_TABLE.error(
      `the result needs ${width} places, the array given has ${out.length}`,
    );
  }
}

function checkDerived(values: ArrayLike<number> | undefined, derived: CheckedPlan["derived"]): void {
  if (values !== undefined && values.length >= derived.length) return;
  throw featuresErrors.FEATURES_BAD_TABLE.error(
    `the plan has ${derived.length} derived columns, ${values?.length ?? 0} values were given`,
    { details: { column: derived[values?.length ?? 0]!.name } },
  );
}

function own(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function intField(value: unknown, field: Field): number {
  return typeof value === "number" && Number.isInteger(value) ? value : missingNumber(value, field);
}

function floatField(value: unknown, field: Field): number {
  return typeof value === "number" && value - value === 0 ? value : missingNumber(value, field);
}

function boolField(value: unknown, field: Field): number {
  return value === true ? 1 : value === false ? 0 : missingNumber(value, field);
}

function timeField(value: unknown, field: Field): number {
  if (typeof value === "string") {
    const ms = parseIsoTime(value);
    return !Number.isNaN(ms) ? ms : missingNumber(value, field);
  }
  return typeof value === "number" && value - value === 0 ? value : missingNumber(value, field);
}

function textField(value: unknown, field: Field): string | null {
  if (typeof value === "string") return value;
  missingNumber(value, field);
  return null;
}

/**
 * A category or text of a record, null where it is missing.
 *
 * @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD
 */
export function readTextField(
  record: Readonly<Record<string, unknown>>,
  { name, optional }: { readonly name: string; readonly optional: boolean },
): string | null {
  return textField(own(record, name), { name, type: "category", optional });
}

/** NaN when the value may be missing and is; otherwise the error that tells the client what to send. */
function missingNumber(value: unknown, field: Field): number {
  if (value === null || (value === undefined && field.optional)) return Number.NaN;
  const expected = EXPECTED[field.type];
  const name = field.name;
  if (value === undefined) {
    throw featuresErrors.FEATURES_MISSING_FIELD.error(`field ${JSON.stringify(name)} is missing`, {
      details: { field: name, expected, got: "nothing" },
      hint: `send ${expected}, or null if the value is not known`,
    });
  }
  const got = kindOf(value);
  throw featuresErrors.FEATURES_BAD_FIELD.error(
    `field ${JSON.stringify(name)} must be ${expected} or null, got ${got}`,
    { details: { field: name, expected, got } },
  );
}

/** What a client sent, short enough to print. */
function kindOf(value: unknown): string {
  switch (typeof value) {
    case "string": {
      const text = value.toWellFormed();
      return `the string ${JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text).toWellFormed()}`;
    }
    case "number":
      return `the number ${value}`;
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "a list" : "an object";
    default:
      return typeof value === "undefined" ? "nothing" : `a ${typeof value}`;
  }
}
