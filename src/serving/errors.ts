import { defineErrors } from "../kernel/index.ts";

export const servingErrors = defineErrors({
  SERVING_UNKNOWN_MODEL: { kind: "not-found", doc: "No model of this name is served." },
  SERVING_UNKNOWN_VERSION: { kind: "not-found", doc: "The model is served, but not in this version." },
  SERVING_UNKNOWN_LABEL: { kind: "not-found", doc: "The model is served, but has no alias of this name." },
  SERVING_MODEL_UNAVAILABLE: {
    kind: "unavailable",
    doc: "The model or version should be served, but its bundle could not be loaded.",
    retryable: true,
  },
  SERVING_NOT_READY: {
    kind: "unavailable",
    doc: "The worker has not loaded its first routing snapshot yet, or is shutting down.",
    retryable: true,
  },
  SERVING_BAD_INSTANCE: {
    kind: "invalid",
    doc: "An instance lacks a field that the model needs, or a field has a value of another type.",
  },
  SERVING_TOO_MANY_INSTANCES: {
    kind: "invalid",
    doc: "A request holds more instances than the limit, or more than fit into one frame of the prediction log.",
  },
  SERVING_BUSY: {
    kind: "unavailable",
    doc: "A model that runs on a thread of its own has more requests waiting than it is allowed to have.",
    retryable: true,
  },
  SERVING_OVERLOADED: {
    kind: "unavailable",
    doc: "Requests come faster than they can be answered, and this one would have waited too long. Nothing was computed.",
    retryable: true,
  },
  SERVING_DEADLINE_EXCEEDED: {
    kind: "unavailable",
    doc: "The deadline of a request passed before it could be answered.",
  },
  SERVING_BAD_CANDIDATES: {
    kind: "invalid",
    doc: "A request to recommend has no candidates, too many of them, or one that is neither a key nor an object.",
  },
  SERVING_CANNOT_RECOMMEND: {
    kind: "invalid",
    doc: "A model that does not answer with one number, or runs on a thread of its own, is asked to recommend.",
  },
  SERVING_NO_INSTANCES: { kind: "invalid", doc: "A request holds no instance." },
  SERVING_NOT_FINITE: {
    kind: "invalid",
    doc: "For the values of this instance the model's output is NaN or infinite, which no prediction protocol can carry.",
  },
  SERVING_LOG_FULL: {
    kind: "exhausted",
    doc: "The prediction could not be logged because the disk is full, so it is not answered.",
    retryable: true,
  },
  SERVING_LOG_UNWRITABLE: {
    kind: "unavailable",
    doc: "The prediction could not be logged for another reason than a full disk, so it is not answered.",
    retryable: true,
  },
  SERVING_BAD_ROUTING: { kind: "invalid", doc: "A routing snapshot does not have the form of one." },
  SERVING_BAD_PREDICTION_ID: { kind: "invalid", doc: "A text is not the id of a prediction." },
  SERVING_NO_PREDICTION: { kind: "not-found", doc: "The prediction log holds no prediction of this id." },
  SERVING_BAD_FRAME: {
    kind: "internal",
    doc: "A frame of the prediction log is whole but does not have the layout of one.",
  },
  SERVING_ENGINE_MISMATCH: {
    kind: "invalid",
    doc: "The parts of a bundle do not fit together: its engine reads other features than its plan makes.",
  },
});
