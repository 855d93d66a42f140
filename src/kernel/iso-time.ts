import { kernelErrors } from "./errors.ts";

const MS_PER_DAY = 86_400_000;
const MS_PER_HOUR = 3_600_000;
const MS_PER_MINUTE = 60_000;
/** Years −271,821 to 275,760, the range of ECMAScript's Date. */
const LARGEST_TIME_MS = 8_640_000_000_000_000;

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

const ZERO = 48;
const MINUS = 45;
const PLUS = 43;
const COLON = 58;
const POINT = 46;
const SPACE = 32;
const UPPER_T = 84;
const UPPER_Z = 90;

/**
 * Milliseconds since 1970-01-01 UTC of an ISO 8601 time, NaN when `text` is anything else.
 *
 * Accepted, and nothing more: `YYYY-MM-DD`, optionally followed by `T` or one space and `hh:mm` or `hh:mm:ss`, with one
 * to nine digits of a fraction after the seconds, and `Z` or `±hh:mm`. A date alone is midnight UTC; a time without a
 * zone is UTC. Microseconds are kept as a fraction of the result; digits beyond them are cut off. There is no hour 24
 * and no second 60.
 */
export function parseIsoTime(text: string): number {
  const length = text.length;
  if (length < 10 || text.charCodeAt(4) !== MINUS || text.charCodeAt(7) !== MINUS) return Number.NaN;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) {
    return Number.NaN;
  }
  const midnight = daysFromCivil(year, month, day) * MS_PER_DAY;
  if (length === 10) return midnight;

  const separator = text.charCodeAt(10);
  if ((separator !== UPPER_T && separator !== SPACE) || text.charCodeAt(13) !== COLON) return Number.NaN;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  if (!(hour <= 23 && minute <= 59)) return Number.NaN;
  let ms = midnight + hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
  if (length === 16) return ms;

  let at = 16;
  let belowMs = 0;
  if (text.charCodeAt(16) === COLON) {
    const second = twoDigits(text, 17);
    if (!(second <= 59)) return Number.NaN;
    ms += second * 1000;
    at = 19;
    if (text.charCodeAt(19) === POINT) {
      let micros = 0;
      let digits = 0;
      for (at = 20; at < length; at++) {
        const digit = text.charCodeAt(at) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break;
        digits += 1;
        if (digits <= 6) micros = micros * 10 + digit;
      }
      if (digits === 0 || digits > 9) return Number.NaN;
      for (let missing = digits; missing < 6; missing++) micros *= 10;
      belowMs = micros % 1000;
      ms += (micros - belowMs) / 1000;
    }
  }
  if (at < length) {
    const offset = zoneOffsetMs(text, at);
    if (!(offset - offset === 0)) return Number.NaN;
    ms -= offset;
  }
  // One rounding of whole microseconds, so that every reader of the same time gets the same double.
  return belowMs === 0 ? ms : (ms * 1000 + belowMs) / 1000;
}

/** NaN unless the rest of `text` from `at` is `Z` or `±hh:mm`. */
function zoneOffsetMs(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === UPPER_Z) return text.length === at + 1 ? 0 : Number.NaN;
  if (first !== PLUS && first !== MINUS) return Number.NaN;
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return Number.NaN;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  const offset = hours * MS_PER_HOUR + minutes * MS_PER_MINUTE;
  return first === PLUS ? offset : -offset;
}

/** The number of two decimal digits at `at`, NaN when they are not digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const units = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : Number.NaN;
}

/**
 * `YYYY-MM-DDThh:mm:ss.sssZ`, with six digits of a fraction when there are microseconds. `parseIsoTime` reads it back.
 *
 * @throws KERNEL_BAD_TIME outside the years 0000 to 9999.
 */
