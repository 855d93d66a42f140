import { placeOfRow, readRejects, type SnapshotManifest } from "../datasets/index.ts";
import { deserializeError, SlipwayError } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { RunRequest } from "./run.ts";

/**
 * Of an error that counts rows, the same error with the file and line of the first of them: rows are what a model is made
 * of, lines are what somebody can look at. Where rows have no lines (Parquet), and for other errors, the error itself.
 */
export async function withPlaceOfRow(
  error: unknown,
  { spec, projectRoot }: Pick<RunRequest, "spec" | "projectRoot">,
  read: { readonly manifest: SnapshotManifest; readonly blobs: BlobStore },
): Promise<unknown> {
  if (!(error instanceof SlipwayError) || typeof error.details.firstRow !== "number") return error;
  const row = error.details.firstRow - 1;
  const rejects = await readRejects(read.manifest.rejects, { ...read, limit: Number.POSITIVE_INFINITY });
  const { file, line } = await placeOfRow(spec.from.source, { root: projectRoot, row, rejects });
  if (file === undefined || line === undefined) return error;
  const serialized = error.toJSON();
  return deserializeError({
    ...serialized,
    message: `${serialized.message}: ${file}, line ${line}`,
    details: { ...serialized.details, file, line },
  });
}
