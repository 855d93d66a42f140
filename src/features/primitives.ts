import { civilFromDays, log as kernelLog, log1p as kernelLog1p } from "../kernel/index.ts";
import { mixHashes } from "./text-hash.ts";

/**
 * The arithmetic of the feature kernel: total functions of doubles. What goes in and what comes out is either finite,
 * and then never −0, or the one NaN, which stands for missing. Flags are 0 or 1. Categories are codes from 0, with −1
 * for a category not seen in training.
 */

/** A constant of this module costs a fraction of the bytecode of `Number.NaN`, and small functions are inlined. */
const MISSING: number = Number.NaN;

const MS_PER_MINUTE = 60_000;
const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
const LARGEST_TIME_MS = 8_640_000_000_000_000;

/** The form in which every number enters and leaves: x − x is NaN for infinities, x + 0 turns −0 into 0. */
export function number(x: number): number {
  return x - x === 0 ? x + 0 : MISSING;
}

export function add(a: number, b: number): number {
  return number(a + b);
}

export function subtract(a: number, b: number): number {
  return number(a - b);
}

export function multiply(a: number, b: number): number {
  return number(a * b);
}

export function divide(a: number, b: number): number {
  return number(a / b);
}

export function minimum(a: number, b: number): number {
  return a <= b ? a : b <= a ? b : MISSING;
}

export function maximum(a: number, b: number): number {
  return a >= b ? a : b >= a ? b : MISSING;
}

export function negate(x: number): number {
  return number(0 - x);
}

export function absolute(x: number): number {
  return x < 0 ? -x : x;
}

export function log(x: number): number {
  return number(kernelLog(x));
}

export function log1p(x: number): number {
  return number(kernelLog1p(x));
}

export function squareRoot(x: number): number {
  return number(Math.sqrt(x));
}

export interface ClipLimits {
  readonly low: number;
  readonly high: number;
}

export function clip(x: number, limits: ClipLimits): number {
  if (x < limits.low) return limits.low;
  if (x > limits.high) return limits.high;
  return x;
}

export interface Rounding {
  /** A power of ten of at least 1. */
  readonly power: number;
  /** True to round before the decimal point: x ÷ power is made whole. */
  readonly coarse: boolean;
}

export function round(x: number, rounding: Rounding): number {
  const scaled = rounding.coarse ? x / rounding.power : x * rounding.power;
  // Beyond 2^52 a double has no fraction left to round.
  if (!(scaled > -4_503_599_627_370_496 && scaled < 4_503_599_627_370_496)) return x;
  const whole = Math.floor(scaled + 0.5);
  return number(rounding.coarse ? whole * rounding.power : whole / rounding.power);
}

export function above(a: number, b: number): number {
  return a > b ? 1 : a <= b ? 0 : MISSING;
}

export function atLeast(a: number, b: number): number {
  return a >= b ? 1 : a < b ? 0 : MISSING;
}

export function below(a: number, b: number): number {
  return a < b ? 1 : a >= b ? 0 : MISSING;
}

export function atMost(a: number, b: number): number {
  return a <= b ? 1 : a > b ? 0 : MISSING;
}

export function equals(a: number, b: number): number {
  return a === b ? 1 : a < b || a > b ? 0 : MISSING;
}

export function between(x: number, low: number, high: number): number {
  return and(atLeast(x, low), atMost(x, high));
}

export function when(flag: number, yes: number, no: number): number {
  return flag === 1 ? yes : flag === 0 ? no : MISSING;
}

/** Kleene's three-valued logic. */
export function and(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : MISSING;
}

export function or(a: number, b: number): number {
  return a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : MISSING;
}

export function not(a: number): number {
  return a === 0 ? 1 : a === 1 ? 0 : MISSING;
}

export function isMissing(x: number): number {
  return Number.isNaN(x) ? 1 : 0;
}

/** Whole days since 1970; missing outside the years −271,821 to 275,760. */
export function dayNumber(ms: number): number {
  return ms >= -LARGEST_TIME_MS && ms <= LARGEST_TIME_MS ? Math.floor(Math.floor(ms) / MS_PER_DAY) : MISSING;
}

/** The date of a day number, packed as `civilFromDays` does. */
export function civilDate(day: number): number {
  return Number.isNaN(day) ? MISSING : civilFromDays(day);
}

export function year(date: number): number {
  return Number.isNaN(date) ? MISSING : date >> 9;
}

export function month(date: number): number {
  return Number.isNaN(date) ? MISSING : (date >> 5) & 15;
}

