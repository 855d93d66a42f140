import {
  type BundleManifest,
  type BundleParts,
  manifestOf,
  type Signature,
  type SignatureOutput,
  writeBundle,
} from "../bundle/index.ts";
import { compilePlan, identityPlan } from "../features/index.ts";
import {
  describeRemoteModel,
  encodeEnsemble,
  inferenceErrors,
  ONNX_ENGINE,
  type OriginFormat,
  type OriginModel,
  openOnnxModel,
  openRemoteModel,
  REMOTE_ENGINE,
  readOriginModel,
  recogniseFormat,
  summariseGraph,
} from "../inference/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { compareWithExpected, type Reproduction } from "./reproduce.ts";

/** Everything an imported bundle depends on: the file it was made from, stored as a blob, and how it was read. */
export interface ImportRecipe {
  readonly format: "slipway.import/1";
  readonly source: Digest;
  readonly bytes: number;
  /** The name that the file had; the bundle does not depend on it. */
  readonly file: string;
  readonly origin: {
    readonly format: OriginFormat;
    readonly producer: string;
    readonly objective: string;
  };
}

export interface ImportRequest {
  readonly source: Digest;
  /** What the file is; found out from its first bytes when left out. */
  readonly format?: OriginFormat;
  readonly blobs: BlobStore;
}

export interface ImportOutcome {
  readonly bundle: Digest;
  readonly manifest: BundleManifest;
  readonly plan: Digest;
  readonly origin: ImportRecipe["origin"];
  readonly output: SignatureOutput;
  readonly inputs: number;
  readonly trees: number;
}

/**
 * Makes a bundle of a model file that another program wrote: the model's own inputs are its features, and there is no
 * reference profile. Trees become the forest engine's own; every other ONNX graph is kept as it is, and onnxruntime has loaded
 * it once before it is registered.
 *
 * @throws INFERENCE_UNKNOWN_FORMAT, INFERENCE_UNSUPPORTED_MODEL, INFERENCE_BAD_MODEL_FILE, INFERENCE_NO_ONNXRUNTIME,
 *   FEATURES_BAD_PLAN for a model of more inputs than a plan may have, and the errors of the blob store
 */
export async function importModel({ source, format, blobs }: ImportRequest): Promise<ImportOutcome> {
  const { parts, origin, inputs, trees } = await readModel(await blobs.get(source), format);
  const { digest, manifest } = await writeBundle(blobs, parts);
  return {
    bundle: digest,
    manifest,
    plan: manifest.files.features.digest,
    origin,
    output: parts.signature.output,
    inputs,
    trees,
  };
}

/** Reads the stored file again and compares digests; what comes out identical is written where it was damaged. */
export async function reproduceImport(request: {
  readonly recipe: ImportRecipe;
  readonly expected: BundleManifest;
  readonly blobs: BlobStore;
}): Promise<Reproduction> {
  const { recipe, expected, blobs } = request;
  const { parts } = await readModel(await blobs.get(recipe.source), recipe.origin.format);
  const reproduction = compareWithExpected(manifestOf(parts), expected);
  if (reproduction.verdict === "identical") await writeBundle(blobs, parts);
  return reproduction;
}

interface ReadModel {
  readonly parts: BundleParts;
  readonly origin: ImportRecipe["origin"];
  readonly inputs: number;
  /** 0 for a graph. */
  readonly trees: number;
}

async function readModel(bytes: Uint8Array, format = recogniseFormat(bytes)): Promise<ReadModel> {
  if (format === "remote") return await ofRemote(bytes);
  try {
    return ofTrees(readOriginModel(bytes, format));
  } catch (thrown) {
    if (format !== "onnx" || !inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.is(thrown)) throw thrown;
    return await ofGraph(bytes);
  }
}

function ofTrees(model: OriginModel): ReadModel {
  const { producer, objective, ensemble, inputs } = model;
  const plan = identityPlan(inputs);
  const signature: Signature = {
    inputs: compilePlan(plan).inputs.map(({ name, type, required }) => ({ name, type, required })),
    output: outputOf(model),
  };
  return {
    parts: { engine: "forest", model: encodeEnsemble(ensemble), plan, signature, profile: {} },
    origin: { format: model.format, producer, objective },
    inputs: inputs.length,
    trees: ensemble.treeNodes.length - 1,
  };
}

/** A graph takes records as they are: its plan makes no features. */
async function ofGraph(bytes: Uint8Array): Promise<ReadModel> {
  const { signature, close } = await openOnnxModel(bytes);
  await close();
  return {
    parts: { engine: ONNX_ENGINE, model: bytes, plan: identityPlan([]), signature, profile: {} },
    origin: { format: "onnx", ...summariseGraph(bytes) },
    inputs: signature.inputs.length,
    trees: 0,
  };
}

/** A model at another server takes records as they are too; its bundle says where it is and what it takes and answers. */
async function ofRemote(bytes: Uint8Array): Promise<ReadModel> {
  const { bytes: model, producer, objective } = await describeRemoteModel(bytes);
  const opened = openRemoteModel(model);
  const { signature } = opened;
  await opened.close();
  return {
    parts: { engine: REMOTE_ENGINE, model, plan: identityPlan([]), signature, profile: {} },
    origin: { format: "remote", producer, objective },
    inputs: signature.inputs.length,
    trees: 0,
  };
}

const OUTPUT_NAMES = { binary: "probability", regression: "value", multiclass: "probabilities" } as const;

function outputOf({ ensemble, classes }: OriginModel): SignatureOutput {
  const { task, base } = ensemble;
  return {
    name: OUTPUT_NAMES[task],
    task,
    ...(base.length > 1 ? { width: base.length } : {}),
    ...(classes === undefined ? {} : { classes }),
  };
}
