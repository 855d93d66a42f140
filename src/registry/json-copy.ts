import { canonicalJson, type JsonValue } from "../kernel/index.ts";

/** A copy of a value as JSON; `undefined` becomes `null`. @throws KERNEL_NOT_CANONICAL */
export function jsonCopy(value: unknown): JsonValue {
  return value === undefined ? null : JSON.parse(canonicalJson(value));
}
