import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import { trimBlanks } from "./cell-text.ts";
import { badCell } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { EPOCH_MILLISECONDS, EPOCH_SECONDS, timeParser } from "./time-format.ts";

/** Texts that usually mean "missing" in columns of numbers and times. */
const MISSING_AMONG_NUMBERS: ReadonlySet<string> = new Set([
  "?",
  "NA",
  "N/A",
  "n/a",
  "na",
  "NaN",
  "nan",
  "NULL",
  "null",
  "Null",
  "None",
  "none",
  "\\N",
  "-",
  "--",
  ".",
  "missing",
]);
/** Those that hardly mean anything else even among categories. */
const MISSING_AMONG_TEXTS: ReadonlySet<string> = new Set([
  "?",
  "NULL",
  "null",
  "\\N",
  "N/A",
  "NaN",
  "nan",
  "#N/A",
]);

const DATES = [
  "%m/%d/%Y",
  "%d/%m/%Y",
  "%m/%d/%y",
  "%d/%m/%y",
  "%Y/%m/%d",
  "%d.%m.%Y",
  "%d-%m-%Y",
  "%d-%b-%Y",
  "%d %b %Y",
  "%d-%b-%y",
];
const TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
const TIME_FORMATS: readonly string[] = DATES.flatMap((date) => TIMES.map((time) => date + time));

const DASH = 45;
const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const LEADING_ZERO = /^[+-]?0\d/;
const MAX_DISTINCT = 20_000;
const MAX_EXAMPLES = 5;
const LONGEST_WHOLE = 18;

interface Stray {
  readonly text: string;
  readonly place: ValuePlace;
}

export interface ValuePlace {
  readonly file: FoundFile;
  readonly line: number;
}

/** What is learned about a column of texts by looking at every one of them. */
export class ColumnEvidence {
  readonly name: string;
  /** Values that are neither empty nor one of the texts above. */
  present = 0;
  readonly missingTexts = new Map<string, number>();
  readonly distinct = new Set<string>();
  readonly examples: string[] = [];
  wholes = 0;
  decimals = 0;
  bools = 0;
  isoTimes = 0;
  leadingZeros = 0;
  padded = 0;
  characters = 0;
  words = 0;
  smallest = Number.POSITIVE_INFINITY;
  largest = Number.NEGATIVE_INFINITY;
  /** The first value that is no number, and the first that is no ISO time. */
  firstWord: Stray | undefined;
  firstUntimely: Stray | undefined;
  #formats: { format: string; parse: (text: string) => number }[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  add(field: string, place: ValuePlace): void {
    const text = trimBlanks(field);
    if (text === "") return;
    if (text.length <= 7 && (MISSING_AMONG_NUMBERS.has(text) || MISSING_AMONG_TEXTS.has(text))) {
      this.missingTexts.set(text, (this.missingTexts.get(text) ?? 0) + 1);
      return;
    }
    this.present += 1;
    if (text !== field) this.padded += 1;
    if (this.distinct.size < MAX_DISTINCT) {
      const before = this.distinct.size;
      this.distinct.add(text);
      if (this.distinct.size > before && this.examples.length < MAX_EXAMPLES) this.examples.push(text);
    }
    this.characters += text.length;
    if (DECIMAL.test(text)) this.#addNumber(text);
    else {
      this.firstWord ??= { text, place };
      this.#addWord(text);
    }
    if (text.charCodeAt(4) === DASH && !Number.isNaN(parseIsoTime(text))) this.isoTimes += 1;
    else this.firstUntimely ??= { text, place };
  }

  get timeFormats(): readonly string[] {
    return (this.#formats ?? []).map(({ format }) => format);
  }

  #addNumber(text: string): void {
    this.decimals += 1;
    if (WHOLE.test(text) && text.length <= LONGEST_WHOLE) this.wholes += 1;
    if (LEADING_ZERO.test(text)) this.leadingZeros += 1;
    const value = Number(text);
    if (value < this.smallest) this.smallest = value;
    if (value > this.largest) this.largest = value;
    this.#formats = [];
  }

  #addWord(text: string): void {
    if (/^(?:true|false)$/i.test(text)) this.bools += 1;
    else this.words += text.split(/\s+/).length;
    if (this.#formats === undefined) {
      this.#formats = TIME_FORMATS.map((format) => ({ format, parse: timeParser(format) }));
    }
    if (this.#formats.length > 0) {
      this.#formats = text.length > 32 ? [] : this.#formats.filter(({ parse }) => !Number.isNaN(parse(text)));
    }
  }
}

