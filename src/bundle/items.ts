import { canonicalJson, type JsonValue } from "../kernel/index.ts";

const FORMAT = "slipway.items/1";

export type ItemValue = string | number | boolean | null;

/** The items that a snapshot knows, for models that recommend: one row of columns for each, by rising key. */
export interface KnownItems {
  /** The column that tells items apart. */
  readonly key: string;
  /** The key first. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ItemValue[])[];
}

export function encodeItems({ key, columns, rows }: KnownItems): Uint8Array {
  return Buffer.from(canonicalJson({ format: FORMAT, key, columns, rows }));
}

/** The items of a file, or what is wrong with it. */
export function parseItems(value: JsonValue): KnownItems | { readonly fault: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { fault: "is no list of items" };
  const { format, key, columns, rows } = value as Readonly<Record<string, JsonValue>>;
  if (format !== FORMAT) return { fault: `has the format ${JSON.stringify(format)?.slice(0, 80)}` };
  if (
    typeof key !== "string" ||
    !isTexts(columns) ||
    columns[0] !== key ||
    new Set(columns).size < columns.length
  ) {
    return { fault: "has bad columns" };
  }
  const isRow = (row: JsonValue): row is ItemValue[] =>
    Array.isArray(row) &&
    row.length === columns.length &&
    row.every((cell) => typeof cell !== "object" || cell === null);
  if (!Array.isArray(rows) || !rows.every(isRow)) return { fault: "has bad rows" };
  const keys = rows.map(([first]) => first);
  if (keys.some((first) => first === null) || new Set(keys).size < keys.length)
    return { fault: "has an item twice" };
  return { key, columns, rows };
}

function isTexts(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
