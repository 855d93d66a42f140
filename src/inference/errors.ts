import { defineErrors } from "../kernel/index.ts";

export const inferenceErrors = defineErrors({
  INFERENCE_DAMAGED_MODEL: {
    kind: "invalid",
    doc: "The bytes of a model are not what its engine writes: damaged, truncated, or made by something else.",
  },
  INFERENCE_UNKNOWN_ENGINE: {
    kind: "unsupported",
    doc: "A bundle names an engine that this version does not have.",
  },
  INFERENCE_BAD_FOREST: {
    kind: "internal",
    doc: "A forest that should be written to a file breaks the rules of its format.",
  },
  INFERENCE_BAD_LINEAR: {
    kind: "internal",
    doc: "A linear model that should be written to a file breaks the rules of its format.",
  },
  INFERENCE_SEVERAL_OUTPUTS: {
    kind: "internal",
    doc: "One number was asked of a model that answers with several.",
  },
  INFERENCE_UNKNOWN_FORMAT: {
    kind: "unsupported",
    doc: "A model file is of none of the formats that can be imported.",
  },
  INFERENCE_UNSUPPORTED_MODEL: {
    kind: "unsupported",
    doc: "A model file is of a known format and uses a part of it that cannot be imported; the message names the part.",
  },
  INFERENCE_BAD_MODEL_FILE: {
    kind: "invalid",
    doc: "A model file breaks the rules of its format: truncated, damaged, or not written by the program it names.",
  },
  INFERENCE_NO_ONNXRUNTIME: {
    kind: "unsupported",
    doc: "An ONNX graph needs onnxruntime, which is not installed or does not run on this machine.",
  },
  INFERENCE_BAD_TENSOR: {
    kind: "invalid",
    doc: "A record has a value for an input of an ONNX graph that is of another type or shape.",
  },
  INFERENCE_GRAPH_MISMATCH: {
    kind: "invalid",
    doc: "The inputs or outputs of an ONNX graph do not fit the features and the task of the bundle that holds it.",
  },
  INFERENCE_INEXACT_ANSWER: {
    kind: "internal",
    doc: "An ONNX graph answers an integer beyond 2^53, which would lose its last digits in JSON.",
  },
  INFERENCE_MISSING_TENSOR: {
    kind: "invalid",
    doc: "A record lacks an input of an ONNX graph.",
  },
  INFERENCE_UNEVEN_ANSWER: {
    kind: "unsupported",
    doc: "An ONNX graph does not answer every instance of a request with the same shape.",
  },
  INFERENCE_NOT_TABULAR: {
    kind: "unsupported",
    doc: "An ONNX graph whose inputs or outputs do not fit into columns was to predict the rows of a file.",
  },
  INFERENCE_RUN_FAILED: {
    kind: "invalid",
    doc: "An ONNX graph refused its inputs, or one of its operators failed on them; the message has onnxruntime's reason.",
  },
  INFERENCE_SESSION_CLOSED: {
    kind: "unavailable",
    doc: "An ONNX graph was asked to run after its session had been closed.",
    retryable: true,
  },
  INFERENCE_SESSION_ENDED: {
    kind: "unavailable",
    doc: "The thread that runs an ONNX graph has ended unexpectedly, for want of memory for example.",
    retryable: true,
  },
  INFERENCE_REMOTE_UNAVAILABLE: {
    kind: "unavailable",
    doc: "No address of a remote model answered in time; the message says for each why.",
    retryable: true,
  },
  INFERENCE_REMOTE_FAILED: {
    kind: "unavailable",
    doc: "The server of a remote model answered that it failed.",
  },
  INFERENCE_REMOTE_REFUSED: {
    kind: "invalid",
    doc: "The server of a remote model refused a request; the message has its reason.",
  },
  INFERENCE_REMOTE_BAD_ANSWER: {
    kind: "unavailable",
    doc: "The server of a remote model answered with something that its protocol does not allow.",
  },
  INFERENCE_WRONG_MATRIX: {
    kind: "invalid",
    doc: "A feature matrix does not have the columns that the model was trained on.",
  },
});
