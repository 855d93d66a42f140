export { anomaliesReference } from "./anomalies-reference.ts";
export {
  type Anomaly,
  countSeverity,
  describeAnomaly,
  type Findings,
  type OffendingRow,
  type SchemaChange,
  type UnjudgedCheck,
} from "./anomaly.ts";
export { type AnomalyKind, anomalyKinds } from "./anomaly-kinds.ts";
export { countChecks, type DatasetChecks, type Severity } from "./checks.ts";
export { type CompareRequest, compareSnapshots, type SnapshotComparison } from "./compare-snapshots.ts";
export { datasetsErrors } from "./errors.ts";
export { type ExportRequest, exportSnapshot } from "./export-snapshot.ts";
export { type Extended, type ExtendRequest, extendFile } from "./extend-file.ts";
export { formatOfName, type RowFileFormat } from "./file-format.ts";
export { findSkew } from "./find-skew.ts";
export { inferSource } from "./infer.ts";
export type { InferRequest, InferredColumn, InferredSource } from "./inferred-source.ts";
export { type Ingested, type IngestProgress, type IngestRequest, ingest } from "./ingest.ts";
export type { DatasetSchema } from "./needed-evidence.ts";
export type { FilePlace } from "./placed-file.ts";
export { type ReadOptions, readSnapshot } from "./read-snapshot.ts";
export { type Reject, readRejects } from "./rejects.ts";
export { placeOfRow, type RowPlace } from "./row-place.ts";
export type { DeclaredColumns } from "./schema.ts";
export { applyChanges } from "./schema-changes.ts";
export type { ReadingRules } from "./scratch-rows.ts";
export {
  parseManifest,
  type SchemaColumn,
  type SnapshotBlock,
  type SnapshotManifest,
  type SnapshotPart,
  type SnapshotRejects,
  type SourceFile,
  snapshotDigest,
} from "./snapshot.ts";
export { type BadRowPolicy, csv, ndjson, parquet, type SourceFormat, type SourceSpec, tsv } from "./spec.ts";
export { type ValidateRequest, validateSnapshot } from "./validate-snapshot.ts";
export { type WrittenColumn, writeColumns } from "./write-columns.ts";
