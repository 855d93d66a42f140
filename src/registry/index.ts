export type { AliasChange, AliasChanged } from "./alias-records.ts";
export { registryErrors } from "./errors.ts";
export type { JournalAction, JournalEntry, JournalFault } from "./journal.ts";
export type { JournalVerdict } from "./journal-records.ts";
export {
  blobsOfVersion,
  encodeCarriedVersion,
  MODEL_FILE_RECORD,
  readModelFile,
  writeModelFile,
} from "./model-file.ts";
export type { CarriedVersion, ProvenanceStep } from "./provenance.ts";
export type { NewVersion, Registration } from "./registration.ts";
export { createRegistry, type Registry } from "./registry.ts";
export type { RoutedModel, RoutingDocument } from "./routing.ts";
export type { FinishedRunState, Run, RunState, RunStep, RunStepState } from "./run.ts";
export type { NewRun, RunEnd } from "./run-records.ts";
export type { NewSnapshot } from "./snapshot-records.ts";
export type { UnusedSnapshots } from "./snapshot-removal.ts";
export type { Validation } from "./validation-records.ts";
export {
  CHAMPION,
  type ModelSummary,
  type Reproduction,
  type SnapshotRecord,
  type SnapshotTag,
  type Version,
  type VersionStatus,
} from "./version.ts";
