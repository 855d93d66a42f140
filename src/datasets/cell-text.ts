import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import type { TextRules } from "./text-values.ts";
import { timeParser } from "./time-format.ts";

const WHOLE = /^[+-]?\d+(?:_\d+)*(?:\.0*)?$/;
const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const BOOL = /^(?:true|t|yes|y|1|false|f|no|n|0)$/i;
const LARGEST = 0x7fff_ffff_ffff_ffffn;
const SMALLEST = -0x8000_0000_0000_0000n;

/** Says what is wrong with a text as a value of a column; undefined when nothing is. */
export type CellCheck = (text: string) => string | undefined;

/** The rules by which the table engine's casts are guarded, once more in JavaScript: to explain a refusal and to infer types. */
export function cellCheck(type: ColumnType, rules: TextRules): CellCheck {
  const nulls = new Set(rules.nullValues);
  const check = valueCheck(type, rules);
  return (text) => (nulls.has(text) || nulls.has(trimBlanks(text)) ? undefined : check(trimBlanks(text)));
}

/** Without spaces and tabs at both ends. */
export function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function valueCheck(type: ColumnType, rules: TextRules): CellCheck {
  switch (type) {
    case "int":
      return (text) => {
        if (!WHOLE.test(text)) {
          return DECIMAL.test(text) ? "is not a whole number" : "is not a number";
        }
        const value = BigInt(text.replace(/\..*|^\+|_/g, ""));
        return value > LARGEST || value < SMALLEST ? "does not fit a 64-bit integer" : undefined;
      };
    case "float":
      return (text) => {
        if (/^nan$/i.test(text)) return undefined;
        if (/^[+-]?inf(?:inity)?$/i.test(text)) return "is infinite";
        if (!DECIMAL.test(text)) return "is not a number";
        return Number.isFinite(Number(text.replaceAll("_", "")))
          ? undefined
          : "is too large for a 64-bit float";
      };
    case "bool":
      return (text) => (BOOL.test(text) ? undefined : "is neither true nor false");
    case "timestamp": {
      const parse = rules.timestampFormat === undefined ? parseIsoTime : timeParser(rules.timestampFormat);
      const expected = rules.timestampFormat ?? "ISO 8601";
      return (text) => (Number.isNaN(parse(text)) ? `is not a time (${expected})` : undefined);
    }
    case "category":
    case "text":
    case "image":
      return () => undefined;
  }
}
