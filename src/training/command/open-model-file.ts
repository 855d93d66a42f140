import {
  encodeEnsemble,
  inferenceErrors,
  ONNX_ENGINE,
  type OriginFormat,
  readOriginModel,
} from "../../inference/index.ts";
import type { CommandSpec } from "../command-spec.ts";
import { fitEnsemble, type WantedModel } from "./fit-ensemble.ts";
import type { ModelFile } from "./model-file.ts";

/** A program's model as a bundle holds it. */
export interface OpenedModel {
  readonly engine: "forest" | typeof ONNX_ENGINE;
  readonly bytes: Uint8Array;
  /** Splits by place of the feature, of trees. */
  readonly splits: ReadonlyMap<number, number>;
  /** For people: "100 trees from model.txt (LightGBM)". */
  readonly summary: string;
}

/**
 * Trees become a forest of ours, which predicts to the bit what it did; every other ONNX graph stays as it is and is run by
 * onnxruntime.
 *
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL, TRAINING_MODEL_MISMATCH
 */
export function openModelFile(file: ModelFile, spec: CommandSpec, wanted: WantedModel): OpenedModel {
  try {
    return forestOf(file, spec, wanted);
  } catch (error) {
    if (spec.format !== "onnx" || !inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.is(error)) throw error;
    return {
      engine: ONNX_ENGINE,
      bytes: file.bytes,
      splits: new Map(),
      summary: `a graph of ${file.bytes.length.toLocaleString("en")} bytes from ${file.name}`,
    };
  }
}

function forestOf({ name, bytes }: ModelFile, spec: CommandSpec, wanted: WantedModel): OpenedModel {
  const origin = readOriginModel(bytes, originFormat(spec, bytes));
  const ensemble = fitEnsemble(origin, wanted);
  const splits = new Map<number, number>();
  for (const feature of ensemble.nodeFeature) splits.set(feature, (splits.get(feature) ?? 0) + 1);
  const trees = ensemble.treeNodes.length - 1;
  return {
    engine: "forest",
    bytes: encodeEnsemble(ensemble),
    splits,
    summary: `${trees.toLocaleString("en")} ${trees === 1 ? "tree" : "trees"} from ${name} (${origin.producer})`,
  };
}

function originFormat({ format }: CommandSpec, bytes: Uint8Array): OriginFormat {
  if (format !== "xgboost") return format;
  // JSON goes on with a quote or white space, UBJSON with the type of a length.
  const isJson = /^\s*\{\s*["}]/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
  return isJson ? "xgboost-json" : "xgboost-ubj";
}
