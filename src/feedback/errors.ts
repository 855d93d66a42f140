import { defineErrors } from "../kernel/index.ts";

export const feedbackErrors = defineErrors({
  FEEDBACK_BAD_ITEM: {
    kind: "invalid",
    doc: "An item of feedback is not an object, lacks a field or has one that feedback does not have.",
  },
  FEEDBACK_BAD_NAME: { kind: "invalid", doc: "The name of a feedback is empty, too long or not a text." },
  FEEDBACK_BAD_VALUE: {
    kind: "invalid",
    doc: "The value of a feedback is not a number, a boolean, a short text or null.",
  },
  FEEDBACK_BAD_TIME: {
    kind: "invalid",
    doc: "The time at which a feedback became known is not an ISO 8601 time.",
  },
  FEEDBACK_NO_ITEMS: { kind: "invalid", doc: "A feedback request holds no item." },
  FEEDBACK_TOO_MANY_ITEMS: { kind: "invalid", doc: "A feedback request holds more items than the limit." },
  FEEDBACK_LOG_FULL: {
    kind: "exhausted",
    doc: "The feedback could not be kept because the disk is full, so it is not acknowledged. Nothing of the request is kept.",
    retryable: true,
  },
  FEEDBACK_LOG_UNWRITABLE: {
    kind: "unavailable",
    doc: "The feedback could not be kept for another reason than a full disk, so it is not acknowledged.",
    retryable: true,
  },
  FEEDBACK_BAD_FRAME: {
    kind: "internal",
    doc: "A frame of the feedback log is whole but does not have the layout of one.",
  },
});