export function dayOfMonth(date: number): number {
  return Number.isNaN(date) ? MISSING : date & 31;
}

const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

export function dayOfYear(date: number): number {
  if (Number.isNaN(date)) return MISSING;
  const years = date >> 9;
  const months = (date >> 5) & 15;
  const isLeap = years % 4 === 0 && (years % 100 !== 0 || years % 400 === 0);
  return DAYS_BEFORE_MONTH[months]! + (date & 31) + (isLeap && months > 2 ? 1 : 0);
}

/** 0 is Monday: 1970-01-01 was a Thursday. */
export function dayOfWeek(day: number): number {
  return day - 4 - Math.floor((day - 4) / 7) * 7;
}

export function hourOfDay(ms: number, day: number): number {
  return Math.floor((Math.floor(ms) - day * MS_PER_DAY) / MS_PER_HOUR);
}

export function minuteOfHour(ms: number, day: number): number {
  return Math.floor(((Math.floor(ms) - day * MS_PER_DAY) % MS_PER_HOUR) / MS_PER_MINUTE);
}

export function hoursSince(ms: number, since: number): number {
  return number((ms - since) / MS_PER_HOUR);
}

export function daysSince(ms: number, since: number): number {
  return number((ms - since) / MS_PER_DAY);
}

export interface Constant {
  readonly value: number;
}

export function constant(given: Constant): number {
  return given.value;
}

export function fill(x: number, substitute: Constant): number {
  return Number.isNaN(x) ? substitute.value : x;
}

export interface Standard {
  readonly mean: number;
  /** Zero when all training values were equal. */
  readonly deviation: number;
}

export function standardized(x: number, standard: Standard): number {
  return standard.deviation === 0 && !Number.isNaN(x) ? 0 : number((x - standard.mean) / standard.deviation);
}

export interface Bounds {
  /** Rising. */
  readonly bounds: Float64Array;
}

/** The number of bounds at or below x. */
export function bucket(x: number, { bounds }: Bounds): number {
  if (Number.isNaN(x)) return MISSING;
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function codeIs(code: number, wanted: Constant): number {
  return code === wanted.value ? 1 : Number.isNaN(code) ? MISSING : 0;
}

export interface CodeTable {
  /** The value of each code; NaN and −1 may stand in it. */
  readonly values: Float64Array;
  /** For codes beyond the table and −1. */
  readonly unseen: number;
  readonly missing: number;
}

export function lookup(code: number, table: CodeTable): number {
  if (code >= 0 && code < table.values.length) return table.values[code]!;
  return Number.isNaN(code) ? table.missing : table.unseen;
}

export interface FoldTable {
  /** `size + 2` values for each fold, that of all rows first: by code, then for unseen, then for missing. */
  readonly values: Float64Array;
  readonly size: number;
  readonly folds: number;
}

/** @param fold the fold a training row is in, −1 to use what all rows say */
export function lookupByFold(code: number, fold: number, table: FoldTable): number {
  const { size } = table;
  const place = code >= 0 && code < size ? code : Number.isNaN(code) ? size + 1 : size;
  const block = fold >= 0 && fold < table.folds ? fold + 1 : 0;
  return table.values[block * (size + 2) + place]!;
}

/** A category that is not kept counts as missing where a model reads it. */
export function codeOrMissing(code: number): number {
  return code >= 0 ? code : MISSING;
}

export interface Width {
  readonly width: number;
}

/** One number for a pair of codes; −1 when one of them is unseen. */
export function pairKey(a: number, b: number, { width }: Width): number {
  if (a >= 0 && b >= 0) return a * width + b;
  return Number.isNaN(a) || Number.isNaN(b) ? MISSING : -1;
}

export interface KeyTable {
  /** Rising. */
  readonly keys: Float64Array;
  readonly codes: Float64Array;
}

export function codeOfKey(key: number, { keys, codes }: KeyTable): number {
  if (Number.isNaN(key)) return MISSING;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return keys[low] === key ? codes[low]! : -1;
}

/** The hash of a code that has no text: of weekdays, buckets and hashes. */
export function hashOfCode(code: number): number {
  return Number.isNaN(code) ? MISSING : mixHashes(0x9e3779b9, code + 1);
}

export function mixedHash(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? MISSING : mixHashes(a, b);
}

export interface Buckets {
  readonly buckets: number;
}

export function hashBucket(hash: number, { buckets }: Buckets): number {
  return Number.isNaN(hash) ? MISSING : hash % buckets;
}
