import type { ColumnType } from "../kernel/index.ts";
import type { SourceSpec } from "./spec.ts";
import { sqlText } from "./sql-quoting.ts";

/** How texts of one source become values. */
export interface TextRules {
  readonly nullValues: readonly string[];
  readonly trim: boolean;
  readonly timestampFormat?: string;
}

export function textRulesOf(source: SourceSpec): TextRules {
  return {
    nullValues: [...new Set(["", ...(source.nullValues ?? [])])],
    trim: source.trim ?? false,
    ...(source.timestampFormat === undefined ? {} : { timestampFormat: source.timestampFormat }),
  };
}

// --- texts ---

const BLANKS = "' ' || chr(9)";
const WHOLE_NUMBER = "'[+-]?[0-9]+(_[0-9]+)*(\\.0*)?'";
const TRUE_TEXTS = ["true", "t", "yes", "y", "1"];
const FALSE_TEXTS = ["false", "f", "no", "n", "0"];
const ISO_TIME =
  "'[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?'";

/** A text, and the engine's own reading of it as a number of the column's type, which is null where it has none. */
export interface TextField {
  readonly text: string;
  readonly number?: string;
}

/** The engine's reading that `textToValue` makes use of, for columns that have one. */
export function numberOf(field: string, type: ColumnType): string | undefined {
  if (type === "int") return `TRY_CAST(${field} AS BIGINT)`;
  return type === "float" ? `TRY_CAST(${field} AS DOUBLE)` : undefined;
}

/**
 * SQL that turns a text into a value of `type`, or fails. DuckDB's own casts are too kind for data that must mean the same
 * everywhere (3.5 becomes the integer 4, the offset of a time is ignored), so each is guarded. The common spelling comes
 * first because it decides the speed.
 */
export function textToValue(field: TextField, type: ColumnType, rules: TextRules): string {
  return guardedValue(field, type, { rules, fail: `ELSE error('not a ${type}: ' || ${field.text})` });
}

/** SQL that is true for a text that `textToValue` refuses. */
export function refusedText(field: TextField, type: ColumnType, rules: TextRules): string {
  const { text } = field;
  const present = `${text} IS NOT NULL AND NOT ${isOneOf(`trim(${text}, ${BLANKS})`, rules.nullValues)}`;
  return `(${present} AND TRY(${guardedValue(field, type, { rules, fail: "" })}) IS NULL)`;
}

function guardedValue(
  field: TextField,
  type: ColumnType,
  { rules, fail }: { readonly rules: TextRules; readonly fail: string },
): string {
  const { text } = field;
  const trimmed = `trim(${text}, ${BLANKS})`;
  const missing = `WHEN ${text} IS NULL OR ${isOneOf(trimmed, rules.nullValues)} THEN NULL`;
  // A number that means "missing" must be found before it is taken for a number.
  const someNumber = rules.nullValues.some(
    (nullValue) => nullValue !== "" && !Number.isNaN(Number(nullValue)),
  );
  const first = someNumber ? missing : "";
  const rest = someNumber ? "" : missing;
  const number = field.number ?? numberOf(text, type) ?? "NULL";
  switch (type) {
    case "int":
      return (
        `CASE ${first} WHEN ${number}::VARCHAR = ${text} THEN ${number} ${rest} ` +
        `WHEN regexp_full_match(${trimmed}, ${WHOLE_NUMBER}) THEN CAST(${trimmed} AS BIGINT) ${fail} END`
      );
    case "float":
      // DuckDB's number may have blanks around it.
      return (
        `CASE ${first} WHEN isfinite(${number}) THEN ${number} + 0.0 ${rest} ` +
        `WHEN isfinite(TRY_CAST(${trimmed} AS DOUBLE)) THEN TRY_CAST(${trimmed} AS DOUBLE) + 0.0 ` +
        `WHEN lower(${trimmed}) = 'nan' THEN NULL ${fail} END`
      );
    case "bool":
      return (
        `CASE ${first} WHEN ${text} = 'true' THEN true WHEN ${text} = 'false' THEN false ${rest} ` +
        `WHEN ${isOneOf(`lower(${trimmed})`, TRUE_TEXTS)} THEN true ` +
        `WHEN ${isOneOf(`lower(${trimmed})`, FALSE_TEXTS)} THEN false ${fail} END`
      );
    case "timestamp":
      return `CASE ${first} ${timeBranches({ text, trimmed }, rest, rules.timestampFormat)} ${fail} END`;
    case "category":
    case "text":
      if (rules.trim) return `CASE ${missing} ELSE ${trimmed} END`;
      // Texts that begin with a blank, and the empty one, come before "!"; the others need no trimming.
      if (rules.nullValues.length > 1) return `CASE ${missing} ELSE ${text} END`;
      return `CASE WHEN ${text} < '!' AND ${trimmed} = '' THEN NULL ELSE ${text} END`;
  }
}

/** Digits after the unit of an epoch format down to microseconds. */
const EPOCH_DIGITS: Readonly<Record<string, 3 | 6>> = { "epoch-seconds": 6, "epoch-milliseconds": 3 };

