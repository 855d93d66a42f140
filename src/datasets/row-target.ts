import type { SiftTask } from "./sift-files.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { SourceSpec } from "./spec.ts";

/** Where the rows of source files go, and as what. */
export interface RowTarget {
  readonly source: SourceSpec;
  readonly schema: readonly SchemaColumn[];
  /** Leaves bad rows out; without it they are errors. */
  readonly sift?: SiftTask;
  /** A Parquet file to be written. */
  readonly path: string;
  /** Told now and then how much has been read, from 0 to 1. */
  readonly onShare?: (share: number) => void;
}

/** For the files that are left after bad rows were taken out. */
export function withoutSieve({ sift: _, ...target }: RowTarget): RowTarget {
  return target;
}
