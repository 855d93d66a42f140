import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  inferSource,
  ingest,
  placeOfRow,
  type RowPlace,
  readSnapshot,
  type SourceSpec,
} from "../datasets/index.ts";
import type { ColumnType, Table } from "../kernel/index.ts";
import { openFileBlobs } from "../storage/index.ts";

export interface InspectOptions {
  /** Path or pattern of the files, relative to `root`. */
  readonly glob: string;
  readonly root: string;
  readonly signal: AbortSignal;
  readonly onRows: (done: number, of: number | undefined) => void;
}

/** A source that no project describes yet: how to read it, and what it holds. */
export interface SourceInspection {
  readonly source: SourceSpec;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** All rows, read as a snapshot of them would be. */
  readonly table: Table;
  /** The column by which rows seem to be ordered in time. */
  readonly timeColumn: string | undefined;
  /** Where a row of the table, from 0, stands in the files. */
  readonly placeOf: (row: number) => Promise<RowPlace>;
  /** What was decided that somebody may want to decide otherwise, in words. */
  readonly notes: readonly string[];
}

/**
 * Reads a source the way a first `data add` would, and keeps nothing of it.
 *
 * @throws DATASETS_* as `data add` does
 */
export async function inspectSource({
  glob,
  root,
  signal,
  onRows,
}: InspectOptions): Promise<SourceInspection> {
  const { source, columns, timeColumn, notes } = await inferSource({ glob, root });
  const directory = await mkdtemp(join(tmpdir(), "slipway-inspect-"));
  try {
    const blobs = openFileBlobs(directory);
    const { manifest } = await ingest({
      name: glob,
      spec: { source, columns },
      root,
      blobs,
      signal,
      onProgress: ({ rows, of }) => {
        if (rows !== undefined) onRows(rows, of);
      },
    });
    const table = await readSnapshot(manifest, { blobs, signal });
    return { source, columns, table, timeColumn, notes, placeOf: (row) => placeOfRow(source, { root, row }) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
