import type { BlobStore } from "../storage/index.ts";
import { type EngineOptions, withEngine } from "./engine-session.ts";
import { datasetsErrors } from "./errors.ts";
import { formatOfName } from "./file-format.ts";
import { copyToFile, writtenAs } from "./file-queries.ts";
import { type FilePlace, placeFile } from "./placed-file.ts";
import { STORED_AS } from "./scratch-rows.ts";
import { type SnapshotManifest, snapshotDigest } from "./snapshot.ts";
import { selectSnapshot, verifyParts } from "./snapshot-rows.ts";

export interface ExportRequest extends EngineOptions, FilePlace {
  readonly manifest: SnapshotManifest;
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

/**
 * Writes the rows of a snapshot to a CSV, TSV, NDJSON or Parquet file: canonical values, in order. Read again as the same
 * columns they make the same snapshot, but that a CSV file cannot tell an empty text from a missing one.
 *
 * @returns the number of rows
 * @throws DATASETS_CANNOT_WRITE, DATASETS_UNKNOWN_FORMAT, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED
 */
export async function exportSnapshot(request: ExportRequest): Promise<number> {
  const { manifest, blobs } = request;
  const format = formatOfName(request.out);
  return await placeFile(request, async (draft) => {
    await verifyParts(manifest, blobs);
    return await withEngine(request, async (engine) => {
      const fields = manifest.schema.map(({ name, type }) =>
        writtenAs({ name, stored: STORED_AS[type] }, format),
      );
      const notes = { "slipway.snapshot": snapshotDigest(manifest) };
      const select = selectSnapshot(manifest, blobs, fields);
      try {
        const [copied] = await engine.moveRows(copyToFile(select, { path: draft, format, notes }));
        const rows = Number(copied?.Count);
        if (rows === manifest.rowCount) return rows;
        throw datasetsErrors.DATASETS_DAMAGED.error(
          `the parts of the snapshot hold ${rows} rows, its manifest says ${manifest.rowCount}`,
        );
      } catch (thrown) {
        engine.rethrowUnlessData(thrown);
        throw thrown;
      }
    });
  });
}
