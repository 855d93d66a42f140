import type { ImportOutcome, ImportRecipe } from "../pipeline/index.ts";
import type { Registration } from "../registry/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import { slipwayVersion } from "./code-version.ts";
import type { ControlContext } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";
import { importedMetrics, originRecord } from "./version-records.ts";

type ImportHandler = Pick<ControlHandlers, "models.import">;

export function importHandler(context: ControlContext): ImportHandler {
  return { "models.import": (input, call) => importFile(context, input, call) };
}

type ImportInput = Parameters<ControlHandlers["models.import"]>[0];

/** The file is stored first: the runner reads it there, and so does every reproduction. */
async function importFile(
  context: ControlContext,
  input: ImportInput,
  call: OperationContext,
): Promise<OperationOutput<"models.import">> {
  const { clock, blobs } = context;
  const startedAt = clock();
  const { model, file, format } = input;
  const bytes = Buffer.from(file.base64, "base64");
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
    file: file.name,
    origin: outcome.origin,
  };
  const { version, alreadyRegistered, champion } = await register(context, { outcome, recipe, input, call });
  if (champion) await context.publishRouting();
  const { task, width = 1, classes } = outcome.output;
  return {
    model,
    version,
    alreadyRegistered,
    champion,
    bundle: outcome.bundle,
    task,
    outputs: width,
    ...(classes === undefined ? {} : { classes }),
    inputs: outcome.inputs,
    trees: outcome.trees,
    origin: originRecord(recipe),
    durationMs: clock() - startedAt,
  };
}

async function register(
  { registry }: ControlContext,
  made: {
    readonly outcome: ImportOutcome;
    readonly recipe: ImportRecipe;
    readonly input: ImportInput;
    readonly call: OperationContext;
  },
): Promise<Registration> {
  const { outcome, recipe, input, call } = made;
  return await registry.registerVersion({
    model: input.model,
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
    actor: call.actor,
    reason: input.reason ?? "imported",
    championIfFirst: true,
  });
}
