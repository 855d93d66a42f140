export {
  type CallOptions,
  type ControlClient,
  type ControlHandlers,
  type ControlOperations,
  controlOperations,
  controlStreamLine,
  type Evaluation,
  type Gate,
  isOperation,
  type Metric,
  MOST_MODEL_FILE_BYTES,
  modelFileFormats,
  type OperationContext,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  type OperationRequest,
  type ProgressEvent,
  type ServerStatus,
  type SnapshotColumn,
} from "./control.ts";
export { errorRecord } from "./control-records.ts";
export { wireErrors } from "./errors.ts";
export { type FeedbackBody, parseFeedbackBody } from "./feedback-body.ts";
export { parseOperationInput, parseOperationName } from "./operation-input.ts";
export { operationsReference } from "./operations-page.ts";
export {
  type BodyLimits,
  type InputColumn,
  type InputRecord,
  type InputRules,
  inputRules,
  type ParsedInstances,
} from "./prediction-body.ts";
export { type AnswerTensor, type TensorAnswers, writeV1Tensors } from "./tensor-answers.ts";
export {
  decodeTensor,
  encodeDoubles,
  encodeIntegers,
  encodeTexts,
  exactOrBig,
  isTensorType,
  type TensorElement,
  type TensorType,
  textOf,
} from "./tensor-bytes.ts";
export {
  parseV1Predict,
  type V1PredictRequest,
  type V1VersionStatus,
  v1Metadata,
  v1Status,
  writeV1Predictions,
} from "./v1.ts";
export {
  type InputTensor,
  parseV2Infer,
  recordsOfTensors,
  type V2InferRequest,
  v2ModelMetadata,
  v2VersionSelector,
  writeV2Response,
  writeV2TensorResponse,
} from "./v2.ts";
