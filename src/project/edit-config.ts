import type { SchemaChange } from "../datasets/spec.ts";
import type { JsonValue } from "../kernel/index.ts";
import { sourceLiteral, sourceName } from "./source-literal.ts";
import { isPlainLiteral, maskSource, type ObjectLiteral, objectAt } from "./source-object.ts";

/**
 * The source of a config with options of one `dataset({ … })` changed, or undefined where they are not written out there
 * (a variable, a spread, a call): then only its author can say what should become of them.
 *
 * @param expected the dataset's specification with all changes made
 */
export function editDataset(
  source: string,
  dataset: string,
  { changes, expected }: { readonly changes: readonly SchemaChange[]; readonly expected: JsonValue },
): string | undefined {
  let text: string | undefined = source;
  for (const change of changes) {
    if (text === undefined) return undefined;
    text = editOption(text, dataset, { change, expected });
  }
  return text;
}

function editOption(
  text: string,
  dataset: string,
  { change, expected }: { readonly change: SchemaChange; readonly expected: JsonValue },
): string | undefined {
  const masked = maskSource(text);
  const start = optionsStart(masked, dataset);
  let object = start === undefined ? undefined : objectAt(text, masked, start);
  for (const [depth, name] of change.path.entries()) {
    if (object === undefined || object.members.some((member) => member.name === undefined)) return undefined;
    const member = object.members.find((candidate) => candidate.name === name);
    const path = change.path.slice(depth + 1);
    if (member === undefined) return insertMember(text, object, { name, value: nested(path, change.value) });
    const value = masked.slice(member.valueStart, member.valueEnd);
    if (path.length > 0 && value.startsWith("{")) {
      object = objectAt(text, masked, member.valueStart);
      continue;
    }
    if (!isPlainLiteral(value)) return undefined;
    const becomes = path.length === 0 ? change.value : valueAt(expected, change.path.slice(0, depth + 1));
    const indent = indentAt(text, member.valueStart);
    return splice(text, member.valueStart, member.valueEnd, sourceLiteral(becomes, indent));
  }
  return undefined;
}

/** Where the options of `const NAME = dataset({` begin, when there is exactly one such place. */
function optionsStart(masked: string, dataset: string): number | undefined {
  const name = dataset.replace(/[$-]/g, "\\$&");
  const pattern = new RegExp(
    `\\b(?:const|let|var)\\s+${name}\\s*(?::[^=;]*)?=\\s*(?:[\\w$]+\\s*\\.\\s*)?dataset\\s*\\(\\s*\\{`,
    "g",
  );
  const [found, another] = [...masked.matchAll(pattern)];
  return found === undefined || another !== undefined ? undefined : found.index + found[0].length - 1;
}

function insertMember(
  text: string,
  object: ObjectLiteral,
  { name, value }: { readonly name: string; readonly value: JsonValue },
): string {
  const inside = text.slice(object.start, object.end);
  const comma = object.members.length === 0 || object.trailingComma ? "" : ",";
  if (!inside.includes("\n")) {
    const written = `${sourceName(name)}: ${sourceLiteral(value, indentAt(text, object.start) + 2)}`;
    const lead = object.members.length === 0 ? " " : `${object.trailingComma ? "," : comma} `;
    return splice(text, object.lastEnd, object.end, `${lead}${written} `);
  }
  const lineStart = text.lastIndexOf("\n", object.end) + 1;
  const indent = indentAt(text, object.start) + 2;
  const member = `${" ".repeat(indent)}${sourceName(name)}: ${sourceLiteral(value, indent)},\n`;
  const ownLine = text.slice(lineStart, object.end).trim() === "";
  const inserted = ownLine
    ? splice(text, lineStart, lineStart, member)
    : splice(text, object.end, object.end, `\n${member}${" ".repeat(indent - 2)}`);
  return splice(inserted, object.lastEnd, object.lastEnd, comma);
}

/** Blanks at the beginning of the line of a place. */
function indentAt(text: string, place: number): number {
  const line = text.slice(text.lastIndexOf("\n", place - 1) + 1);
  return line.length - line.trimStart().length;
}

function splice(text: string, from: number, to: number, instead: string): string {
  return text.slice(0, from) + instead + text.slice(to);
}

/** `{ a: { b: value } }` for the path a, b. */
export function nested(path: readonly string[], value: JsonValue): JsonValue {
  return path.reduceRight<JsonValue>((inner, name) => ({ [name]: inner }), value);
}

function valueAt(value: JsonValue, path: readonly string[]): JsonValue {
  let inner = value;
  for (const name of path) {
    if (typeof inner !== "object" || inner === null) return null;
    inner = (inner as Readonly<Record<string, JsonValue>>)[name] ?? null;
  }
  return inner;
}