/** What a column was taken for. */
export interface ColumnGuess {
  readonly type: ColumnType;
  /** Only for timestamps that are not in ISO 8601. */
  readonly timestampFormat?: string;
  /** Texts of this column to be read as missing. */
  readonly nullValues: readonly string[];
  /** Names rows rather than describing them: of no use as a feature. */
  readonly idLike: boolean;
}

const ROWS_FOR_STRAYS = 1000;
const STRAY_SHARE = 0.001;
const MAX_STRAYS = 10;

/**
 * Refuses a column that is numbers, or times, but for a few values: those are damage rather than categories.
 *
 * @throws DATASETS_BAD_CELL
 */
export function refuseStray(evidence: ColumnEvidence): void {
  const { present } = evidence;
  const kinds = [
    { fitting: evidence.decimals, stray: evidence.firstWord, what: "number" },
    { fitting: evidence.isoTimes, stray: evidence.firstUntimely, what: "time" },
  ];
  for (const { fitting, stray, what } of kinds) {
    const strays = present - fitting;
    const few = strays <= MAX_STRAYS && strays < STRAY_SHARE * present && present >= ROWS_FOR_STRAYS;
    if (stray === undefined || strays === 0 || !few) continue;
    throw badCell(stray.place.file, {
      place: { line: stray.place.line },
      column: { name: evidence.name, type: what === "time" ? "timestamp" : "float" },
      value: stray.text,
      wrong: `is not a ${what}, as the other values of the column are`,
    });
  }
}

const ID_NAME =
  /(?:^|[_\s-])(?:id|uuid|guid|key|index|idx|instant)$|[a-z](?:ID|Id)$|^(?:id|uuid)(?:$|[_\s-])/;
const TIME_NAME = /time|date|(?:^|_)ts$|_at$|created|updated/i;

export function guessColumn(evidence: ColumnEvidence): ColumnGuess {
  const { present, missingTexts } = evidence;
  const numericNulls = [...missingTexts.keys()].filter((text) => MISSING_AMONG_NUMBERS.has(text));
  const textNulls = [...missingTexts.keys()].filter((text) => MISSING_AMONG_TEXTS.has(text));
  if (present === 0) return { type: "category", nullValues: textNulls, idLike: false };
  if (evidence.isoTimes === present) return { type: "timestamp", nullValues: numericNulls, idLike: false };
  const format = evidence.timeFormats[0];
  if (format !== undefined) {
    return { type: "timestamp", timestampFormat: format, nullValues: numericNulls, idLike: false };
  }
  if (evidence.bools === present) return { type: "bool", nullValues: numericNulls, idLike: false };
  if (evidence.decimals === present && evidence.leadingZeros === 0)
    return guessNumber(evidence, numericNulls);
  return guessText(evidence, textNulls);
}

function guessNumber(evidence: ColumnEvidence, nullValues: readonly string[]): ColumnGuess {
  const { present, wholes, smallest, largest, distinct, name } = evidence;
  if (wholes < present) return { type: "float", nullValues, idLike: false };
  const format = epochFormat(evidence);
  if (format !== undefined) return { type: "timestamp", timestampFormat: format, nullValues, idLike: false };
  const capped = distinct.size >= MAX_DISTINCT;
  const mostlyDistinct = capped || distinct.size > 0.95 * present;
  const consecutive = largest - smallest + 1 === present && mostlyDistinct && present > 20;
  return {
    type: "int",
    nullValues,
    idLike: consecutive || (ID_NAME.test(name) && (mostlyDistinct || distinct.size > 1000)),
  };
}

function epochFormat({ name, smallest, largest }: ColumnEvidence): string | undefined {
  if (!TIME_NAME.test(name)) return undefined;
  if (smallest >= 1e8 && largest < 1e10) return EPOCH_SECONDS;
  return smallest >= 1e11 && largest < 1e13 ? EPOCH_MILLISECONDS : undefined;
}

function guessText(evidence: ColumnEvidence, nullValues: readonly string[]): ColumnGuess {
  const { present, distinct, characters, words, name } = evidence;
  const capped = distinct.size >= MAX_DISTINCT;
  const share = capped ? 1 : distinct.size / present;
  const isProse =
    characters / present >= 25 && words / present >= 3.5 && (share > 0.1 || distinct.size > 1000);
  if (isProse) return { type: "text", nullValues, idLike: false };
  const idLike = present > 20 && (share > 0.9 || (ID_NAME.test(name) && (capped || distinct.size > 1000)));
  return { type: "category", nullValues, idLike };
}
