import type { ColumnType, JsonValue } from "../kernel/index.ts";
import type { CustomColumn } from "./custom/custom-column.ts";
import type { DerivedColumn } from "./derivation.ts";

export const planFormat = "slipway.features/1";

/** Into how many parts training rows are divided for out-of-fold encodings. */
export const foldCount = 5;

/**
 * What is read from the columns before the kernel runs: one number a row, so that the kernel never sees a string.
 * `words` fills as many places as it has buckets. `column` is a place among the columns of the record and, behind them, the
 * custom ones.
 */
export type PlanSlot =
  | { readonly read: "number"; readonly column: number }
  | { readonly read: "code"; readonly column: number; readonly dictionary: number }
  | { readonly read: "hash" | "length" | "wordCount"; readonly column: number }
  | { readonly read: "words"; readonly column: number; readonly buckets: number }
  | { readonly read: "derived"; readonly derived: number }
  | { readonly read: "fold" };

/** One call of a primitive. Values are numbered: slots first, then steps; a step only uses values before it. */
export interface PlanStep {
  readonly op: string;
  readonly args: readonly number[];
  /** What was written in the project or learned from the training rows. */
  readonly with?: JsonValue;
}

export type PlanOutput =
  | { readonly kind: "numeric"; readonly name: string; readonly value: number }
  | {
      readonly kind: "categorical";
      readonly name: string;
      readonly cardinality: number;
      readonly value: number;
    }
  | {
      readonly kind: "oneHot";
      readonly name: string;
      readonly labels: readonly string[];
      readonly value: number;
    }
  | { readonly kind: "words"; readonly name: string; readonly value: number };

/**
 * The features of a model after fitting: a straight-line program over the raw columns with every learned number in it.
 * It is plain JSON and is named by the digest of its canonical form.
 */
export interface FeaturePlan {
  readonly format: typeof planFormat;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly optional?: true }[];
  /** What custom functions compute, as columns that follow those of the record; absent where there are none. */
  readonly custom?: readonly CustomColumn[];
  /** Columns that are no fields of a record but handed to the kernel beside it; absent where there are none. */
  readonly derived?: readonly DerivedColumn[];
  /** Known texts of category columns; a text's code is its place. */
  readonly dictionaries: readonly (readonly string[])[];
  readonly slots: readonly PlanSlot[];
  readonly steps: readonly PlanStep[];
  readonly outputs: readonly PlanOutput[];
}

/** The names of the columns an output becomes. */
export function outputNames(output: PlanOutput, wordBuckets: number): string[] {
  switch (output.kind) {
    case "oneHot":
      return output.labels.map((label) => `${output.name}=${label}`);
    case "words":
      return Array.from({ length: wordBuckets }, (_, bucket) => `${output.name}[${bucket}]`);
    default:
      return [output.name];
  }
}
