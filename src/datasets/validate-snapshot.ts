import type { BlobStore } from "../storage/index.ts";
import type { Anomaly, Findings } from "./anomaly.ts";
import type { EngineOptions } from "./engine-session.ts";
import { findAnomalies } from "./find-anomalies.ts";
import { type DatasetSchema, neededEvidence, type Subject } from "./needed-evidence.ts";
import { type Reject, readRejects } from "./rejects.ts";
import { placesOfRows } from "./row-place.ts";
import type { SnapshotManifest } from "./snapshot.ts";
import { gatherEvidence } from "./snapshot-evidence.ts";
import type { SourceSpec } from "./spec.ts";

export interface ValidateRequest extends EngineOptions {
  readonly schema: DatasetSchema;
  readonly manifest: SnapshotManifest;
  /** The snapshot before this one, for drift; or the one that was trained on, for skew. */
  readonly reference?: { readonly role: "previous" | "training"; readonly manifest: SnapshotManifest };
  /** Epoch milliseconds. */
  readonly now: number;
  /** Where the rows stand, when the snapshot has just been read from there: offending rows then have file and line. */
  readonly readFrom?: { readonly source: SourceSpec; readonly root: string };
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

/**
 * Which limits of its dataset a snapshot breaks. What is claimed of rows is counted in the rows.
 *
 * @throws DATASETS_DAMAGED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED, the signal's reason when aborted
 */
export async function validateSnapshot(request: ValidateRequest): Promise<Findings> {
  const { schema, manifest, reference, now, readFrom, ...options } = request;
  const subject: Subject = {
    schema,
    snapshot: manifest,
    ...(reference === undefined
      ? {}
      : {
          reference: {
            role: reference.role,
            rowCount: reference.manifest.rowCount,
            profile: reference.manifest.profile,
          },
        }),
    now,
  };
  const evidence = await gatherEvidence(neededEvidence(subject), {
    ...options,
    manifest,
    ...(reference === undefined ? {} : { reference: reference.manifest }),
  });
  const findings = findAnomalies(subject, evidence);
  if (readFrom === undefined || findings.anomalies.length === 0) return findings;
  const rejects = await readRejects(manifest.rejects, { ...options, limit: Number.POSITIVE_INFINITY });
  return { ...findings, anomalies: await withPlaces(findings.anomalies, { ...readFrom, rejects }) };
}

async function withPlaces(
  anomalies: readonly Anomaly[],
  {
    source,
    ...place
  }: { readonly source: SourceSpec; readonly root: string; readonly rejects: readonly Reject[] },
): Promise<Anomaly[]> {
  const rows = anomalies.flatMap(({ firstRows }) => firstRows.map(({ row }) => row - 1));
  const places = await placesOfRows(source, { ...place, rows });
  return anomalies.map((anomaly) => ({
    ...anomaly,
    firstRows: anomaly.firstRows.map((first) => ({ ...first, ...places.get(first.row - 1) })),
  }));
}
