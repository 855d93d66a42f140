import { type Digest, shortDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { type EngineOptions, withEngine } from "./engine-session.ts";
import { datasetsErrors } from "./errors.ts";
import { type ExportedImages, exportImages } from "./export-images.ts";
import { formatOfName, type RowFileFormat } from "./file-format.ts";
import { copyToFile, imagePath, selectRejects, writtenAs } from "./file-queries.ts";
import { type FilePlace, placeFile } from "./placed-file.ts";
import { STORED_AS } from "./scratch-rows.ts";
import { type SnapshotManifest, snapshotDigest } from "./snapshot.ts";
import { selectSnapshot, verifyParts } from "./snapshot-rows.ts";

export interface ExportRequest extends EngineOptions, FilePlace {
  readonly manifest: SnapshotManifest;
  /** Its rows (the default), or those that were rejected when it was taken, with their reasons. */
  readonly what?: "rows" | "rejects";
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

/**
 * Writes the rows of a snapshot to a CSV, TSV, NDJSON or Parquet file: canonical values, in order. Read again as the same
 * columns they make the same snapshot, but that a CSV file cannot tell an empty text from a missing one. Or writes the
 * rejected rows, with where they stood and why they were rejected. Images become files in a folder beside.
 *
 * @returns the number of rows
 * @throws DATASETS_CANNOT_WRITE, DATASETS_UNKNOWN_FORMAT, DATASETS_NO_ROWS for rejects where there are none, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED
 */
export async function exportSnapshot(request: ExportRequest): Promise<number> {
  const format = formatOfName(request.out);
  if (request.what === "rejects") {
    const selected = rejectsOf(request);
    return await placeFile(request, async (draft) => {
      await request.blobs.verify(selected.blob);
      return await writeSelected(request, selected, { draft, format });
    });
  }
  return await placeFile(request, async (draft) => {
    await verifyParts(request.manifest, request.blobs);
    const images = await exportImages(request.manifest, request);
    try {
      return await writeSelected(request, rowsOf(request, format, images), { draft, format });
    } catch (thrown) {
      await images.undo();
      throw thrown;
    }
  });
}

async function writeSelected(
  request: ExportRequest,
  { select, rows }: Selected,
  to: { readonly draft: string; readonly format: RowFileFormat },
): Promise<number> {
  const notes = { "slipway.snapshot": snapshotDigest(request.manifest) };
  return await withEngine(request, async (engine) => {
    try {
      const [copied] = await engine.moveRows(
        copyToFile(select, { path: to.draft, format: to.format, notes }),
      );
      const written = Number(copied?.Count);
      if (written === rows) return rows;
      throw datasetsErrors.DATASETS_DAMAGED.error(
        `the parts of the snapshot hold ${written} rows, its manifest says ${rows}`,
      );
    } catch (thrown) {
      engine.rethrowUnlessData(thrown);
      throw thrown;
    }
  });
}

interface Selected {
  readonly select: string;
  readonly rows: number;
}

function rowsOf(
  { manifest, blobs }: ExportRequest,
  format: RowFileFormat,
  { paths }: ExportedImages,
): Selected {
  const fields = manifest.schema.map(({ name, type }) => {
    const path = paths.get(name);
    if (path !== undefined) return imagePath(name, path);
    return writtenAs({ name, stored: STORED_AS[type] }, format);
  });
  return { select: selectSnapshot(manifest, blobs, fields), rows: manifest.rowCount };
}

function rejectsOf({ manifest, blobs, out }: ExportRequest): Selected & { readonly blob: Digest } {
  const { rejects } = manifest;
  if (rejects === undefined) {
    throw datasetsErrors.DATASETS_NO_ROWS.error(
      `no row was rejected when snapshot ${shortDigest(snapshotDigest(manifest))} was taken: there is nothing to write to ${out}`,
    );
  }
  return { select: selectRejects(blobs.path(rejects.blob)), rows: rejects.rows, blob: rejects.blob };
}
