/** What bundles call the engine that runs ONNX graphs by onnxruntime. */
export const ONNX_ENGINE = "onnx";
