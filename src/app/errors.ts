import { defineErrors } from "../kernel/index.ts";

export const appErrors = defineErrors({
  APP_NO_SUCH_ANOMALY: {
    kind: "invalid",
    doc: "An anomaly was to be accepted that validation did not find: their numbers begin with 1.",
  },
  APP_PORT_IN_USE: {
    kind: "conflict",
    doc: "Another program already listens on a port that `slipway up` needs.",
  },
  APP_CANNOT_LISTEN: { kind: "invalid", doc: "The host or port to listen on cannot be used." },
  APP_ALREADY_UP: { kind: "conflict", doc: "A supervisor already runs for this project." },
  APP_WORKER_FAILED: { kind: "internal", doc: "A process of `slipway up` ended before it was ready." },
  APP_DATABASE_BEHIND: {
    kind: "unavailable",
    doc: "The database does not know of the routing generation that is served: it is another one, or an older state of it.",
  },
  APP_RUN_FAILED: { kind: "internal", doc: "The process of a run ended without an answer." },
  APP_RUN_CANCELLED: {
    kind: "unavailable",
    doc: "The process of a run was told to stop before it was done.",
  },
  APP_UNKNOWN_DATASET: { kind: "not-found", doc: "The project defines no dataset of that name." },
  APP_UNKNOWN_MODEL: { kind: "not-found", doc: "The project defines no model of that name." },
  APP_BAD_LABELS: {
    kind: "invalid",
    doc: "A file of feedback lacks a column, or a row of it names no prediction.",
  },
  APP_STATE_UNUSABLE: {
    kind: "unavailable",
    doc: "The state directory cannot be made, or may not be written to.",
  },
  APP_MODEL_UNNAMED: {
    kind: "invalid",
    doc: "A model file of another program was to be imported without saying which model it is a version of.",
  },
  APP_BAD_MODEL_FILE: {
    kind: "invalid",
    doc: "A file that was to be imported cannot be read, or is larger than such a file may be.",
  },
  APP_INTERNAL: {
    kind: "internal",
    doc: "Something failed that nobody foresaw; the message holds the stack.",
  },
});
