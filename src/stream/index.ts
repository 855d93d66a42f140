export { streamErrors } from "./errors.ts";
export { LiveWindows, type LiveWindowsOptions, type WindowSubject } from "./live-windows.ts";
export { ModelWindows, withTime } from "./model-windows.ts";
export { PastWindows } from "./past-windows.ts";
export { readSequencerStatus, type SequencerStatus, writeSequencerStatus } from "./sequencer-status.ts";
export {
  decodeBatch,
  type LabelArrived,
  type RowHappened,
  type SourceMarks,
  type StreamBatch,
  type StreamEvent,
} from "./stream-batch.ts";
export { STREAM_START, StreamFollower, type StreamPlace } from "./stream-follower.ts";
export { STREAM_LOG, StreamWriter, type StreamWriterOptions } from "./stream-writer.ts";
