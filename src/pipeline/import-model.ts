import {
  type BundleManifest,
  type BundleParts,
  manifestOf,
  type Signature,
  type SignatureOutput,
  writeBundle,
} from "../bundle/index.ts";
import { compilePlan, identityPlan } from "../features/index.ts";
import { encodeEnsemble, type OriginFormat, type OriginModel, readOriginModel } from "../inference/index.ts";
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
 * reference profile.
 *
 * @throws INFERENCE_UNKNOWN_FORMAT, INFERENCE_UNSUPPORTED_MODEL, INFERENCE_BAD_MODEL_FILE, FEATURES_BAD_PLAN for a model
 *   of more inputs than a plan may have, and the errors of the blob store
 */
export async function importModel({ source, format, blobs }: ImportRequest): Promise<ImportOutcome> {
  const model = readOriginModel(await blobs.get(source), format);
  const parts = partsOf(model);
  const { digest, manifest } = await writeBundle(blobs, parts);
  const { producer, objective, ensemble } = model;
  return {
    bundle: digest,
    manifest,
    plan: manifest.files.features.digest,
    origin: { format: model.format, producer, objective },
    output: parts.signature.output,
    inputs: model.inputs.length,
    trees: ensemble.treeNodes.length - 1,
  };
}

/** Reads the stored file again and compares digests; what comes out identical is written where it was damaged. */
export async function reproduceImport(request: {
  readonly recipe: ImportRecipe;
  readonly expected: BundleManifest;
  readonly blobs: BlobStore;
}): Promise<Reproduction> {
  const { recipe, expected, blobs } = request;
  const parts = partsOf(readOriginModel(await blobs.get(recipe.source), recipe.origin.format));
  const reproduction = compareWithExpected(manifestOf(parts), expected);
  if (reproduction.verdict === "identical") await writeBundle(blobs, parts);
  return reproduction;
}

function partsOf(model: OriginModel): BundleParts {
  const plan = identityPlan(model.inputs);
  const { inputs } = compilePlan(plan);
  const signature: Signature = {
    inputs: inputs.map(({ name, type, required }) => ({ name, type, required })),
    output: outputOf(model),
  };
  return { engine: "forest", model: encodeEnsemble(model.ensemble), plan, signature, profile: {} };
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
