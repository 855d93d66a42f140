import type { ColumnType } from "../kernel/index.ts";
import type { NamedCustomColumn } from "./custom/custom-column.ts";
import type { DerivedColumn } from "./derivation.ts";
import { featuresErrors } from "./errors.ts";
import type { Expression } from "./expression.ts";
import type { PlanOutput } from "./plan.ts";
import type { PlanBuilder, ValueId } from "./plan-builder.ts";
import { type TrainingRows, valuesOnTraining } from "./training-rows.ts";

/** What an expression became in the plan under construction. */
export type Lowered =
  | { readonly kind: "number" | "flag" | "time"; readonly id: ValueId }
  | LoweredText
  | LoweredCategory
  | { readonly kind: "vector"; readonly outputAs: (name: string) => PlanOutput };

export interface LoweredText {
  readonly kind: "text";
  /** Its place among the columns of the plan. */
  readonly column: number;
}

/** A category has several faces; each is only built when it is looked at. */
export interface LoweredCategory {
  readonly kind: "category";
  /** NaN exactly where the category is missing. */
  presence(): ValueId;
  codes(): Codes;
  /** An unsigned 32-bit hash, NaN where missing. */
  hash(): ValueId;
}

/** A category as codes from 0 to `size − 1`, −1 for unseen, NaN for missing. */
export interface Codes {
  readonly id: ValueId;
  readonly size: number;
  /** Different for each code. */
  label(code: number): string;
  /** The order of codes whose frequency is equal. */
  compare(a: number, b: number): number;
}

export interface Lowering {
  readonly builder: PlanBuilder;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Without training rows nothing can be learned. */
  readonly training: TrainingRows | undefined;
  /** By the canonical JSON of where they come from. */
  readonly derived: ReadonlyMap<string, DerivedColumn>;
  /** By the canonical JSON of the call. */
  readonly custom: ReadonlyMap<string, NamedCustomColumn>;
  /** By category column, the custom ones too. */
  readonly dictionaries: ReadonlyMap<string, readonly string[]>;
  lower(expression: Expression): Lowered;
}

/** The one value of a number, flag or time. */
export function scalar(lowering: Lowering, expression: Expression): ValueId {
  const lowered = lowering.lower(expression);
  if ("id" in lowered) return lowered.id;
  throw new Error(`unreachable: ${expression.op} was checked to be one number a row`);
}

export function category(lowering: Lowering, expression: Expression): LoweredCategory {
  const lowered = lowering.lower(expression);
  if (lowered.kind === "category") return lowered;
  throw new Error(`unreachable: ${expression.op} was checked to be a category`);
}

export function text(lowering: Lowering, expression: Expression): LoweredText {
  const lowered = lowering.lower(expression);
  if (lowered.kind === "text") return lowered;
  throw new Error(`unreachable: ${expression.op} was checked to be a text`);
}

/** @throws FEATURES_BAD_EXPRESSION where nothing may be learned: in targets and weights */
export function trainingOf(lowering: Lowering, op: string): TrainingRows {
  if (lowering.training !== undefined) return lowering.training;
  throw featuresErrors.FEATURES_BAD_EXPRESSION.error(
    `${op}(): it is learned from training rows and cannot be part of a target or a weight`,
    { details: { operation: op } },
  );
}

export function learnedValues(lowering: Lowering, op: string, id: ValueId): Float64Array {
  return valuesOnTraining(lowering.builder, trainingOf(lowering, op), id);
}

/** JSON has no NaN: the missing number is null. */
export function orNull(value: number): number | null {
  return !Number.isNaN(value) ? value : null;
}
