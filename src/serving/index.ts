export {
  type AdmissionLimits,
  DEFAULT_ADMISSION_LIMITS,
  type QueueRefusal,
  retryAfterSeconds,
  type ShedReason,
} from "./admission.ts";
export type { RecommendRequest } from "./candidates.ts";
export {
  COMPACTED,
  type CompactedFile,
  type Compaction,
  compactedSegments,
  compactionName,
  listRawSegments,
  readCompactions,
  type SequenceRange,
} from "./compactions.ts";
export {
  createDataPlane,
  type DataPlane,
} from "./data-plane.ts";
export type { DataPlaneOptions } from "./data-plane-options.ts";
export { servingErrors } from "./errors.ts";
export { KnownWorkers } from "./known-workers.ts";
export { loadModel } from "./loaded-model.ts";
export { type ChainReport, verifyLogChain } from "./log-chain.ts";
export {
  type CompactedReader,
  findPrediction,
  type LogFilter,
  type LogReadOptions,
  loggedBundles,
  readPredictionLog,
} from "./log-reader.ts";
export type { ImageRules } from "./model-images.ts";
export type { Instances, Prediction, ThreadedPrediction } from "./prediction.ts";
export type {
  CountedArm,
  PredictionCounter,
  PredictionCounts,
  Protocol,
  VersionCounts,
} from "./prediction-counts.ts";
export {
  completeHeader,
  completeStreamSequence,
  decodePrediction,
  decodeSeal,
  type FrameInput,
  frameBytes,
  headerTemplate,
  isSampledOut,
  KIND_SEAL,
  PAYLOAD_PREFIX_BYTES,
  type PredictionFrame,
  type PredictionPayload,
  peekFrame,
  readInput,
  SALT_BYTES,
  type SealFrame,
} from "./prediction-frame.ts";
export {
  incarnationTail,
  type PredictionId,
  PredictionIds,
  parsePredictionId,
} from "./prediction-id.ts";
export { type LogCounts, PREDICTION_LOG, type Waiting } from "./prediction-log.ts";
export { PredictionPlaces } from "./prediction-places.ts";
export type { Recommendation } from "./recommend.ts";
export { late, shedError } from "./refusals.ts";
export {
  type ReplayedPrediction,
  type ReplayFilter,
  type ReplayReport,
  type ReplayRequest,
  replayLog,
} from "./replay.ts";
export type { Answer, ReplayVerdict } from "./replayed-answer.ts";
export {
  type ApplyReport,
  parseRouting,
  type RoutedModel,
  type RoutedVersion,
  type RoutingSnapshot,
} from "./routing.ts";
export { type Kept, sampleDraw } from "./sampling.ts";
export { type SealedGroup, SealedGroups } from "./sealed-groups.ts";
export type {
  ModelRuns,
  ModelStatus,
  ServedVersion,
  VersionSelector,
  VersionStatus,
} from "./served-version.ts";
export { ServicePace } from "./service-pace.ts";
export type { StreamProgress } from "./stream-progress.ts";
export { type Brake, type Work, WorkQueue } from "./work-queue.ts";
