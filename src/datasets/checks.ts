/**
 * What a project may demand of the rows of a dataset: the limits of its schema. Plain data, as JSON. Each broken limit is
 * an anomaly (see `anomaly-kinds.ts`); limits themselves are kept: a share equal to its limit is no anomaly.
 */

/** What an anomaly does to a run: an error stops it before training, a warning is recorded. */
export type Severity = "error" | "warning";

export interface Check {
  /** Default: `error`; `warning` for drift, skew, changes of the number of rows and unexpected columns. */
  readonly severity?: Severity;
}

/** How many rows a snapshot has. */
export interface RowsCheck extends Check {
  readonly min?: number;
  readonly max?: number;
}

/** How many rows it has for each row of the previous snapshot: `{ min: 0.5, max: 2 }`. */
export interface RowsOfPreviousCheck extends Check {
  readonly min?: number;
  readonly max?: number;
}

/** How old the newest row may be, by the dataset's time. */
export interface FreshnessCheck extends Check {
  readonly maxAgeHours: number;
}

/** Columns that together name a row. Missing values count as equal to each other. */
export interface KeyCheck<Column extends string = string> extends Check {
  readonly columns: readonly Column[];
  /** Share of all rows whose key an earlier row has; default 0. */
  readonly maxShareRepeated?: number;
}

/** Columns of the source files that the dataset does not declare. */
export interface UnexpectedColumnsCheck extends Check {
  /** Names that are known and left alone. */
  readonly allowed?: readonly string[];
}

export interface MissingCheck extends Check {
  /** Of all rows, from 0 to 1. */
  readonly maxShare: number;
}

export interface DomainCheck<Item extends string | number = string | number> extends Check {
  readonly values: readonly Item[];
  /** Share of the values present that may be others; default 0. */
  readonly maxShareOutside?: number;
}

/** Both limits are allowed values themselves. Of timestamps they are ISO 8601 texts. */
export interface RangeCheck<Limit extends string | number = string | number> extends Check {
  readonly min?: Limit;
  readonly max?: Limit;
  /** Share of the values present that may lie below, and above; default 0. */
  readonly maxShareOutside?: number;
}

export interface PatternCheck extends Check {
  /** The source of a regular expression of JavaScript; it is searched for anywhere, so `^` and `$` stand for the whole. */
  readonly matches: string;
  /** Of `dimsuv`. */
  readonly flags?: string;
  /** Share of the values present that may not match; default 0. */
  readonly maxShareOutside?: number;
}

export interface UniqueCheck extends Check {
  /** Share of the values present that an earlier row has; default 0. */
  readonly maxShareRepeated?: number;
}

/** How many different values there are, counted exactly. */
export interface DistinctCheck extends Check {
  readonly min?: number;
  readonly max?: number;
}

/** The largest allowed distances of categories. */
export interface CategoryDistanceCheck extends Check {
  /** The largest difference in the share of one category, 0 to 1. */
  readonly lInfinity?: number;
  /** Jensen–Shannon distance to base 2, 0 to 1: the square root of the divergence. */
  readonly jensenShannon?: number;
  /** Count the rows themselves instead of comparing profiles: slower. */
  readonly exact?: boolean;
}

/** The largest allowed distances of numbers. */
export interface NumberDistanceCheck extends Check {
  /** Jensen–Shannon distance to base 2, 0 to 1: the square root of the divergence. */
  readonly jensenShannon?: number;
  /** Population stability index with the natural logarithm, from 0. */
  readonly psi?: number;
  /** Kolmogorov–Smirnov statistic, 0 to 1. */
  readonly kolmogorovSmirnov?: number;
  /** Compare the rows themselves instead of profiles: slower. */
  readonly exact?: boolean;
}

export type DistanceCheck = CategoryDistanceCheck & NumberDistanceCheck;

export interface ColumnChecks {
  readonly missing?: MissingCheck;
  readonly domain?: DomainCheck;
  readonly range?: RangeCheck;
  readonly pattern?: PatternCheck;
  readonly unique?: UniqueCheck;
  readonly distinct?: DistinctCheck;
  /** Against the previous snapshot. */
  readonly drift?: DistanceCheck;
  /** Of rows that are predicted for, against the rows that were trained on. */
  readonly skew?: DistanceCheck;
}

export interface DatasetChecks {
  readonly rows?: RowsCheck;
  readonly rowsOfPrevious?: RowsOfPreviousCheck;
  readonly freshness?: FreshnessCheck;
  readonly key?: KeyCheck;
  readonly unexpectedColumns?: UnexpectedColumnsCheck;
  readonly columns?: Readonly<Record<string, ColumnChecks>>;
}

/** How many checks are declared. */
export function countChecks({ columns = {}, ...ofDataset }: DatasetChecks): number {
  return Object.values(columns).reduce(
    (sum, checks) => sum + Object.keys(checks).length,
    Object.keys(ofDataset).length,
  );
}
