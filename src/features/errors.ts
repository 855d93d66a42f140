import { defineErrors } from "../kernel/index.ts";

export const featuresErrors = defineErrors({
  FEATURES_UNKNOWN_OPERATION: {
    kind: "invalid",
    doc: "An expression uses an operation that does not exist.",
  },
  FEATURES_BAD_EXPRESSION: {
    kind: "invalid",
    doc: "An expression has the wrong number or kind of arguments, or an option out of its range.",
  },
  FEATURES_UNKNOWN_COLUMN: { kind: "invalid", doc: "An expression reads a column that is not declared." },
  FEATURES_BAD_NAME: {
    kind: "invalid",
    doc: "A feature's name is empty, too long or uses reserved characters.",
  },
  FEATURES_BAD_TABLE: {
    kind: "invalid",
    doc: "A table lacks a column that is read, or has it with another type or length.",
  },
  FEATURES_CANNOT_FIT: {
    kind: "invalid",
    doc: "An operation learns from training rows and there is nothing it can learn from, or no target was given.",
  },
  FEATURES_BAD_PLAN: {
    kind: "invalid",
    doc: "A feature plan is damaged or was not made by a supported version.",
  },
  FEATURES_BAD_WINDOWS: {
    kind: "invalid",
    doc: "The stored past of window features is damaged, or was written for other windows or by another version.",
  },
  FEATURES_TOO_LARGE: {
    kind: "exhausted",
    doc: "A plan would have more outputs, steps or categories than are allowed.",
  },
  FEATURES_BAD_CODE: {
    kind: "invalid",
    doc: "A model's custom code is missing or does not run, or lacks a function that the plan names.",
  },
  FEATURES_CUSTOM_FAILED: {
    kind: "invalid",
    doc: "A custom function threw, or gave something else than it says it returns.",
  },
  FEATURES_IMPURE: {
    kind: "invalid",
    doc: "A custom function gave different results for the same arguments.",
  },
  FEATURES_MISSING_FIELD: { kind: "invalid", doc: "A record lacks a field that the model reads." },
  FEATURES_BAD_FIELD: {
    kind: "invalid",
    doc: "A record's field has a value of another type than the model reads.",
  },
});
