import {
  type CodeTrust,
  type KnownItems,
  openBundle,
  outputWidth,
  type Signature,
  type SignatureInput,
  trustedCode,
} from "../bundle/index.ts";
import {
  compilePlan,
  type FeatureKernel,
  type FeaturePlan,
  featuresErrors,
  openCustomFunctions,
} from "../features/index.ts";
import { type Engine, ONNX_ENGINE, openEngine, REMOTE_ENGINE } from "../inference/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { servingErrors } from "./errors.ts";
import { DEFAULT_IMAGE_RULES, type ImageRules, ModelImages } from "./model-images.ts";
import { type PlanWindows, planWindows } from "./plan-windows.ts";
import { openThreadedModel, type ThreadedModel } from "./threaded-model.ts";

/** A bundle that has been opened, by where its model runs. */
export type ServableModel = LoadedModel | ThreadedModel;

/** A bundle ready to predict: raw record → features → output. Not for concurrent use: it reuses `features`. */
export interface LoadedModel extends PlanWindows {
  readonly runs: "inline";
  readonly bundle: Digest;
  readonly signature: Signature;
  readonly engine: string;
  readonly featureNames: readonly string[];
  /** The features of the instance predicted last, and the same memory as bytes. */
  readonly features: Float64Array;
  readonly featureBytes: Uint8Array;
  /** Numbers that an instance is answered with. */
  readonly width: number;
  /** Of a model that reads images: they must be looked into first. */
  readonly images: ModelImages | undefined;
  /** What the model chooses among when it recommends and nobody says what. */
  readonly items: KnownItems | undefined;
  /**
   * Fills `features` and answers the output of a model that has one.
   * @param derived the derived values, of a model that has them
   * @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD
   */
  predict(record: Readonly<Record<string, unknown>>, derived?: ArrayLike<number>): number;
  /**
   * Fills `features` and answers all outputs, in memory that the next call overwrites.
   * @param derived the derived values, of a model that has them
   * @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD
   */
  predictAll(record: Readonly<Record<string, unknown>>, derived?: ArrayLike<number>): Float64Array;
}

export interface LoadOptions {
  /** Whether the custom code of the bundle may run. Default: it may not. */
  readonly trust?: CodeTrust | undefined;
  /** What images of records may be. */
  readonly images?: ImageRules;
}

/** @throws BUNDLE_*, FEATURES_*, INFERENCE_* and SERVING_ENGINE_MISMATCH for a bundle that cannot be served */
export async function loadModel(
  blobs: BlobStore,
  digest: Digest,
  { trust, images: rules = DEFAULT_IMAGE_RULES }: LoadOptions = {},
): Promise<ServableModel> {
  const bundle = await openBundle(blobs, digest);
  const functions = openCustomFunctions(await trustedCode(bundle, trust));
  // compilePlan checks what it is given: a plan is data from a file.
  const kernel = compilePlan(bundle.plan as unknown as FeaturePlan, functions);
  if (bundle.manifest.engine === ONNX_ENGINE || bundle.manifest.engine === REMOTE_ENGINE) {
    checkInputs({ digest, kernel, signature: bundle.signature });
    return await openThreadedModel(bundle, kernel, await ModelImages.open(kernel, bundle, { blobs, rules }));
  }
  const engine = openEngine(bundle.manifest.engine, bundle.modelBytes);
  checkFit({ digest, kernel, engine, signature: bundle.signature });
  const features = new Float64Array(kernel.outputs.length);
  const outputs = new Float64Array(engine.outputs);
  return {
    runs: "inline",
    bundle: digest,
    signature: bundle.signature,
    engine: bundle.manifest.engine,
    featureNames: kernel.outputs.map(({ name }) => name),
    features,
    featureBytes: new Uint8Array(features.buffer),
    width: engine.outputs,
    ...planWindows(bundle, kernel),
    images: await ModelImages.open(kernel, bundle, { blobs, rules }),
    items: bundle.items,
    predict: (record, derived) => {
      kernel.evaluateRecord(record, features, derived);
      return engine.predictRow(features);
    },
    predictAll: (record, derived) => {
      kernel.evaluateRecord(record, features, derived);
      engine.predictInto(features, outputs);
      return outputs;
    },
  };
}

const WARMING_ROUNDS = 4_000;
const ROUNDS_AT_ONCE = 100;

/**
 * Predicts made-up records until the compiler has optimised the model's code, a little at a time, so that requests to
 * other models wait no longer than for one another.
 */
export async function warm(model: LoadedModel): Promise<void> {
  const records = [0, 1, 2, 3].map((variant) => madeUpRecord(model.signature, variant));
  const derived = model.derivedNames.map((_, at) => at);
  for (let round = 0; round < WARMING_ROUNDS; round++) {
    const record = records[round % records.length]!;
    try {
      if (model.width === 1) model.predict(record, derived);
      else model.predictAll(record, derived);
    } catch (thrown) {
      // A custom function may refuse what nobody would send.
      if (!featuresErrors.FEATURES_CUSTOM_FAILED.is(thrown)) throw thrown;
    }
    if (round % ROUNDS_AT_ONCE === ROUNDS_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

function madeUpRecord(signature: Signature, variant: number): Record<string, unknown> {
  return Object.fromEntries(signature.inputs.map((input) => [input.name, madeUpValue(input, variant)]));
}

function madeUpValue({ type, required }: SignatureInput, variant: number): unknown {
  if (variant === 3 && !required) return null;
  switch (type) {
    case "int":
      return variant * 7;
    case "float":
      return variant * 0.75;
    case "bool":
      return variant % 2 === 0;
    case "timestamp":
      return variant % 2 === 0 ? `2001-0${variant + 1}-15T10:30:00Z` : variant * 86_400_000;
    case "category":
    case "text":
    case "image":
      return `value ${variant}`;
  }
}

function checkFit(parts: {
  digest: Digest;
  kernel: FeatureKernel;
  engine: Engine;
  signature: Signature;
}): void {
  const { digest, kernel, engine, signature } = parts;
  const misfit = (fault: string): Error => misfitOf(digest, fault);
  if (engine.featureCount !== kernel.outputs.length)
    throw misfit(`its plan makes ${kernel.outputs.length} features, its model reads ${engine.featureCount}`);
  if (engine.task !== signature.output.task)
    throw misfit(`its model is for ${engine.task}, its signature for ${signature.output.task}`);
  const width = outputWidth(signature.output);
  if (engine.outputs !== width)
    throw misfit(`its model has ${engine.outputs} outputs, its signature says ${width}`);
  checkInputs({ digest, kernel, signature });
}

function misfitOf(digest: Digest, fault: string): Error {
  return servingErrors.SERVING_ENGINE_MISMATCH.error(`bundle ${digest} does not fit together: ${fault}`, {
    details: { bundle: digest, fault },
  });
}

function checkInputs(parts: { digest: Digest; kernel: FeatureKernel; signature: Signature }): void {
  const { digest, kernel, signature } = parts;
  const declared = new Map(signature.inputs.map(({ name, type }) => [name, type]));
  for (const { name, type } of kernel.inputs) {
    if (declared.get(name) !== type)
      throw misfitOf(
        digest,
        `its plan reads "${name}" as ${type}, its signature says ${declared.get(name) ?? "nothing"}`,
      );
  }
}
