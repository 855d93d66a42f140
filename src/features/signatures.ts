import type { ExpressionOf, Op, ValueKind } from "./expression.ts";

/** What an option of an operation may hold. */
export type OptionRule = { readonly optional?: true } & (
  | { readonly type: "integer"; readonly least: number; readonly most: number }
  | { readonly type: "number"; readonly least?: number; readonly nullable?: true }
  | { readonly type: "text" }
  | { readonly type: "texts" }
  | { readonly type: "time" }
  | { readonly type: "fill" }
  | { readonly type: "statistic" }
  | { readonly type: "window" }
  | { readonly type: "identifier" }
  | { readonly type: "returns" }
);

type OptionNames<Name extends Op> = Exclude<keyof ExpressionOf<Name>, "op" | "args">;

/** One operation of the feature language: everything about it but its arithmetic. */
export interface Signature<Name extends Op = Op> {
  /** How it is written in a project. */
  readonly written: string;
  /** Whole sentences for the reference page: meaning, missing values, edge cases. */
  readonly doc: string;
  /** For each argument the kinds it may have. */
  readonly takes: readonly (readonly ValueKind[])[];
  /** The last entry of `takes` may repeat until there are this many arguments. */
  readonly upTo?: number;
  readonly gives: ValueKind | "the same" | "what it returns";
  readonly options: { readonly [Option in OptionNames<Name>]-?: OptionRule };
  /** True when something is learned from the training rows. */
  readonly fitted?: true;
  /** The argument must have categories with names: a column, a filled column or `dayOfWeek()`. */
  readonly named?: true;
}

const number = ["number"] as const;
const flag = ["flag"] as const;
const category = ["category"] as const;
const time = ["time"] as const;
const text = ["text"] as const;
const noOptions = {} as const;

export const mostCategories = 1_000_000;
const limits = {
  maxCategories: { type: "integer", least: 1, most: mostCategories },
  minCount: { type: "integer", least: 1, most: 1_000_000_000 },
} as const;

const MISSING = "Missing where an argument is missing.";

