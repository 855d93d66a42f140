import { openBundle, outputWidth } from "../bundle/index.ts";
import type { OperationContext, OperationInput, OperationOutput } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { trainVersion } from "./train-handlers.ts";
import { originOf } from "./version-records.ts";

export interface FileOverFeatures {
  readonly file: string;
  readonly bytes: Buffer;
  readonly format: OperationInput<"models.import">["format"];
  readonly model: string;
  /** The model of the project that defines data, features, target, split and gates. */
  readonly features: string;
  readonly reason: string | undefined;
  readonly call: OperationContext;
}

/**
 * A model file of another program over features of the project: a run in which the file takes the place of the trainer. What the
 * features learn they learn from the training rows, and the version is evaluated and judged like any other.
 *
 * @throws APP_UNKNOWN_MODEL, TRAINING_MODEL_MISMATCH, INFERENCE_* and what a run throws
 */
export async function importOverFeatures(
  context: ControlContext,
  { file, bytes, format, model, features, reason, call }: FileOverFeatures,
): Promise<OperationOutput<"models.import">> {
  const { blobs, registry } = context;
  const source = await blobs.put(bytes);
  const pretrained = { features, source, file, format };
  const trained = await trainVersion(context, { model, threads: undefined, reason, pretrained }, call);
  const { version, alreadyRegistered, status, champion, bundle, task } = trained;
  const registered = await registry.version(model, version);
  const { signature } = await openBundle(blobs, registered.bundle);
  const { classes } = signature.output;
  const origin = originOf(registered);
  return {
    ...{ model, version, alreadyRegistered, status, champion, bundle, task },
    outputs: outputWidth(signature.output),
    ...(classes === undefined ? {} : { classes }),
    inputs: signature.inputs.length,
    ...(trained.iterations === 0 ? {} : { trees: trained.iterations }),
    ...(origin === undefined ? {} : { origin }),
    trained,
    durationMs: trained.durationMs,
  };
}
