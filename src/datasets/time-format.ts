/** What a timestamp format may be made of, with how long a run of digits each takes. */
const DIGITS: Readonly<Record<string, number>> = { Y: 4, y: 2, m: 2, d: 2, H: 2, I: 2, M: 2, S: 2, f: 6 };
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const LONG_MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const LONG_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

export const EPOCH_SECONDS = "epoch-seconds";
export const EPOCH_MILLISECONDS = "epoch-milliseconds";

const DIRECTIVES = /^(?:[^%]|%[YymdHIMSfpbBaAz%])*$/;

/** Whether a text can be a `timestampFormat`. */
export function isTimeFormat(format: string): boolean {
  return (
    format === EPOCH_SECONDS ||
    format === EPOCH_MILLISECONDS ||
    (format.includes("%") && DIRECTIVES.test(format))
  );
}

/** What a Date can hold. */
export const LARGEST_MS = 8.64e15;

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micros: number;
  afternoon: boolean | undefined;
  offsetMinutes: number;
}

/** A parser of texts in this format: epoch milliseconds, NaN when a text is not in it. */
export function timeParser(format: string): (text: string) => number {
  if (format === EPOCH_SECONDS) return (text) => epoch(text, 1000);
  if (format === EPOCH_MILLISECONDS) return (text) => epoch(text, 1);
  const steps = format.match(/%.|[^%]/gs) ?? [];
  return (text) => {
    const fields: Fields = {
      year: 1970,
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      micros: 0,
      afternoon: undefined,
      offsetMinutes: 0,
    };
    let at = 0;
    for (const step of steps) {
      at = step.length === 2 ? takeDirective(step[1]!, text, at, fields) : text[at] === step ? at + 1 : -1;
      if (at < 0) return Number.NaN;
    }
    return at === text.length ? epochOf(fields) : Number.NaN;
  };
}

function epoch(text: string, unit: number): number {
  const ms = /^[+-]?\d+(?:\.\d*)?$/.test(text) ? Number(text) * unit : Number.NaN;
  return Math.abs(ms) <= LARGEST_MS ? ms : Number.NaN;
}

/** @returns where the text goes on, −1 when it does not fit */
function takeDirective(directive: string, text: string, at: number, fields: Fields): number {
  const most = DIGITS[directive];
  if (most !== undefined) {
    let end = at;
    while (end < text.length && end - at < most && text[end]! >= "0" && text[end]! <= "9") end += 1;
    if (end === at || (directive === "Y" && (end - at < 4 || text[at] === "0"))) return -1;
    setNumber(directive, text.slice(at, end), fields);
    return end;
  }
  const rest = text.slice(at).toLowerCase();
  switch (directive) {
    case "p":
      if (!rest.startsWith("am") && !rest.startsWith("pm")) return -1;
      fields.afternoon = rest.startsWith("pm");
      return at + 2;
    case "b":
      return takeName(MONTHS, rest, at, (index) => {
        fields.month = index + 1;
      });
    case "B":
      return takeName(LONG_MONTHS, rest, at, (index) => {
        fields.month = index + 1;
      });
    case "a":
      return takeName(DAYS, rest, at, () => undefined);
    case "A":
      return takeName(LONG_DAYS, rest, at, () => undefined);
    case "z": {
      const zone = /^(?:z|([+-])(\d\d):?(\d\d)?)/.exec(rest);
      if (zone === null) return -1;
      const minutes = Number(zone[2] ?? 0) * 60 + Number(zone[3] ?? 0);
      fields.offsetMinutes = zone[1] === "-" ? -minutes : minutes;
      return at + zone[0].length;
    }
    default:
      return rest.startsWith("%") ? at + 1 : -1;
  }
}

function takeName(
  names: readonly string[],
  rest: string,
  at: number,
  found: (index: number) => void,
): number {
  const index = names.findIndex((name) => rest.startsWith(name));
  if (index < 0) return -1;
  found(index);
  return at + names[index]!.length;
}

function setNumber(directive: string, digits: string, fields: Fields): void {
  const value = Number(digits);
  switch (directive) {
    case "Y":
      fields.year = value;
      break;
    case "y":
      fields.year = value < 69 ? 2000 + value : 1900 + value;
      break;
    case "m":
      fields.month = value;
      break;
    case "d":
      fields.day = value;
      break;
    case "H":
    case "I":
      fields.hour = value;
      break;
    case "M":
      fields.minute = value;
      break;
    case "S":
      fields.second = value;
      break;
    default:
      fields.micros = Number(digits.padEnd(6, "0"));
  }
}

function epochOf(fields: Fields): number {
  const { year, month, day, minute, second, afternoon } = fields;
  if (afternoon !== undefined && (fields.hour < 1 || fields.hour > 12)) return Number.NaN;
  const hour = afternoon === undefined ? fields.hour : (fields.hour % 12) + (afternoon ? 12 : 0);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) return Number.NaN;
  date.setUTCHours(hour, minute - fields.offsetMinutes, second);
  return date.getTime() + fields.micros / 1000;
}
