export { createForestEngine, type Engine, openEngine } from "./engine.ts";
export type { Ensemble, EnsembleTask } from "./ensemble/ensemble.ts";
export { createEnsembleEngine } from "./ensemble/ensemble-engine.ts";
export { decodeEnsemble, encodeEnsemble } from "./ensemble/ensemble-file.ts";
export { forestsAsEnsemble } from "./ensemble/forests-as-ensemble.ts";
export { inferenceErrors } from "./errors.ts";
export { type Forest, type ForestTask, treeCount } from "./forest.ts";
export { decodeForest, encodeForest } from "./forest-file.ts";
export { codeSlot, LARGEST_WEIGHT, type Linear, scaledInput, slotOffsets } from "./linear/linear.ts";
export { createLinearEngine, linearTerms } from "./linear/linear-engine.ts";
export { decodeLinear, encodeLinear } from "./linear/linear-file.ts";
export { type MatrixPredictor, openMatrixPredictor } from "./matrix-predictor.ts";
export { type GraphSummary, summariseGraph } from "./onnx/graph-summary.ts";
export { type GraphTable, graphTable } from "./onnx/graph-table.ts";
export type { RunCounts } from "./onnx/merged-session.ts";
export { type OnnxEngine, type OnnxEngineShape, openOnnxEngine } from "./onnx/onnx-engine.ts";
export { openOnnxModel } from "./onnx/onnx-model.ts";
export { ONNX_ENGINE } from "./onnx/onnx-name.ts";
export { type OnnxSession, type OnnxSessionOptions, openOnnxSession } from "./onnx/onnx-session.ts";
export type { AnsweredTensor, GraphAnswers } from "./onnx/read-answers.ts";
export {
  type NumericTensor,
  type OnnxTensor,
  type StringTensor,
  type TensorDeclaration,
  type TensorType,
  tensorSize,
} from "./onnx/tensor.ts";
export { tryOnnxRuntime } from "./onnx/try-runtime.ts";
export type { WarmOptions } from "./onnx/warmed-session.ts";
export {
  type OriginFormat,
  type OriginInput,
  type OriginModel,
  originFormats,
} from "./origins/origin-model.ts";
export { readOriginModel, recogniseFormat } from "./origins/read-origin-model.ts";
export type { RecordModel } from "./record-model.ts";
export { describeRemoteModel, openRemoteModel } from "./remote/remote-model.ts";
export { REMOTE_ENGINE } from "./remote/remote-name.ts";
