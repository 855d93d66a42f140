import type { SchemaColumn } from "./snapshot.ts";
import type { SourceSpec } from "./spec.ts";

/** Where the rows of source files go, and as what. */
export interface RowTarget {
  readonly source: SourceSpec;
  readonly schema: readonly SchemaColumn[];
  /** A Parquet file to be written. */
  readonly path: string;
  /** Told now and then how much has been read, from 0 to 1. */
  readonly onShare?: (share: number) => void;
}