export function formatIsoTime(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  const wholeMs = Math.floor(ms) + (micros === 1000 ? 1 : 0);
  const parts = utcParts(wholeMs);
  if (!(parts.year >= 0 && parts.year <= 9999)) {
    throw kernelErrors.KERNEL_BAD_TIME.error(
      `${ms} ms since 1970 is not a time between the years 0000 and 9999`,
      { details: { ms: String(ms) } },
    );
  }
  const seconds = Math.floor(floorMod(wholeMs, MS_PER_MINUTE) / 1000);
  const fraction = `${padded(floorMod(wholeMs, 1000), 3)}${micros % 1000 === 0 ? "" : padded(micros, 3)}`;
  const date = `${padded(parts.year, 4)}-${padded(parts.month, 2)}-${padded(parts.day, 2)}`;
  return `${date}T${padded(parts.hour, 2)}:${padded(parts.minute, 2)}:${padded(seconds, 2)}.${fraction}Z`;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** A time on the UTC calendar. */
export interface UtcParts {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 0 to 23. */
  readonly hour: number;
  /** 0 to 59. */
  readonly minute: number;
  /** ISO: Monday is 1, Sunday is 7. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly dayOfYear: number;
}

/** All parts at once; every part is NaN when `ms` is NaN or beyond ±8.64e15. */
export function utcParts(ms: number): UtcParts {
  return {
    year: utcYear(ms),
    month: utcMonth(ms),
    day: utcDay(ms),
    hour: utcHour(ms),
    minute: utcMinute(ms),
    weekday: utcWeekday(ms),
    dayOfYear: utcDayOfYear(ms),
  };
}

/** The year of `ms` since 1970 on the UTC calendar (proleptic Gregorian); NaN out of range, as for all parts. */
export function utcYear(ms: number): number {
  return inRange(ms) ? civilFromDays(dayOf(ms)) >> 9 : Number.NaN;
}

/** 1 to 12. */
export function utcMonth(ms: number): number {
  return inRange(ms) ? (civilFromDays(dayOf(ms)) >> 5) & 15 : Number.NaN;
}

/** Day of the month, 1 to 31. */
export function utcDay(ms: number): number {
  return inRange(ms) ? civilFromDays(dayOf(ms)) & 31 : Number.NaN;
}

/** 0 to 23. */
export function utcHour(ms: number): number {
  return inRange(ms) ? Math.floor(floorMod(Math.floor(ms), MS_PER_DAY) / MS_PER_HOUR) : Number.NaN;
}

/** Minute of the hour, 0 to 59. */
export function utcMinute(ms: number): number {
  return inRange(ms) ? Math.floor(floorMod(Math.floor(ms), MS_PER_HOUR) / MS_PER_MINUTE) : Number.NaN;
}

/** ISO weekday: Monday is 1, Sunday is 7. */
export function utcWeekday(ms: number): number {
  // 1970-01-01 was a Thursday.
  return inRange(ms) ? floorMod(dayOf(ms) + 3, 7) + 1 : Number.NaN;
}

/** 1 to 366. */
export function utcDayOfYear(ms: number): number {
  if (!inRange(ms)) return Number.NaN;
  const days = dayOf(ms);
  return days - daysFromCivil(civilFromDays(days) >> 9, 1, 1) + 1;
}

/** Whole days since 1970. Of whole milliseconds the quotient never rounds up to the next day. */
function dayOf(ms: number): number {
  return Math.floor(Math.floor(ms) / MS_PER_DAY);
}

function inRange(ms: number): boolean {
  return ms >= -LARGEST_TIME_MS && ms <= LARGEST_TIME_MS;
}

/** The remainder with the sign of the divisor, for whole numbers. */
function floorMod(value: number, divisor: number): number {
  const remainder = value % divisor;
  // + 0 turns the −0 that a negative multiple leaves into 0.
  return (remainder < 0 ? remainder + divisor : remainder) + 0;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2 && isLeapYear(year)) return 29;
  return DAYS_BEFORE_MONTH[month]! - DAYS_BEFORE_MONTH[month - 1]!;
}

/**
 * Days since 1970-01-01 of a date on the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
 * date algorithms": years begin in March, in eras of 400 years).
 */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}

/**
 * The inverse of `daysFromCivil`, packed into one integer so that nothing is allocated: year « 9 | month « 5 | day.
 *
 * @param days whole days since 1970, in ±1e8
 */
export function civilFromDays(days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = (shifted - era * 146_097) | 0;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const marchMonth = ((5 * dayOfYear + 2) / 153) | 0;
  const day = dayOfYear - (((153 * marchMonth + 2) / 5) | 0) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return (year << 9) | (month << 5) | day;
}
