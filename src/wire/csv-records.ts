import type { ColumnType } from "../kernel/index.ts";
import { badCsv, type CsvField, parseCsv } from "./csv.ts";
import {
  badRequest,
  type InputRecord,
  type InputRules,
  inexactInteger,
  recordsOf,
} from "./prediction-body.ts";

/** How pandas and its like write a number that is not there, beside nothing at all. */
const MISSING = new Set(["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", "<NA>"]);
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  ["0", false],
]);

/**
 * The records of comma-separated values whose first line names the columns; each field is read as the model's signature
 * says. A field with nothing in it is null, a quoted one an empty text.
 *
 * @throws WIRE_BAD_CSV naming line and column, WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER
 */
export function recordsOfCsv(text: string, rules: InputRules): InputRecord[] {
  const [header, ...rows] = parseCsv(text);
  if (header === undefined) throw badCsv(1, "the body has no line with the names of the columns");
  const names = header.fields.map((field) => field.text);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badCsv(header.line, "stands there twice", twice);
  for (const { line, fields } of rows)
    if (fields.length !== names.length)
      throw badCsv(line, `has ${fields.length} fields, the first line names ${names.length} columns`);
  if (rows.length === 0) throw badCsv(header.line, "no line follows the names of the columns");
  const columns = new Map<string, readonly unknown[]>();
  for (const [place, name] of names.entries()) {
    const column = rules.columns.find((candidate) => candidate.name === name);
    if (column?.shape !== undefined)
      throw badRequest(`input "${name}" is a tensor, which CSV cannot hold; send JSON`, rules, {
        field: name,
      });
    columns.set(
      name,
      rows.map(({ line, fields }, instance) => {
        const value = column === undefined ? fields[place]!.text : readField(fields[place]!, column.type);
        if (value instanceof Unreadable) throw badCsv(line, value.problem, name);
        if (typeof value === "bigint") throw inexactInteger(rules, { instance, field: name, value });
        return value;
      }),
    );
  }
  return recordsOf(columns, rows.length);
}

class Unreadable {
  readonly problem: string;

  constructor(text: string, wanted: string) {
    this.problem = `${JSON.stringify(text.slice(0, 80))} is not ${wanted}`;
  }
}

function readField(
  { text, isQuoted }: CsvField,
  type: ColumnType,
): string | number | boolean | bigint | null | Unreadable {
  switch (type) {
    case "int": {
      if (MISSING.has(text)) return null;
      // A column of integers with gaps is one of floats to pandas: 3.0.
      const digits = /^\s*([+-]?\d+)(?:\.0+)?\s*$/.exec(text)?.[1];
      if (digits === undefined) return new Unreadable(text, "a whole number");
      return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits.replace("+", ""));
    }
    case "float": {
      if (MISSING.has(text)) return null;
      const isNumber = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text);
      return isNumber && Number.isFinite(Number(text))
        ? Number(text)
        : new Unreadable(text, "a finite number");
    }
    case "bool":
      if (MISSING.has(text)) return null;
      return FLAGS.get(text) ?? new Unreadable(text, "true or false");
    case "timestamp":
      // Years have four digits, milliseconds since 1970 mostly more.
      return text === "" ? null : /^-?\d{5,16}$/.test(text) ? Number(text) : text;
    case "category":
    case "text":
      return text === "" && !isQuoted ? null : text;
  }
}
