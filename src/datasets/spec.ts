/** What a project may say about where rows come from. Types and constructors only: loading a config loads no native code. */

export type { SchemaChange } from "./anomaly.ts";
export type {
  CategoryDistanceCheck,
  Check,
  ColumnChecks,
  DatasetChecks,
  DistinctCheck,
  DomainCheck,
  FreshnessCheck,
  KeyCheck,
  MissingCheck,
  NumberDistanceCheck,
  PatternCheck,
  RangeCheck,
  RowsCheck,
  RowsOfPreviousCheck,
  Severity,
  UnexpectedColumnsCheck,
  UniqueCheck,
} from "./checks.ts";
export { applyChanges } from "./schema-changes.ts";

export type SourceFormat = "csv" | "ndjson" | "parquet";

/**
 * Files that hold the rows of a dataset. With several patterns the files of the first come first; the files of one
 * pattern are read in natural order of their paths (`part-2` before `part-10`).
 */
export interface SourceSpec {
  readonly format: SourceFormat;
  /** Paths or patterns (`data/**\/*.csv`), relative to the project's folder. */
  readonly glob: string | readonly string[];
  /** CSV: one character between fields. Default `,`. */
  readonly delimiter?: string;
  /** CSV: one character around fields that hold delimiters, quotes (doubled) or newlines. Default `"`. */
  readonly quote?: string;
  /** CSV: texts that mean "missing", besides the empty field. */
  readonly nullValues?: readonly string[];
  /**
   * How text columns of type `timestamp` are written when it is not ISO 8601: a pattern of `%Y %y %m %d %H %I %p %M %S %f
   * %b %B %a %A %z` directives, or `epoch-seconds`, or `epoch-milliseconds`. Times without a zone are UTC.
   */
  readonly timestampFormat?: string;
  /** CSV: drop blanks around category and text values. Numbers and times never mind them. */
  readonly trim?: boolean;
}

export type CsvOptions = Omit<SourceSpec, "format" | "glob">;
export type NdjsonOptions = Pick<SourceSpec, "timestampFormat">;

/** What happens to rows that do not fit the columns. */
export interface BadRowPolicy {
  /**
   * `fail` (the default): the first bad row stops the ingest, and nothing is recorded. `quarantine`: bad rows are left out
   * and kept aside with their reasons, as long as they are few.
   */
  readonly onBadRow?: "fail" | "quarantine";
  /** With `quarantine`: the largest share of all rows that may be bad, from 0 to 1. Default 0.01; above it the ingest fails. */
  readonly maxBadRowShare?: number;
}

export const DEFAULT_MAX_BAD_ROW_SHARE = 0.01;

/** Text files with a header line and delimited fields (RFC 4180), in UTF-8. */
export function csv(glob: string | readonly string[], options: CsvOptions = {}): SourceSpec {
  return { ...options, format: "csv", glob };
}

/** CSV with tabs between the fields. */
export function tsv(
  glob: string | readonly string[],
  options: Omit<CsvOptions, "delimiter"> = {},
): SourceSpec {
  return { ...options, delimiter: "\t", format: "csv", glob };
}

/**
 * One JSON object per line, in UTF-8. Numbers are JSON numbers, categories and texts strings, times ISO strings or epoch
 * milliseconds (seconds with the format `epoch-seconds`).
 */
export function ndjson(glob: string | readonly string[], options: NdjsonOptions = {}): SourceSpec {
  return { ...options, format: "ndjson", glob };
}

/** Apache Parquet files. */
export function parquet(glob: string | readonly string[]): SourceSpec {
  return { format: "parquet", glob };
}
