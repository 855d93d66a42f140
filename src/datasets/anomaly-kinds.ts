import type { Severity } from "./checks.ts";

export interface AnomalyKindDefinition {
  /** The option of `checks` that raises it. */
  readonly option: string;
  /** When it is raised, as one sentence. */
  readonly doc: string;
  /** What the proposed change of the schema does; empty where nothing is proposed. */
  readonly proposal: string;
  readonly severity: Severity;
  /** What TensorFlow Data Validation calls it. */
  readonly tfdv: readonly string[];
}

/** Every kind of anomaly. Names are stable. */
export const anomalyKinds = {
  "missing-column": {
    option: "columns",
    doc: "The snapshot lacks a column that the dataset declares.",
    proposal: "of a serving dataset: `required: false`",
    severity: "error",
    tfdv: ["SCHEMA_MISSING_COLUMN", "FEATURE_TYPE_NOT_PRESENT"],
  },
  "wrong-type": {
    option: "columns",
    doc: "A column of the snapshot has another type than the dataset declares.",
    proposal: "declare the type that it has",
    severity: "error",
    tfdv: ["UNEXPECTED_DATA_TYPE"],
  },
  "unexpected-column": {
    option: "unexpectedColumns",
    doc: "The source files have a column that the dataset neither declares nor allows.",
    proposal: "allow it",
    severity: "warning",
    tfdv: ["SCHEMA_NEW_COLUMN"],
  },
  "too-few-rows": {
    option: "rows.min",
    doc: "The snapshot has fewer rows than the limit.",
    proposal: "lower the limit to the number of rows",
    severity: "error",
    tfdv: ["DATASET_LOW_NUM_EXAMPLES"],
  },
  "too-many-rows": {
    option: "rows.max",
    doc: "The snapshot has more rows than the limit.",
    proposal: "raise the limit to the number of rows",
    severity: "error",
    tfdv: ["DATASET_HIGH_NUM_EXAMPLES"],
  },
  "row-count-fell": {
    option: "rowsOfPrevious.min",
    doc: "The number of rows, divided by that of the previous snapshot, is below the limit.",
    proposal: "lower the limit to this ratio",
    severity: "warning",
    tfdv: ["COMPARATOR_LOW_NUM_EXAMPLES"],
  },
  "row-count-grew": {
    option: "rowsOfPrevious.max",
    doc: "The number of rows, divided by that of the previous snapshot, is above the limit.",
    proposal: "raise the limit to this ratio",
    severity: "warning",
    tfdv: ["COMPARATOR_HIGH_NUM_EXAMPLES"],
  },
  stale: {
    option: "freshness",
    doc: "The newest value of the dataset's time is older than the limit at the moment of validation.",
    proposal: "raise the limit to this age, in whole hours",
    severity: "error",
    tfdv: [],
  },
  "duplicate-key": {
    option: "key",
    doc: "Rows have a key that an earlier row has, and their share of all rows is above the limit.",
    proposal: "tolerate this share",
    severity: "error",
    tfdv: [],
  },
  "missing-values": {
    option: "missing",
    doc: "The share of rows without a value is above the limit.",
    proposal: "tolerate this share",
    severity: "error",
    tfdv: ["FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_LOW_NUMBER_PRESENT"],
  },
  "outside-domain": {
    option: "domain",
    doc: "Values are not among those listed, and their share of the values present is above the limit.",
    proposal: "add the values; of more than 400 different ones, tolerate this share",
    severity: "error",
    tfdv: ["ENUM_TYPE_UNEXPECTED_STRING_VALUES"],
  },
  "below-minimum": {
    option: "range.min",
    doc: "Values are smaller than the limit, and their share of the values present is above what is tolerated.",
    proposal: "lower the limit to the smallest value",
    severity: "error",
    tfdv: ["INT_TYPE_SMALL_INT", "FLOAT_TYPE_SMALL_FLOAT"],
  },
  "above-maximum": {
    option: "range.max",
    doc: "Values are larger than the limit, and their share of the values present is above what is tolerated.",
    proposal: "raise the limit to the largest value",
    severity: "error",
    tfdv: ["INT_TYPE_BIG_INT", "FLOAT_TYPE_BIG_FLOAT"],
  },
  "pattern-mismatch": {
    option: "pattern",
    doc: "Texts do not match the regular expression, and their share of the values present is above the limit.",
    proposal: "tolerate this share",
    severity: "error",
    tfdv: [],
  },
  "repeated-values": {
    option: "unique",
    doc: "Rows have a value that an earlier row has, and their share of the values present is above the limit.",
    proposal: "tolerate this share",
    severity: "error",
    tfdv: ["FEATURE_TYPE_NO_UNIQUE"],
  },
  "too-few-distinct": {
    option: "distinct.min",
    doc: "There are fewer different values than the limit.",
    proposal: "lower the limit to their number",
    severity: "error",
    tfdv: ["FEATURE_TYPE_LOW_UNIQUE"],
  },
  "too-many-distinct": {
    option: "distinct.max",
    doc: "There are more different values than the limit.",
    proposal: "raise the limit to their number",
    severity: "error",
    tfdv: ["FEATURE_TYPE_HIGH_UNIQUE"],
  },
  drift: {
    option: "drift",
    doc: "A distance between the values of the previous snapshot and of this one is above its limit.",
    proposal: "raise the limit to this distance",
    severity: "warning",
    tfdv: ["COMPARATOR_L_INFTY_HIGH", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"],
  },
  skew: {
    option: "skew",
    doc: "A distance between the values that were trained on and those that are predicted for is above its limit.",
    proposal: "raise the limit to this distance",
    severity: "warning",
    tfdv: ["COMPARATOR_L_INFTY_HIGH", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"],
  },
} as const satisfies Readonly<Record<string, AnomalyKindDefinition>>;

export type AnomalyKind = keyof typeof anomalyKinds;
