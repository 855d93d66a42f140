import type { BlobStore } from "../storage/index.ts";
import { selectParts } from "./file-queries.ts";
import type { SnapshotManifest } from "./snapshot.ts";

/** SQL for the rows of a snapshot, in order. @param fields SQL expressions over its columns */
export function selectSnapshot(
  manifest: SnapshotManifest,
  blobs: BlobStore,
  fields: readonly string[],
): string {
  const placed = manifest.parts.map((part) => ({ ...part, path: blobs.path(part.blob) }));
  return selectParts(
    placed.map(({ path }) => path),
    { fields, cut: placed.filter(({ rows, storedRows }) => rows < storedRows) },
  );
}

/** @throws STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
export async function verifyParts(manifest: SnapshotManifest, blobs: BlobStore): Promise<void> {
  for (const { blob } of manifest.parts) await blobs.verify(blob);
}
