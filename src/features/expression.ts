import type { ColumnType } from "../kernel/index.ts";
import type { WindowSpec, WindowStatistic } from "./windows/window-spec.ts";

/**
 * What an expression stands for. Only numbers, categories, flags and vectors can be features; a time or a text must
 * be turned into one of them first.
 */
export type ValueKind = "number" | "category" | "flag" | "time" | "text" | "vector";

/** A raw column of the dataset, by name. */
export interface ColumnExpression {
  readonly op: "column";
  readonly name: string;
}

/** A number written in the project; null is the missing number. */
export interface ConstantExpression {
  readonly op: "constant";
  readonly value: number | null;
}

/** A time written in the project: an ISO 8601 text. */
export interface ConstantTimeExpression {
  readonly op: "constantTime";
  readonly time: string;
}

export type ArithmeticOp = "add" | "subtract" | "multiply" | "divide" | "minimum" | "maximum";
export interface ArithmeticExpression {
  readonly op: ArithmeticOp;
  readonly args: readonly [Expression, Expression];
}

export type UnaryOp = "negate" | "absolute" | "log" | "log1p" | "squareRoot";
export interface UnaryExpression {
  readonly op: UnaryOp;
  readonly args: readonly [Expression];
}

/** At least one limit is given. */
export interface ClipExpression {
  readonly op: "clip";
  readonly args: readonly [Expression];
  readonly low?: number;
  readonly high?: number;
}

export interface RoundExpression {
  readonly op: "round";
  readonly args: readonly [Expression];
  /** Digits after the decimal point, −12 to 12. */
  readonly digits: number;
}

export type ComparisonOp = "above" | "atLeast" | "below" | "atMost" | "equals";
export interface ComparisonExpression {
  readonly op: ComparisonOp;
  readonly args: readonly [Expression, Expression];
}

export interface BetweenExpression {
  readonly op: "between";
  readonly args: readonly [Expression, Expression, Expression];
}

export interface WhenExpression {
  readonly op: "when";
  readonly args: readonly [Expression, Expression, Expression];
}

export type LogicOp = "and" | "or";
export interface LogicExpression {
  readonly op: LogicOp;
  readonly args: readonly [Expression, Expression];
}

export interface NotExpression {
  readonly op: "not";
  readonly args: readonly [Expression];
}

export interface IsExpression {
  readonly op: "is";
  readonly args: readonly [Expression];
  readonly value: string;
}

export interface IsOneOfExpression {
  readonly op: "isOneOf";
  readonly args: readonly [Expression];
  readonly values: readonly string[];
}

export interface IsMissingExpression {
  readonly op: "isMissing" | "missingIndicator";
  readonly args: readonly [Expression];
}

export type DatePartOp =
  | "year"
  | "month"
  | "dayOfMonth"
  | "dayOfWeek"
  | "dayOfYear"
  | "hourOfDay"
  | "minuteOfHour";
export interface DatePartExpression {
  readonly op: DatePartOp;
  readonly args: readonly [Expression];
}

export interface SinceExpression {
  readonly op: "hoursSince" | "daysSince";
  /** The later time and the time it is counted from. */
  readonly args: readonly [Expression, Expression];
}

export interface FillMissingExpression {
  readonly op: "fillMissing";
  readonly args: readonly [Expression];
  /** A constant of the column's kind, or what is learned from the training rows. */
  readonly with: { readonly constant: number | string | boolean } | "mean" | "median" | "mostFrequent";
}

export interface BucketizedExpression {
  readonly op: "bucketized";
  readonly args: readonly [Expression];
  /** The most buckets there may be, 2 to 1,024. */
  readonly buckets: number;
}

export interface StandardizedExpression {
  readonly op: "standardized";
  readonly args: readonly [Expression];
}

/** Which categories are kept: the most frequent ones of the training rows. */
export interface CategoryLimits {
  readonly maxCategories: number;
  /** Categories in fewer training rows than this are treated as unseen. */
  readonly minCount: number;
}

export interface CategoryEncodingExpression extends CategoryLimits {
  readonly op: "limited" | "oneHot" | "frequencyEncoded";
  readonly args: readonly [Expression];
}

export interface OrdinalExpression extends CategoryLimits {
  readonly op: "ordinal";
  readonly args: readonly [Expression];
  /** Categories from first to last; without it they are ordered by code unit, coded categories by their code. */
  readonly order?: readonly string[];
}

export interface TargetEncodedExpression extends CategoryLimits {
  readonly op: "targetEncoded";
  readonly args: readonly [Expression];
  /** The weight of the overall mean, in rows. */
  readonly smoothing: number;
}

export interface CrossExpression extends CategoryLimits {
  readonly op: "cross";
  /** Two to eight categories. */
  readonly args: readonly Expression[];
}

export interface HashedExpression {
  readonly op: "hashed";
  readonly args: readonly [Expression];
  /** 2 to 2^24. */
  readonly buckets: number;
}

export interface TextCountExpression {
  readonly op: "length" | "wordCount";
  readonly args: readonly [Expression];
}

export interface WordsHashedExpression {
  readonly op: "wordsHashed";
  readonly args: readonly [Expression];
  /** 2 to 4,096: the length of the vector. */
  readonly buckets: number;
}

/** What a window says about the past of a row. */
export interface WindowExpression {
  readonly op: "window";
  readonly window: WindowSpec;
  readonly statistic: WindowStatistic;
}

/** A function of the project's own, of columns of the row. */
export interface CustomExpression {
  readonly op: "custom";
  /** What it is called in the custom code of the model. */
  readonly function: string;
  readonly returns: "number" | "flag" | "category";
  readonly args: readonly ColumnExpression[];
}

/**
 * An expression is data: a tree of operations that can be stored, compared and digested. The names of operations
 * and their meanings never change; a changed meaning is a new operation.
 */
export type Expression =
  | ColumnExpression
  | ConstantExpression
  | ConstantTimeExpression
  | ArithmeticExpression
  | UnaryExpression
  | ClipExpression
  | RoundExpression
  | ComparisonExpression
  | BetweenExpression
  | WhenExpression
  | LogicExpression
  | NotExpression
  | IsExpression
  | IsOneOfExpression
  | IsMissingExpression
  | DatePartExpression
  | SinceExpression
  | FillMissingExpression
  | BucketizedExpression
  | StandardizedExpression
  | CategoryEncodingExpression
  | OrdinalExpression
  | TargetEncodedExpression
  | CrossExpression
  | HashedExpression
  | TextCountExpression
  | WordsHashedExpression
  | WindowExpression
  | CustomExpression;

export type Op = Expression["op"];
export type ExpressionOf<Name extends Op> = MemberWith<Name, Expression>;

/** The member of the union that has this operation, narrowed to it. */
type MemberWith<Name extends Op, Member> = Member extends { readonly op: infer Ops }
  ? Name extends Ops
    ? Member & { readonly op: Name }
    : never
  : never;

/** The features of a model and the columns they may read. */
export interface FeatureSpec {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly features: Readonly<Record<string, Expression>>;
  /** Columns that a record may leave out altogether; all others must be there, if only as null. */
  readonly optional?: readonly string[];
}

/** What a column of a type is in an expression. */
export const kindOfColumn = {
  int: "number",
  float: "number",
  bool: "flag",
  timestamp: "time",
  category: "category",
  text: "text",
} as const satisfies Record<ColumnType, ValueKind>;

/** ISO order; the code of a day is its place here. */
export const weekdays = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
