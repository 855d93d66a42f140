import type { ColumnFacts } from "./column-facts.ts";
import type { ColumnDraft } from "./project-draft.ts";
import { access } from "./source-code.ts";

/** One line of `features:`. */
export interface FeatureDraft {
  readonly name: string;
  readonly code: string;
  readonly note?: string;
}

/** Up to so many values a tree splits a category as it is; beyond, rare values would share a bin. */
const MOST_NATIVE_CATEGORIES = 100;
const WORD_BUCKETS = 64;
const DAY_MS = 86_400_000;
/** Seasons show only in data that spans a good part of a year. */
const MONTHS_WANT_DAYS = 180;

/** A feature before its name has been settled: of a column, or of a part of it. */
interface Feature {
  readonly column: string;
  readonly part?: string;
  readonly code: string;
  readonly note?: string;
}

/** What each column becomes. Times give their parts; the time that splits the data gives them too. */
export function draftFeatures(columns: readonly ColumnDraft[]): FeatureDraft[] {
  const taken = new Set<string>();
  return columns
    .filter(({ role }) => role === "feature" || role === "time")
    .flatMap(({ facts }) => featuresOf(facts))
    .map(({ column, part, code, note }) => ({
      name: unique(featureName(column, part), taken),
      code,
      ...(note === undefined ? {} : { note }),
    }));
}

function featuresOf(facts: ColumnFacts): Feature[] {
  const { name, type } = facts;
  const column = access("c", name);
  switch (type) {
    case "int":
    case "float":
    case "bool":
      return [{ column: name, code: column }];
    case "category":
      if (facts.distinct <= MOST_NATIVE_CATEGORIES) return [{ column: name, code: column }];
      return [
        {
          column: name,
          code: `${column}.targetEncoded({ smoothing: 20 })`,
          note: "many values: each becomes the mean target of its rows",
        },
      ];
    case "text":
      return [
        { column: name, part: "length", code: `${column}.length()` },
        {
          column: name,
          part: "words",
          code: `${column}.wordsHashed(${WORD_BUCKETS})`,
          note: "which words occur",
        },
      ];
    case "image":
      return ["width", "height", "brightness", "saturation"].map((part) => ({
        column: name,
        part,
        code: `${column}.${part}()`,
      }));
    case "timestamp":
      return timeParts(facts, column);
  }
}

function timeParts({ name, range, top }: ColumnFacts, column: string): Feature[] {
  const days = range === undefined ? 0 : (range.max - range.min) / DAY_MS;
  const hasClockTimes = top.some(({ value }) => Number(value) % DAY_MS !== 0);
  return [
    ...(hasClockTimes ? [{ column: name, part: "hour", code: `${column}.hourOfDay()` }] : []),
    { column: name, part: "weekday", code: `${column}.dayOfWeek()` },
    ...(days >= MONTHS_WANT_DAYS ? [{ column: name, part: "month", code: `${column}.month()` }] : []),
  ];
}

/**
 * The column's name where it can be a feature's (a letter or _, then letters, digits, spaces and _ . -), else what is
 * left of it. A part is named in the column's own style: `dateHour`, `pub_date_hour`.
 */
function featureName(column: string, part: string | undefined): string {
  const cleaned = column
    .normalize()
    .replace(/[^\p{L}\p{M}\p{N}_ .-]/gu, "_")
    .slice(0, 80)
    .trim();
  const base = /^[\p{L}_]/u.test(cleaned) ? cleaned : `_${cleaned}`;
  if (part === undefined) return base;
  return /[_ .-]/.test(base) ? `${base}_${part}` : base + part.charAt(0).toUpperCase() + part.slice(1);
}

function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) candidate = `${name}_${n}`;
  taken.add(candidate);
  return candidate;
}
