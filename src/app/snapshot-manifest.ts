import { parseManifest, type SnapshotManifest } from "../datasets/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { ControlContext } from "./control-context.ts";

/** The manifest of a recorded snapshot. @throws DATASETS_BAD_MANIFEST, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
export async function readManifest({ blobs }: ControlContext, blob: Digest): Promise<SnapshotManifest> {
  return parseManifest(JSON.parse((await blobs.get(blob)).toString("utf8")));
}
