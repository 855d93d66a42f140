import { type OpenBundle, outputWidth, type Signature } from "../bundle/index.ts";
import type { FeatureKernel } from "../features/index.ts";
import {
  type AnsweredTensor,
  inferenceErrors,
  type OnnxEngine,
  openOnnxEngine,
  openOnnxModel,
  openRemoteModel,
  REMOTE_ENGINE,
  type RecordModel,
  type RunCounts,
  type WarmOptions,
} from "../inference/index.ts";
import type { Digest } from "../kernel/index.ts";
import { servingErrors } from "./errors.ts";
import type { ModelImages } from "./model-images.ts";
import { type PlanWindows, planWindows } from "./plan-windows.ts";

/** What instances were answered with by a model that answers later: on a thread of its own, or at another server. */
export interface ThreadedAnswers {
  /** Instance by instance; empty for a model that takes its records as they are. */
  readonly features: Float64Array;
  /** Numbers of an instance. */
  readonly width: number;
  /** Instance by instance; where an answer is a text, its place in `texts`. */
  readonly outputs: Float64Array;
  readonly texts: readonly string[];
  /** What the numbers of an instance are, where they are not one number or one list of them. */
  readonly tensors: readonly AnsweredTensor[] | undefined;
}

/** Throws for a record that cannot be predicted. */
export type OnWrongInstance = (wrong: { readonly instance: number; readonly error: unknown }) => never;

/** A bundle whose model answers later: on a thread of its own, or at another server. Any number of calls may be open. */
export interface ThreadedModel extends PlanWindows {
  readonly runs: "on-thread";
  readonly bundle: Digest;
  readonly signature: Signature;
  readonly engine: string;
  /** Empty for a model that takes its records as they are. */
  readonly featureNames: readonly string[];
  /** Calls that are not answered yet. */
  openCalls(): number;
  /**
   * @param given `derived`: instance by instance, as many values as there are derived names; read before this returns
   * @throws what `onWrong` throws, and INFERENCE_*
   */
  predict(
    records: readonly Readonly<Record<string, unknown>>[],
    given: { readonly derived: Float64Array; readonly onWrong: OnWrongInstance },
  ): Promise<ThreadedAnswers>;
  /** Runs the model on made-up instances, so that the first request need not wait longer than others. @throws INFERENCE_SESSION_* */
  warm(options: WarmOptions): Promise<void>;
  /** Of a model whose calls may be run together. */
  runCounts(): RunCounts | undefined;
  /** Ends the thread; calls that are open are refused. */
  close(): Promise<void>;
}

/**
 * Opens the model of a bundle on a thread of its own, or at another server. One that was imported takes records as they are,
 * one that was trained takes the features of the plan.
 *
 * @throws INFERENCE_*, SERVING_ENGINE_MISMATCH
 */
export async function openThreadedModel(
  bundle: OpenBundle,
  kernel: FeatureKernel,
  images: ModelImages | undefined,
): Promise<ThreadedModel> {
  const { digest, signature, manifest } = bundle;
  const isImported = kernel.outputs.length === 0;
  const predict = await (isImported
    ? openImported(bundle).then(byRecords)
    : openTrained(bundle, kernel).then((engine) => byFeatures(engine, kernel, images))
  ).catch(async (thrown: unknown) => {
    await images?.close();
    throw thrown;
  });
  let open = 0;
  return {
    runs: "on-thread",
    bundle: digest,
    signature,
    engine: manifest.engine,
    featureNames: kernel.outputs.map(({ name }) => name),
    ...planWindows(bundle, kernel),
    openCalls: () => open,
    predict: async (records, given) => {
      open++;
      try {
        return await predict.answer(records, given);
      } finally {
        open--;
      }
    },
    warm: predict.warm,
    runCounts: predict.runCounts,
    close: predict.close,
  };
}

interface Predicts {
  readonly warm: ThreadedModel["warm"];
  readonly runCounts: ThreadedModel["runCounts"];
  readonly answer: ThreadedModel["predict"];
  readonly close: () => Promise<void>;
}

const NO_FEATURES = new Float64Array(0);

function byRecords(model: RecordModel): Predicts {
  return {
    answer: async (records, { onWrong }) => ({
      features: NO_FEATURES,
      ...(await model.predict(records, onWrong)),
    }),
    warm: (options) => model.warm(options),
    runCounts: () => model.runCounts(),
    close: () => model.close(),
  };
}

function byFeatures(engine: OnnxEngine, kernel: FeatureKernel, images: ModelImages | undefined): Predicts {
  const width = kernel.outputs.length;
  const derivedCount = kernel.derived.length;
  return {
    answer: async (records, { derived, onWrong }) => {
      const seen = await images?.read(records, onWrong);
      const features = new Float64Array(records.length * width);
      for (const [instance, record] of records.entries()) {
        const past = derived.subarray(instance * derivedCount, (instance + 1) * derivedCount);
        try {
          kernel.evaluateRecord(
            record,
            features.subarray(instance * width, (instance + 1) * width),
            seen === undefined ? past : images?.beside(past, seen[instance]!),
          );
        } catch (error) {
          onWrong({ instance, error });
        }
      }
      const outputs = await engine.predictRows(features, records.length);
      return { features, width: engine.outputs, outputs, texts: [], tensors: undefined };
    },
    warm: (options) => engine.warm(options),
    runCounts: () => engine.runCounts(),
    close: async () => {
      await engine.close();
      await images?.close();
    },
  };
}

async function openImported({ digest, signature, manifest, modelBytes }: OpenBundle): Promise<RecordModel> {
  const isRemote = manifest.engine === REMOTE_ENGINE;
  const model = isRemote ? openRemoteModel(modelBytes) : await openOnnxModel(modelBytes, { giveAway: true });
  if (sameSignature(model.signature, signature)) return model;
  await model.close();
  throw servingErrors.SERVING_ENGINE_MISMATCH.error(
    `bundle ${digest} does not fit together: its signature is not that of its model`,
    { details: { bundle: digest } },
  );
}

function sameSignature(one: Signature, other: Signature): boolean {
  const text = ({ inputs, output, unbatched }: Signature) =>
    JSON.stringify([
      inputs.map(({ name, type, shape }) => [name, type, shape]),
      [output.name, output.task, output.width, output.classes],
      output.tensors?.map(({ name, type, shape }) => [name, type, shape]),
      unbatched,
    ]);
  return text(one) === text(other);
}

async function openTrained(
  { digest, signature, modelBytes }: OpenBundle,
  kernel: FeatureKernel,
): Promise<OnnxEngine> {
  const { task } = signature.output;
  const shape = { features: kernel.outputs, task, outputs: outputWidth(signature.output) };
  try {
    return await openOnnxEngine(modelBytes, shape, { giveAway: true });
  } catch (thrown) {
    if (!inferenceErrors.INFERENCE_GRAPH_MISMATCH.is(thrown)) throw thrown;
    throw servingErrors.SERVING_ENGINE_MISMATCH.error(
      `bundle ${digest} does not fit together: ${thrown.message}`,
      { details: { bundle: digest }, cause: thrown },
    );
  }
}
