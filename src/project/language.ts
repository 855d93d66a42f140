import type { Expression, ValueKind } from "../features/spec.ts";

/** Hides what the language stands on from completion lists. */
export const expressionOf: unique symbol = Symbol.for("slipway.expression");
export const kindOf: unique symbol = Symbol.for("slipway.kind");

/** A value of every row: the thing the language is about. */
export interface Value<Kind extends ValueKind = ValueKind> {
  readonly [expressionOf]: Expression;
  readonly [kindOf]: Kind;
}

/** What may be a feature. Times and texts must be turned into one of these first. */
export type Feature = Value<"number" | "category" | "flag" | "vector">;

/** Anything that may be missing. */
interface MayBeMissing {
  /** True where there is no value; never missing itself. */
  isMissing(): Flag;
  /** 1 where there is no value, 0 elsewhere. */
  missingIndicator(): Num;
}

/** A number of every row, or a number for all of them. */
export type Operand = Num | number;

/** Numbers. Results that are not finite are missing; missing arguments make missing results. */
export interface Num extends Value<"number">, MayBeMissing {
  add(other: Operand): Num;
  subtract(other: Operand): Num;
  multiply(other: Operand): Num;
  /** Missing where the divisor is 0. */
  divide(other: Operand): Num;
  negate(): Num;
  absolute(): Num;
  /** The smaller of the two. */
  minimum(other: Operand): Num;
  /** The larger of the two. */
  maximum(other: Operand): Num;
  /** The natural logarithm; missing for 0 and below. */
  log(): Num;
  /** log(1 + x); missing for −1 and below. */
  log1p(): Num;
  /** Missing for negative numbers. */
  squareRoot(): Num;
  /** Held between the limits. */
  clip(limits: ClipOptions): Num;
  /** To so many digits after the decimal point (0 by default, negative for tens and hundreds); halves go up. */
  round(digits?: number): Num;

  /** x > other */
  above(other: Operand): Flag;
  /** x ≥ other */
  atLeast(other: Operand): Flag;
  /** x < other */
  below(other: Operand): Flag;
  /** x ≤ other */
  atMost(other: Operand): Flag;
  /** low ≤ x ≤ high */
  between(low: Operand, high: Operand): Flag;
  equals(other: Operand): Flag;

  /** Fills missing values with a constant or with what the training rows say. */
  fillMissing(value: number | "mean" | "median" | "mostFrequent"): Num;
  /** (x − mean) ÷ standard deviation of the training rows. */
  standardized(): Num;
  /** At most so many buckets (2 to 1,024) between quantiles of the training rows. */
  bucketized(buckets: number): Cat;
}

export type ClipOptions =
  | { readonly low: number; readonly high?: number }
  | { readonly low?: number; readonly high: number };

/** Which categories keep a place of their own: the most frequent ones of the training rows. */
export interface CategoryOptions {
  readonly maxCategories?: number;
  /** The fewest training rows a category must have. */
  readonly minCount?: number;
}

/**
 * Categories. Used directly as a feature, a category goes to the trainer as it is, with at most 1,000 of its values;
 * see `limited`.
 */
export interface Cat extends Value<"category">, MayBeMissing {
  /** Keeps the most frequent categories (1,000 by default); the others count as unseen. */
  limited(options: CategoryOptions): Cat;
  /** One 0/1 output for each of the most frequent categories (100 by default). */
  oneHot(options?: CategoryOptions): Vec;
  /** The place in the order of the names (or of the codes of weekdays, buckets and hashes), from 0. */
  ordinal(options?: CategoryOptions): Num;
  /** The share of the training rows that had this category. */
  frequencyEncoded(options?: CategoryOptions): Num;
  /**
   * The mean of the target over the training rows of this category, drawn towards the overall mean by `smoothing` rows
   * (20 by default). Out-of-fold for the training rows themselves.
   */
  targetEncoded(options?: CategoryOptions & { readonly smoothing?: number }): Num;
  /** Hashes into so many buckets (2 to 16,777,216); unseen values have a bucket too. */
  hashed(buckets: number): Cat;
  /** The combination with other categories as one category. */
  cross(...others: readonly [Cat, ...Cat[]]): Cat;
}

/** A category column: its values have names. */
export interface CategoryColumn extends Cat {
  is(value: string): Flag;
  isOneOf(values: readonly string[]): Flag;
  /** The place in the order given, from 0, or in the order of the names; missing for all others. */
  ordinal(options?: CategoryOptions | { readonly order: readonly string[] }): Num;
  /** Fills missing values with a category of its own choosing or with the most frequent one. */
  fillMissing(value: { readonly constant: string } | "mostFrequent"): CategoryColumn;
}

export type Day = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

export interface Weekday extends Cat {
  is(day: Day): Flag;
  isOneOf(days: readonly Day[]): Flag;
}

/** True, false or missing. */
export interface Flag extends Value<"flag">, MayBeMissing {
  /** False where one is false, true where both are true, otherwise missing. */
  and(other: Flag): Flag;
  /** True where one is true, false where both are false, otherwise missing. */
  or(other: Flag): Flag;
  not(): Flag;
  fillMissing(value: boolean | "mostFrequent"): Flag;
}

/** An ISO 8601 text such as `2001-05-01` or `2001-05-01T06:00Z`; UTC when no zone is given. */
export type TimeOperand = Time | string;

/** A time, in UTC. Not a feature by itself. */
export interface Time extends Value<"time">, MayBeMissing {
  year(): Num;
  /** 1 to 12. */
  month(): Num;
  /** 1 to 31. */
  dayOfMonth(): Num;
  dayOfWeek(): Weekday;
  /** 1 to 366. */
  dayOfYear(): Num;
  /** 0 to 23. */
  hourOfDay(): Num;
  /** 0 to 59. */
  minuteOfHour(): Num;
  /** Hours from the other time to this one, with a fraction. */
  hoursSince(other: TimeOperand): Num;
  /** Days of 24 hours from the other time to this one, with a fraction. */
  daysSince(other: TimeOperand): Num;
}

/** A text. Not a feature by itself. */
export interface Text extends Value<"text">, MayBeMissing {
  /** Unicode code points. */
  length(): Num;
  wordCount(): Num;
  /** Counts of the words, in lower case, whose hash falls on each of so many places (2 to 4,096). */
  wordsHashed(buckets: number): Vec;
}

/** A picture. Not a feature by itself: its numbers are. */
export interface Image extends Value<"image">, MayBeMissing {
  /** Pixels, as it is seen. */
  width(): Num;
  height(): Num;
  /** Width ÷ height. */
  aspect(): Num;
  /** Of the file. */
  bytes(): Num;
  /** Mean luma, 0 to 255. */
  brightness(): Num;
  /** Standard deviation of the luma. */
  contrast(): Num;
  /** Mean saturation, 0 (grey) to 1. */
  saturation(): Num;
  /** Mean of a channel, 0 to 255. */
  mean(channel: ImageChannel): Num;
  /** Standard deviation of a channel. */
  deviation(channel: ImageChannel): Num;
  /** The difference hash: pictures that look the same mostly have the same one. */
  hash(options?: CategoryOptions): Cat;
  /** In how many of 64 bits the difference hash differs from this one (16 hexadecimal digits). */
  hashDistance(to: string): Num;
}

export type ImageChannel = "red" | "green" | "blue";

/** An image column that says which model makes its vectors. */
export interface EmbeddedImage extends Image {
  /** The vector that the column's ONNX model makes of the picture. */
  embedding(): Vec;
}

/** Several numbers, each an input of the model. */
export interface Vec extends Value<"vector"> {}
