import { defineErrors } from "../kernel/index.ts";

export const evaluationErrors = defineErrors({
  EVALUATION_BAD_SPLIT: {
    kind: "invalid",
    doc: "A split asks for shares or times that make no sense, before any data is looked at.",
  },
  EVALUATION_BAD_GATE: {
    kind: "invalid",
    doc: "A gate names a metric the task does not have, a column that does not exist, or a number out of range.",
  },
  EVALUATION_NO_TIME_COLUMN: {
    kind: "invalid",
    doc: "A split by time has neither a column of its own nor a dataset with a time column.",
  },
  EVALUATION_BAD_SPLIT_COLUMN: {
    kind: "invalid",
    doc: "The column a split goes by does not exist, or a split by time was given a column of strings.",
  },
  EVALUATION_SPLIT_VALUE_MISSING: {
    kind: "invalid",
    doc: "Rows lack the time or the key that decides which role they play.",
  },
  EVALUATION_SPLIT_OUTSIDE_DATA: {
    kind: "invalid",
    doc: "The time at which evaluation starts lies before the first row or after the last one.",
  },
  EVALUATION_EMPTY_SPLIT: {
    kind: "invalid",
    doc: "A split leaves no rows for training, validation or evaluation.",
  },
  EVALUATION_TARGET_MISSING: {
    kind: "invalid",
    doc: "Rows that are trained on or evaluated have no target.",
  },
  EVALUATION_TARGET_NOT_FINITE: {
    kind: "invalid",
    doc: "The target of a row is infinite.",
  },
  EVALUATION_TARGET_NOT_BINARY: {
    kind: "invalid",
    doc: "The target of a binary model is something other than 0 or 1.",
  },
  EVALUATION_TARGET_CONSTANT: {
    kind: "invalid",
    doc: "Every training row has the same target, so there is nothing to learn.",
  },
  EVALUATION_TOO_MANY_CLASSES: {
    kind: "invalid",
    doc: "The training rows have more different classes than a model may have.",
  },
  EVALUATION_BAD_WEIGHT: {
    kind: "invalid",
    doc: "A row's weight is missing, negative or infinite, or all training weights are zero.",
  },
  EVALUATION_BAD_PREDICTION: {
    kind: "internal",
    doc: "A model predicted NaN, an infinity, or a probability outside [0, 1].",
  },
  EVALUATION_BAD_INPUT: {
    kind: "internal",
    doc: "Labels, predictions, weights and slices that should belong to the same rows differ in length, or there are none.",
  },
});
