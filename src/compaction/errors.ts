import { defineErrors } from "../kernel/index.ts";

export const compactionErrors = defineErrors({
  COMPACTION_NOT_SAME: {
    kind: "internal",
    doc: "What was compacted does not read back as the frames it was made from. The segments stay as they are.",
  },
  COMPACTION_CONFLICT: {
    kind: "conflict",
    doc: "Another process has compacted the same prediction log meanwhile. Nothing was changed.",
    retryable: true,
  },
  COMPACTION_FILE_DAMAGED: {
    kind: "internal",
    doc: "A Parquet file of the compacted prediction log is missing or cannot be read.",
  },
  COMPACTION_BAD_QUERY: {
    kind: "invalid",
    doc: "A query of the prediction log is not one SELECT statement, or names what is not there.",
  },
  COMPACTION_QUERY_TOO_LARGE: {
    kind: "exhausted",
    doc: "A query of the prediction log needs more memory than it may have, or its answer has too many rows to be shown.",
  },
});
