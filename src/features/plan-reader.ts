import { featuresErrors } from "./errors.ts";

/** Reads of foreign JSON, each refusing what it does not expect. */

export type Json = unknown;

export function refusePlan(problem: string, where: string): Error {
  return featuresErrors.FEATURES_BAD_PLAN.error(`feature plan: ${where} ${problem}`, {
    details: { where, problem: `${where} ${problem}` },
  });
}

export function readObject(value: Json, where: string, members: readonly string[]): Record<string, Json> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusePlan("must be an object", where);
  }
  for (const name of Object.keys(value)) {
    if (!members.includes(name))
      throw refusePlan(`has an unknown member ${JSON.stringify(name.slice(0, 80))}`, where);
  }
  const own: Record<string, Json> = {};
  for (const name of members)
    own[name] = Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined;
  return own;
}

export function readList(value: Json, where: string, most: number): readonly Json[] {
  if (!Array.isArray(value)) throw refusePlan("must be a list", where);
  if (value.length > most) throw refusePlan(`has more than ${most} entries`, where);
  return value;
}

export function readText(value: Json, where: string): string {
  if (typeof value !== "string" || !value.isWellFormed())
    throw refusePlan("must be a well-formed text", where);
  return value;
}

export function readInteger(
  value: Json,
  where: string,
  range: { readonly least: number; readonly most: number },
): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < range.least || value > range.most) {
    throw refusePlan(`must be a whole number from ${range.least} to ${range.most}`, where);
  }
  return value + 0;
}

export function readNumber(value: Json, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw refusePlan("must be a finite number", where);
  return value + 0;
}

/** null is the missing number. */
export function readNumberOrMissing(value: Json, where: string): number {
  return value === null ? Number.NaN : readNumber(value, where);
}

export function readBoolean(value: Json, where: string): boolean {
  if (typeof value !== "boolean") throw refusePlan("must be true or false", where);
  return value;
}

export function readNumbers(value: Json, where: string, most: number): Float64Array {
  const given = readList(value, where, most);
  const numbers = new Float64Array(given.length);
  for (let at = 0; at < given.length; at++) numbers[at] = readNumberOrMissing(given[at], where);
  return numbers;
}

/** Strictly rising, none missing. */
export function readRising(value: Json, where: string, most: number): Float64Array {
  const numbers = readNumbers(value, where, most);
  for (let at = 0; at < numbers.length; at++) {
    const before = at === 0 ? Number.NEGATIVE_INFINITY : numbers[at - 1]!;
    if (!(numbers[at]! > before)) throw refusePlan("must be numbers in strictly rising order", where);
  }
  return numbers;
}
