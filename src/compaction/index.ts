export { type CompactionRequest, compactSegments } from "./compact.ts";
export { CompactedLog } from "./compacted-log.ts";
export { compactionErrors } from "./errors.ts";
export { logSizes, removeAbandoned, removeCompacted, removeFiles } from "./log-files.ts";
export { type LogAnswer, type LogQuery, type QueryOutput, queryLog } from "./query.ts";
export {
  planRetention,
  type Removal,
  type RemovedPredictions,
  type RetentionPolicy,
  summarise,
} from "./retention.ts";
