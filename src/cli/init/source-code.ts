import { printable } from "../terminal.ts";

/** Pieces of TypeScript for the configuration that `slipway init` writes. */

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

const RESERVED = new Set(
  "await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield arguments eval undefined".split(
    " ",
  ),
);

export function quote(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (found) => `\\u${found.charCodeAt(0).toString(16)}`);
}

/** `row.Churn`, `row["loan amount"]` */
export function access(object: string, property: string): string {
  return IDENTIFIER.test(property) ? `${object}.${property}` : `${object}[${quote(property)}]`;
}

/** The name of a member in an object literal. */
export function memberName(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return IDENTIFIER.test(name) ? name : quote(name);
}

/** Text from data inside a `//` comment: one line, without what would steer a terminal or an editor. */
export function comment(text: string): string {
  return printable(text).replace(/\*\//g, "* /");
}

/** `Telco-Customer-Churn` → `telcoCustomerChurn`; `fallback` where nothing usable is left. */
export function identifierFrom(text: string, fallback: string): string {
  const words = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  const joined = words
    .map((word, index) =>
      index === 0 ? word.toLowerCase() : word.charAt(0).toUpperCase() + word.slice(1).toLowerCase(),
    )
    .join("");
  if (joined === "") return fallback;
  if (/^\d/.test(joined)) return fallback + joined;
  return RESERVED.has(joined) ? `${joined}Value` : joined;
}

export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text) && !RESERVED.has(text);
}
