import type { JsonValue } from "../kernel/index.ts";
import type { SchemaChange } from "./anomaly.ts";

/** Plain data with the options at the paths set; what is on the way to them and not there is made. */
export function applyChanges<Spec extends object>(spec: Spec, changes: readonly SchemaChange[]): Spec {
  const copy = structuredClone(spec) as Record<string, JsonValue>;
  for (const { path, value } of changes) setOption(copy, path, value);
  return copy as Spec;
}

function setOption(object: Record<string, JsonValue>, path: readonly string[], value: JsonValue): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) define(object, name, value);
  else {
    const there = Object.hasOwn(object, name) ? object[name] : undefined;
    const inner = isObject(there) ? there : {};
    define(object, name, inner);
    setOption(inner, rest, value);
  }
}

/** A column may be called `__proto__`. */
function define(object: Record<string, JsonValue>, name: string, value: JsonValue): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: JsonValue | undefined): value is Record<string, JsonValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