/** Every operation. Language, checks, fitting, compilation and the reference page all follow this table. */
export const signatures = {
  column: {
    written: 'c.distance, c["weird name"]',
    doc: "In `features` only columns are there that are known when a prediction is made; `target` and `weight` see all of them.",
    takes: [],
    gives: "the same",
    options: { name: { type: "text" } },
  },
  constant: {
    written: "2, null",
    doc: "A number; null is the missing number.",
    takes: [],
    gives: "number",
    options: { value: { type: "number", nullable: true } },
  },
  constantTime: {
    written: '"2001-05-01"',
    doc: "An ISO 8601 time; without a zone it is UTC.",
    takes: [],
    gives: "time",
    options: { time: { type: "time" } },
  },
  add: {
    written: "c.x.add(c.y), c.x.add(1)",
    doc: `The sum. ${MISSING} Missing where the result is not finite.`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  subtract: {
    written: "c.x.subtract(c.y)",
    doc: `The difference. ${MISSING} Missing where the result is not finite.`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  multiply: {
    written: "c.x.multiply(c.y)",
    doc: `The product. ${MISSING} Missing where the result is not finite.`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  divide: {
    written: "c.x.divide(c.y)",
    doc: `The quotient. ${MISSING} Missing where the divisor is zero or the result is not finite.`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  minimum: {
    written: "c.x.minimum(c.y)",
    doc: `The smaller of the two. ${MISSING}`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  maximum: {
    written: "c.x.maximum(c.y)",
    doc: `The larger of the two. ${MISSING}`,
    takes: [number, number],
    gives: "number",
    options: noOptions,
  },
  negate: {
    written: "c.x.negate()",
    doc: `The number with its sign changed. ${MISSING}`,
    takes: [number],
    gives: "number",
    options: noOptions,
  },
  absolute: {
    written: "c.x.absolute()",
    doc: `The number without its sign. ${MISSING}`,
    takes: [number],
    gives: "number",
    options: noOptions,
  },
  log: {
    written: "c.x.log()",
    doc: "The natural logarithm. Missing where the number is missing, zero or negative.",
    takes: [number],
    gives: "number",
    options: noOptions,
  },
  log1p: {
    written: "c.x.log1p()",
    doc: "log(1 + x), exact for small x. Missing where the number is missing or at most −1.",
    takes: [number],
    gives: "number",
    options: noOptions,
  },
  squareRoot: {
    written: "c.x.squareRoot()",
    doc: "The square root. Missing where the number is missing or negative.",
    takes: [number],
    gives: "number",
    options: noOptions,
  },
  clip: {
    written: "c.x.clip({ low: 0, high: 100 })",
    doc: `The number held between the limits given. ${MISSING}`,
    takes: [number],
    gives: "number",
    options: { low: { type: "number", optional: true }, high: { type: "number", optional: true } },
  },
  round: {
    written: "c.x.round(), c.x.round(2)",
    doc: `Rounded to so many digits after the decimal point (negative: before it); halves are rounded up. ${MISSING}`,
    takes: [number],
    gives: "number",
    options: { digits: { type: "integer", least: -12, most: 12 } },
  },
  above: {
    written: "c.x.above(15)",
    doc: `True where the number is greater. ${MISSING}`,
    takes: [number, number],
    gives: "flag",
    options: noOptions,
  },
  atLeast: {
    written: "c.x.atLeast(15)",
    doc: `True where the number is greater or equal. ${MISSING}`,
    takes: [number, number],
    gives: "flag",
    options: noOptions,
  },
  below: {
    written: "c.x.below(15)",
    doc: `True where the number is smaller. ${MISSING}`,
    takes: [number, number],
    gives: "flag",
    options: noOptions,
  },
  atMost: {
    written: "c.x.atMost(15)",
    doc: `True where the number is smaller or equal. ${MISSING}`,
    takes: [number, number],
    gives: "flag",
    options: noOptions,
  },
  equals: {
    written: "c.x.equals(0)",
    doc: `True where both are the same number. ${MISSING}`,
    takes: [number, number],
    gives: "flag",
    options: noOptions,
  },
  between: {
    written: "c.x.between(1, 5)",
    doc: `True where the number is at least the first and at most the second limit. ${MISSING}`,
    takes: [number, number, number],
    gives: "flag",
    options: noOptions,
  },
  when: {
    written: "when(c.x.above(100), null, c.x)",
    doc: "The second argument where the flag is true, the third where it is false, missing where it is missing.",
    takes: [flag, number, number],
    gives: "number",
    options: noOptions,
  },
  and: {
    written: "c.a.and(c.b)",
    doc: "True where both are true, false where one is false, otherwise missing.",
    takes: [flag, flag],
    gives: "flag",
    options: noOptions,
  },
  or: {
    written: "c.a.or(c.b)",
    doc: "True where one is true, false where both are false, otherwise missing.",
    takes: [flag, flag],
    gives: "flag",
    options: noOptions,
  },
  not: {
    written: "c.a.not()",
    doc: `True where the flag is false. ${MISSING}`,
    takes: [flag],
    gives: "flag",
    options: noOptions,
  },
  is: {
    written: 'c.origin.is("ATL")',
    doc: `True where it is that category. ${MISSING}`,
    takes: [category],
    gives: "flag",
    options: { value: { type: "text" } },
    named: true,
  },
  isOneOf: {
    written: 'c.origin.isOneOf(["ATL", "ORD"])',
    doc: `True where it is one of the categories. ${MISSING}`,
    takes: [category],
    gives: "flag",
    options: { values: { type: "texts" } },
    named: true,
  },
  isMissing: {
    written: "c.x.isMissing()",
    doc: "True where there is no value, false elsewhere; never missing itself. A category not seen in training is not missing.",
    takes: [["number", "category", "flag", "time", "text"]],
    gives: "flag",
    options: noOptions,
  },
  missingIndicator: {
    written: "c.x.missingIndicator()",
    doc: "1 where there is no value, 0 elsewhere.",
    takes: [["number", "category", "flag", "time", "text"]],
    gives: "number",
    options: noOptions,
  },
  year: {
    written: "c.date.year()",
    doc: `The year in UTC. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  month: {
    written: "c.date.month()",
    doc: `The month in UTC, 1 to 12. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  dayOfMonth: {
    written: "c.date.dayOfMonth()",
    doc: `The day of the month in UTC, 1 to 31. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  dayOfWeek: {
    written: "c.date.dayOfWeek()",
    doc: `The day of the week in UTC as a category, "monday" (code 0) to "sunday" (code 6). ${MISSING}`,
    takes: [time],
    gives: "category",
    options: noOptions,
  },
  dayOfYear: {
    written: "c.date.dayOfYear()",
    doc: `The day of the year in UTC, 1 to 366. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  hourOfDay: {
    written: "c.date.hourOfDay()",
    doc: `The hour in UTC, 0 to 23. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  minuteOfHour: {
    written: "c.date.minuteOfHour()",
    doc: `The minute in UTC, 0 to 59. ${MISSING}`,
    takes: [time],
    gives: "number",
    options: noOptions,
  },
  hoursSince: {
    written: 'c.date.hoursSince("2001-01-01"), c.arrival.hoursSince(c.departure)',
    doc: `The hours from the other time to this one, with a fraction; negative where this one is earlier. ${MISSING}`,
    takes: [time, time],
    gives: "number",
    options: noOptions,
  },
  daysSince: {
    written: 'c.date.daysSince("2001-01-01")',
    doc: `The days of 24 hours from the other time to this one, with a fraction. ${MISSING}`,
    takes: [time, time],
    gives: "number",
    options: noOptions,
  },
  fillMissing: {
    written: 'c.x.fillMissing(0), c.x.fillMissing("median"), c.origin.fillMissing({ constant: "none" })',
    doc: "Puts a constant, or the mean, median or most frequent value of the training rows, where the value is missing. Of values equally frequent the smallest is taken. Categories: columns only.",
    takes: [["number", "category", "flag"]],
    gives: "the same",
    options: { with: { type: "fill" } },
    fitted: true,
  },
  bucketized: {
    written: "c.x.bucketized(10)",
    doc: `Buckets between the quantiles of the training rows, as a category. There are fewer of them where values repeat. Quantiles are exact up to 4,000,000 values, and those of a seeded sample of about as many beyond. ${MISSING}`,
    takes: [number],
    gives: "category",
    options: { buckets: { type: "integer", least: 2, most: 1024 } },
    fitted: true,
  },
  standardized: {
    written: "c.x.standardized()",
    doc: `(x − mean) ÷ standard deviation, both of the training rows (the deviation over n). Zero where all of them were equal. ${MISSING}`,
    takes: [number],
    gives: "number",
    options: noOptions,
    fitted: true,
  },
  limited: {
    written: "c.origin.limited({ maxCategories: 50, minCount: 20 })",
    doc: "Keeps the most frequent categories of the training rows as a category of their own numbering; the others count as unseen.",
    takes: [category],
    gives: "category",
    options: limits,
    fitted: true,
  },
  oneHot: {
    written: "c.origin.oneHot({ maxCategories: 50 })",
    doc: "One output for each kept category of the training rows, 1 where it is that category and 0 elsewhere. All are 0 where the value is missing or unseen.",
    takes: [category],
    gives: "vector",
    options: { ...limits, maxCategories: { type: "integer", least: 1, most: 10_000 } },
    fitted: true,
  },
  ordinal: {
    written: 'c.size.ordinal({ order: ["small", "large"] })',
    doc: "The place of the category in the order given, from 0. Without an order: by name (code units) for columns and crosses, by code for weekdays, buckets and hashes. Missing where the value is missing or not in the order.",
    takes: [category],
    gives: "number",
    options: { ...limits, order: { type: "texts", optional: true } },
    fitted: true,
  },
  frequencyEncoded: {
    written: "c.origin.frequencyEncoded()",
    doc: "The share of the training rows (of those with a value) that had this category, 0 for an unseen one. Missing where the value is missing.",
    takes: [category],
    gives: "number",
    options: limits,
    fitted: true,
  },
  targetEncoded: {
    written: "c.origin.targetEncoded({ smoothing: 20 })",
    doc: "The mean of the target over the training rows of this category, drawn towards the overall mean by `smoothing` rows. Missing values are a category of their own; an unseen category gives the overall mean. For the training rows themselves the mean is taken over the other four of five folds, so that no row sees its own target.",
    takes: [category],
    gives: "number",
    options: { ...limits, smoothing: { type: "number", least: 0 } },
    fitted: true,
  },
  cross: {
    written: "c.origin.cross(c.destination)",
    doc: "The combination of categories as one category. Missing where one of them is missing, unseen where one of them is.",
    takes: [category, category],
    upTo: 8,
    gives: "category",
    options: limits,
    fitted: true,
  },
  hashed: {
    written: "c.userId.hashed(4096)",
    doc: "A category of so many buckets by a hash of the value, learned from nothing: unseen values have a bucket too. Missing where the value is missing.",
    takes: [category],
    gives: "category",
    options: { buckets: { type: "integer", least: 2, most: 16_777_216 } },
  },
  length: {
    written: "c.title.length()",
    doc: "The number of Unicode code points. Missing where the text is missing.",
    takes: [text],
    gives: "number",
    options: noOptions,
  },
  wordCount: {
    written: "c.title.wordCount()",
    doc: "The number of words: runs of ASCII letters and digits and of characters beyond ASCII other than punctuation. Missing where the text is missing.",
    takes: [text],
    gives: "number",
    options: noOptions,
  },
  wordsHashed: {
    written: "c.title.wordsHashed(256)",
    doc: "A vector that counts the words, in lower case (Latin, Greek, Cyrillic), whose hash falls on each place. All are 0 where the text is missing.",
    takes: [text],
    gives: "vector",
    options: { buckets: { type: "integer", least: 2, most: 4096 } },
  },
  window: {
    written: 'past.rows.count({ by: c.origin, over: "3h" })',
    doc: "What windows over the past say about a row, as a number; see below.",
    takes: [],
    gives: "number",
    options: { window: { type: "window" }, statistic: { type: "statistic" } },
  },
  custom: {
    written: 'custom("title", { reads: [c.name], returns: "category" }, titleOf)',
    doc: "What a function of the project gives for the values of columns, null where they are missing; see [the guide](../guide/custom-features.md). Missing where it gives null, and where a number is not finite. Features only.",
    takes: [["number", "flag", "time", "category", "text"]],
    upTo: 16,
    gives: "what it returns",
    options: { function: { type: "identifier" }, returns: { type: "returns" } },
  },
} as const satisfies { readonly [Name in Op]: Signature<Name> };
