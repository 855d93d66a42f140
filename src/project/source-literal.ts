import type { JsonValue } from "../kernel/index.ts";

const WIDTH = 100;

/** A value as TypeScript, on one line where it fits behind `indent` blanks. */
export function sourceLiteral(value: JsonValue, indent: number): string {
  const flat = flatLiteral(value);
  if (indent + flat.length <= WIDTH || typeof value !== "object" || value === null) return flat;
  const inner = " ".repeat(indent + 2);
  const close = " ".repeat(indent);
  if (!Array.isArray(value)) {
    const members = Object.entries(value).map(
      ([name, item]) => `${inner}${sourceName(name)}: ${sourceLiteral(item, indent + 2)},\n`,
    );
    return `{\n${members.join("")}${close}}`;
  }
  const lines: string[] = [];
  for (const item of value.map((each: JsonValue) => `${flatLiteral(each)},`)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length + 1 <= WIDTH)
      lines[lines.length - 1] = `${last} ${item}`;
    else lines.push(`${inner}${item}`);
  }
  return `[\n${lines.join("\n")}\n${close}]`;
}

function flatLiteral(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(flatLiteral).join(", ")}]`;
  if (typeof value !== "object" || value === null) return quoted(value);
  const members = Object.entries(value).map(([name, item]) => `${sourceName(name)}: ${flatLiteral(item)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

function quoted(value: JsonValue): string {
  return JSON.stringify(value).replace(
    /[\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16)}`,
  );
}

/** The name of a member of an object literal. */
export function sourceName(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}
