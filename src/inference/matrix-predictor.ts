import type { FeatureMatrix } from "../kernel/index.ts";
import { openEngine } from "./engine.ts";
import { type OnnxEngineShape, openOnnxEngine } from "./onnx/onnx-engine.ts";
import { ONNX_ENGINE } from "./onnx/onnx-name.ts";

/** A model of whichever engine that predicts feature matrices. */
export interface MatrixPredictor {
  readonly task: "binary" | "regression" | "multiclass";
  /** Numbers that a row is answered with. */
  readonly outputs: number;
  /** `outputs` values for each row, one row after the other. @throws INFERENCE_WRONG_MATRIX and what the engine throws */
  predictMatrix(matrix: FeatureMatrix): Promise<Float64Array>;
  close(): Promise<void>;
}

/**
 * Opens the model of a bundle for batches: an ONNX graph on a thread of its own, everything else in this one.
 *
 * @param model `engine` and `bytes` as the bundle has them; `features`, `task` and `outputs` as its plan and signature say
 * @throws what `openEngine` and `openOnnxEngine` throw
 */
export async function openMatrixPredictor(
  model: { readonly engine: string; readonly bytes: Uint8Array } & OnnxEngineShape,
): Promise<MatrixPredictor> {
  if (model.engine === ONNX_ENGINE) return await openOnnxEngine(model.bytes, model);
  const engine = openEngine(model.engine, model.bytes);
  return {
    task: engine.task,
    outputs: engine.outputs,
    predictMatrix: (matrix) => Promise.resolve(engine.predictMatrix(matrix)),
    close: () => Promise.resolve(),
  };
}
