import { defineErrors } from "../kernel/index.ts";

export const trainingErrors = defineErrors({
  TRAINING_BAD_OPTION: {
    kind: "invalid",
    doc: "An option of a trainer is unknown, of the wrong type, or outside its range.",
  },
  TRAINING_NO_ROWS: { kind: "invalid", doc: "There are no rows to train on, or none to validate with." },
  TRAINING_NO_FEATURES: { kind: "invalid", doc: "The model has no feature to learn from." },
  TRAINING_WRONG_SHAPE: {
    kind: "invalid",
    doc: "Matrix, target and weights differ in length, or validation columns differ from training columns.",
  },
  TRAINING_BAD_TARGET: {
    kind: "invalid",
    doc: "The target has missing or infinite values, values other than 0 and 1 in a binary task or than numbers of classes in a multiclass one, or counts below 0.",
  },
  TRAINING_CONSTANT_TARGET: {
    kind: "invalid",
    doc: "The target has the same value in every training row, so there is nothing to learn.",
  },
  TRAINING_BAD_WEIGHT: {
    kind: "invalid",
    doc: "A weight is missing, negative or infinite, or all weights are zero.",
  },
  TRAINING_BAD_CATEGORY: {
    kind: "invalid",
    doc: "A categorical column holds a value that is no code of its vocabulary.",
  },
  TRAINING_TOO_LARGE: {
    kind: "exhausted",
    doc: "The training matrix and its histograms do not fit into the trainer's memory.",
  },
  TRAINING_DIVERGED: {
    kind: "invalid",
    doc: "The weights of a linear model grew without bounds while it was trained.",
  },
  TRAINING_CODE_NOT_FOUND: {
    kind: "invalid",
    doc: "A file or folder of a command trainer's code does not exist, lies outside the project, or is too large.",
  },
  TRAINING_PROGRAM_NOT_STARTED: {
    kind: "invalid",
    doc: "The program of a command trainer does not exist or may not be executed.",
  },
  TRAINING_PROGRAM_FAILED: {
    kind: "invalid",
    doc: "The program of a command trainer ended with an error; the message has what it said last.",
  },
  TRAINING_PROGRAM_TIMED_OUT: {
    kind: "exhausted",
    doc: "The program of a command trainer had not ended when its time was over, and was stopped.",
  },
  TRAINING_NO_MODEL_FILE: {
    kind: "invalid",
    doc: "The program of a command trainer ended well and left no model file, or several; or the file of a pretrained model cannot be read.",
  },
  TRAINING_MODEL_MISMATCH: {
    kind: "invalid",
    doc: "The model that a program left, or that was trained elsewhere, does not fit the features or the target of the model it is for.",
  },
  TRAINING_WORKER_FAILED: {
    kind: "internal",
    doc: "A worker thread of the trainer ended with an error.",
  },
});
