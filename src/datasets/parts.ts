import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_ROWS } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { BlobBatch } from "./blob-batch.ts";
import type { Engine } from "./engine.ts";
import type { LoadedFile } from "./load.ts";
import { copyTo, selectStored } from "./queries.ts";
import type { SchemaColumn, SnapshotBlock, SnapshotManifest, SnapshotPart } from "./snapshot.ts";

/**
 * The parts of `previous` that hold the whole blocks with which `blocks` begins too, as far as they are still stored. The last
 * one is cut where the common blocks end: the rows behind stay in its file, unused. So an append writes its own rows and those
 * of the last, unfinished block.
 */
export async function reusableParts(
  previous: SnapshotManifest,
  blocks: readonly SnapshotBlock[],
  blobs: BlobStore,
): Promise<SnapshotPart[]> {
  let common = 0;
  for (const [index, block] of blocks.entries()) {
    if (block.rows < BLOCK_ROWS || previous.blocks[index]?.digest !== block.digest) break;
    common += block.rows;
  }
  const parts: SnapshotPart[] = [];
  for (const part of previous.parts) {
    const rows = Math.min(part.rows, common - part.firstRow);
    if (rows <= 0 || !(await blobs.has(part.blob))) break;
    parts.push({ ...part, rows });
  }
  return parts;
}

/** Cuts off the rows before `firstRow`, which are stored already. Files that are not needed any more are removed. */
export async function filesFrom(
  engine: Engine,
  files: readonly LoadedFile[],
  cut: { firstRow: number; schema: readonly SchemaColumn[]; scratch: string },
): Promise<LoadedFile[]> {
  const kept: LoadedFile[] = [];
  for (const file of files) {
    if (file.firstRow >= cut.firstRow) {
      kept.push(file);
      continue;
    }
    const end = file.firstRow + file.rows;
    if (end > cut.firstRow) {
      const path = join(cut.scratch, "rest.parquet");
      const range = { from: cut.firstRow - file.firstRow, to: file.rows };
      const names = cut.schema.map(({ name }) => name);
      try {
        await engine.moveRows(copyTo(selectStored({ path: file.path, range }, names), path));
      } catch (thrown) {
        engine.rethrowUnlessData(thrown);
        throw thrown;
      }
      kept.push({ path, rows: end - cut.firstRow, firstRow: cut.firstRow });
    }
    await rm(file.path);
  }
  return kept;
}

/** Brings files to disk while there is other work to wait for, so that storing them later is quick. */
export async function syncFiles(files: readonly LoadedFile[]): Promise<void> {
  for (const { path } of files) {
    const handle = await open(path, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** Makes blobs of the files. */
export async function storeParts(files: readonly LoadedFile[], blobs: BlobBatch): Promise<SnapshotPart[]> {
  const parts: SnapshotPart[] = [];
  for (const { path, rows, firstRow } of files) {
    parts.push({ ...(await blobs.move(path)), rows, storedRows: rows, firstRow });
  }
  return parts;
}
