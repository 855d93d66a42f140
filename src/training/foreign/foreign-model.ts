import {
  encodeEnsemble,
  inferenceErrors,
  ONNX_ENGINE,
  type OriginFormat,
  type OriginModel,
  readOriginModel,
  recogniseFormat,
  summariseGraph,
} from "../../inference/index.ts";
import { type EnsembleFit, fitEnsemble, type WantedModel } from "./fit-ensemble.ts";

/** A model file of another program, understood. */
export interface ForeignModel {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly format: OriginFormat;
  /** The program that wrote it, as far as it says. */
  readonly producer: string;
  /** What the model was trained for, in the words of that program. */
  readonly objective: string;
  /** Undefined for a graph, which onnxruntime is to run. */
  readonly trees: OriginModel | undefined;
}

/** A foreign model as a bundle holds it. */
export interface FittedModel {
  readonly engine: "forest" | typeof ONNX_ENGINE;
  readonly bytes: Uint8Array;
  /** 0 for a graph. */
  readonly trees: number;
  /** Splits by place of the feature, of trees. */
  readonly splits: ReadonlyMap<number, number>;
  /** For people: "100 trees from model.txt (LightGBM)". */
  readonly summary: string;
}

/**
 * Reads a model file: trees, or else a graph that is an ONNX file.
 *
 * @param format what the file is; found out from its first bytes when left out
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL, INFERENCE_UNKNOWN_FORMAT
 */
export function readForeignModel(
  { file, bytes }: Pick<ForeignModel, "file" | "bytes">,
  format: OriginFormat = recogniseFormat(bytes),
): ForeignModel {
  try {
    const trees = readOriginModel(bytes, format);
    const { producer, objective } = trees;
    return { file, bytes, format, producer, objective, trees };
  } catch (error) {
    if (format !== "onnx" || !inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.is(error)) throw error;
    return { file, bytes, format, ...summariseGraph(bytes), trees: undefined };
  }
}

/**
 * The model over the features of a plan. Trees become a forest of ours, which predicts to the bit what it did; every other
 * ONNX graph stays as it is, and whether it fits is found out by the engine that opens it.
 *
 * @throws TRAINING_MODEL_MISMATCH
 */
export function fitForeignModel(model: ForeignModel, wanted: WantedModel, fit: EnsembleFit): FittedModel {
  const { file, bytes, trees: origin } = model;
  if (origin === undefined)
    return {
      engine: ONNX_ENGINE,
      bytes,
      trees: 0,
      splits: new Map(),
      summary: `a graph of ${bytes.length.toLocaleString("en")} bytes from ${file}`,
    };
  const ensemble = fitEnsemble(origin, wanted, fit);
  const splits = new Map<number, number>();
  for (const feature of ensemble.nodeFeature) splits.set(feature, (splits.get(feature) ?? 0) + 1);
  const trees = ensemble.treeNodes.length - 1;
  return {
    engine: "forest",
    bytes: encodeEnsemble(ensemble),
    trees,
    splits,
    summary: `${trees.toLocaleString("en")} ${trees === 1 ? "tree" : "trees"} from ${file} (${origin.producer})`,
  };
}
