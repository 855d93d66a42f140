import type { ImportOutcome, ImportRecipe } from "../pipeline/index.ts";
import type { OperationContext, OperationInput, OperationOutput } from "../wire/index.ts";
import { slipwayVersion } from "./code-version.ts";
import type { ControlContext } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";
import { publishAndAwait } from "./take-up.ts";
import { importedMetrics, originRecord } from "./version-records.ts";

export interface ForeignFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly format: OperationInput<"models.import">["format"];
  readonly model: string;
  readonly reason: string | undefined;
  readonly call: OperationContext;
}

/** A model file of another program. It is stored first: the runner reads it there, and so does every reproduction. */
export async function importForeign(
  context: ControlContext,
  file: ForeignFile,
): Promise<OperationOutput<"models.import">> {
  const { clock, blobs } = context;
  const startedAt = clock();
  const { name, bytes, format, model, call } = file;
  const source = await blobs.put(bytes);
  const outcome = await runJob(
    { kind: "import", source, ...(format === undefined ? {} : { format }) },
    {
      blobs: context.state.blobs,
      questions: jobQuestions(context, call.actor),
      onEvent: call.onProgress,
      signal: AbortSignal.any([call.signal, context.closing]),
    },
  );
  const recipe: ImportRecipe = {
    format: "slipway.import/1",
    source,
    bytes: bytes.length,
    file: name,
    origin: outcome.origin,
  };
  const { version, alreadyRegistered, status, champion } = await register(context, {
    outcome,
    recipe,
    file,
  });
  if (champion) await publishAndAwait(context);
  const { task, width = 1, classes } = outcome.output;
  return {
    ...{ model, version, alreadyRegistered, status, champion },
    bundle: outcome.bundle,
    task,
    outputs: width,
    ...(classes === undefined ? {} : { classes }),
    inputs: outcome.inputs,
    ...(outcome.trees === 0 ? {} : { trees: outcome.trees }),
    origin: originRecord(recipe),
    durationMs: clock() - startedAt,
  };
}

async function register(
  { registry }: ControlContext,
  made: { readonly outcome: ImportOutcome; readonly recipe: ImportRecipe; readonly file: ForeignFile },
) {
  const { outcome, recipe, file } = made;
  return await registry.registerVersion({
    model: file.model,
    bundle: outcome.bundle,
    status: "accepted",
    run: null,
    dataset: null,
    snapshot: null,
    plan: outcome.plan,
    recipe,
    metrics: importedMetrics(outcome),
    gates: [],
    code: { slipway: slipwayVersion, commit: null, config: "" },
    actor: file.call.actor,
    reason: file.reason ?? "imported",
    championIfFirst: true,
  });
}
