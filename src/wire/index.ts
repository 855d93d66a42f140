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
export { type ExampleFeatures, recordsOfFeatures } from "./example-features.ts";
export { type FeedbackBody, parseFeedbackBody } from "./feedback-body.ts";
export { type MlflowType, mlflowError, mlflowType, parseInvocations } from "./mlflow.ts";
export { type DescribedModel, openapiDocument } from "./openapi.ts";
export { parseOperationInput, parseOperationName } from "./operation-input.ts";
export { operationsReference } from "./operations-page.ts";
export {
  type AnsweredValues,
  type OutputTensor,
  outputBytes,
  outputDatatypes,
  outputNames,
  outputTensors,
} from "./output-tensors.ts";
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
  classScores,
  parseV1Examples,
  type ScoredOutput,
  unfitFor,
  writeV1Classes,
  writeV1Values,
} from "./v1-examples.ts";
export { parseV1Recommend, type V1RecommendRequest, writeV1Recommendations } from "./v1-recommend.ts";
export { type V2Answer, v2ModelMetadata, writeV2Response, writeV2Tensors } from "./v2-answer.ts";
export { parseRepositoryIndex, repositoryIndex, statisticsOf } from "./v2-repository.ts";
export {
  type InputTensor,
  parseV2Infer,
  recordsOfTensors,
  type V2InferRequest,
  v2VersionSelector,
} from "./v2-request.ts";
