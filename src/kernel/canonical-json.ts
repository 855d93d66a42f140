import { kernelErrors } from "./errors.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * JSON with exactly one spelling per value (RFC 8785): object keys sorted by UTF-16 code units, no white space,
 * numbers as ECMAScript prints them, −0 as 0. Members whose value is `undefined` are left out.
 *
 * @throws KERNEL_NOT_CANONICAL for NaN, infinities, functions, symbols, bigints and lone surrogates.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$");
}

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refuse(path, "a string with a lone surrogate");
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw refuse(path, String(value));
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value))
        return `[${value.map((item, index) => write(item, `${path}[${index}]`)).join(",")}]`;
      if (ArrayBuffer.isView(value)) throw refuse(path, "a typed array");
      return writeObject(value as Record<string, unknown>, path);
    default:
      throw refuse(path, `a ${typeof value}`);
  }
}

function writeObject(value: Record<string, unknown>, path: string): string {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${write(key, path)}:${write(member, `${path}.${key}`)}`);
  }
  return `{${members.join(",")}}`;
}

function refuse(path: string, what: string): Error {
  return kernelErrors.KERNEL_NOT_CANONICAL.error(`${path} is ${what}, which has no canonical JSON`, {
    details: { path },
  });
}
