import { defineErrors } from "../kernel/index.ts";

export const streamErrors = defineErrors({
  STREAM_BAD_BATCH: {
    kind: "internal",
    doc: "A frame of the stream is whole but does not have the layout of a batch of events.",
  },
  STREAM_GAP: {
    kind: "internal",
    doc: "The stream goes on behind events that are not there, so that window features stay as they were before them.",
  },
});