function epochBranches(field: string, trimmed: string, options: { rest: string; digits: 3 | 6 }): string {
  const { rest, digits } = options;
  const unit = digits === 6 ? 1_000_000 : 1000;
  const whole = `TRY_CAST(${field} AS BIGINT)`;
  // A DECIMAL of 18 digits is a 64-bit integer inside; wider ones cost two hundred times as much to parse.
  const decimal = `CAST(CAST(${trimmed} AS DECIMAL(18, ${digits})) AS DECIMAL(38, ${digits}))`;
  return (
    `WHEN ${whole}::VARCHAR = ${field} THEN make_timestamp(${whole} * ${unit}) ${rest} ` +
    `WHEN regexp_full_match(${trimmed}, '[+-]?[0-9]+(\\.[0-9]{0,${digits}})?') ` +
    `THEN make_timestamp(CAST(${decimal} * ${unit} AS BIGINT))`
  );
}

/** Not `IN`: DuckDB makes a join of a long list, and joins lose the order of rows. */
function isOneOf(field: string, texts: readonly string[]): string {
  if (texts.length > 2) return `list_contains([${texts.map(sqlText).join(", ")}], ${field})`;
  return `(${texts.map((text) => `${field} = ${sqlText(text)}`).join(" OR ")})`;
}

function timeBranches(
  texts: { text: string; trimmed: string },
  rest: string,
  format: string | undefined,
): string {
  const { text: field, trimmed } = texts;
  const digits = format === undefined ? undefined : EPOCH_DIGITS[format];
  if (digits !== undefined) return epochBranches(field, trimmed, { rest, digits });
  if (format !== undefined) {
    const parsed = `try_strptime(${trimmed}, ${sqlText(format)})`;
    // DuckDB takes the year 24 for a %Y too.
    const fourDigits = format.includes("%Y") ? ` AND year(${parsed}) >= 1000` : "";
    return `${rest} WHEN ${parsed} IS NOT NULL${fourDigits} THEN CAST(${parsed} AS TIMESTAMP)`;
  }
  // DuckDB wants seconds before a zone.
  const withSeconds = `regexp_replace(${trimmed}, '([ T][0-9]{2}:[0-9]{2})(Z|[+-])', '\\1:00\\2')`;
  return (
    `WHEN ${field} LIKE '____-__-__ __:__:__' OR ${field} LIKE '____-__-__' THEN CAST(${field} AS TIMESTAMP) ${rest} ` +
    `WHEN regexp_full_match(${trimmed}, ${ISO_TIME}) THEN CAST(CAST(${withSeconds} AS TIMESTAMPTZ) AS TIMESTAMP)`
  );
}

// --- JSON ---

export function jsonToValue(field: string, type: ColumnType, rules: TextRules): string {
  const text = `CAST(${field} AS VARCHAR)`;
  const inner = `(${field} ->> '$')`;
  const common = `WHEN ${field} IS NULL OR ${text} = 'null' THEN NULL`;
  const isString = `starts_with(${text}, '"')`;
  const isNumber = `regexp_full_match(${text}, '-?[0-9].*')`;
  const fail = `ELSE error('not a ${type}: ' || ${text})`;
  switch (type) {
    case "int":
      return (
        `CASE ${common} WHEN TRY_CAST(${text} AS BIGINT)::VARCHAR = ${text} THEN TRY_CAST(${text} AS BIGINT) ` +
        `WHEN regexp_full_match(${text}, '-?[0-9]+(\\.0*)?') THEN CAST(${text} AS BIGINT) ` +
        `WHEN ${isNumber} AND TRY_CAST(${text} AS DOUBLE) = TRY_CAST(TRY_CAST(${text} AS DOUBLE) AS BIGINT)::DOUBLE ` +
        `THEN CAST(CAST(${text} AS DOUBLE) AS BIGINT) ${fail} END`
      );
    case "float":
      return `CASE ${common} WHEN ${isNumber} AND isfinite(TRY_CAST(${text} AS DOUBLE)) THEN TRY_CAST(${text} AS DOUBLE) + 0.0 ${fail} END`;
    case "bool":
      return `CASE ${common} WHEN ${text} = 'true' THEN true WHEN ${text} = 'false' THEN false ${fail} END`;
    case "timestamp": {
      const asText = textToValue({ text: inner }, "timestamp", rules);
      const digits = EPOCH_DIGITS[rules.timestampFormat ?? ""] ?? 3;
      const unit = digits === 6 ? 1_000_000 : 1000;
      const epoch =
        epochBranches(text, text, { rest: "", digits }) +
        ` WHEN ${isNumber} THEN make_timestamp(CAST(CAST(${text} AS DOUBLE) * ${unit} AS BIGINT))`;
      return `CASE ${common} WHEN ${isString} THEN ${asText} ${epoch} ${fail} END`;
    }
    case "category":
    case "text":
      return `CASE ${common} WHEN ${isString} THEN ${inner} ${fail} END`;
  }
}
