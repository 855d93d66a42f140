import { newId, SlipwayError } from "../kernel/index.ts";
import { type RunEvent, type RunOutcome, runSteps } from "../pipeline/index.ts";
import { loadProject } from "../project/index.ts";
import { programDigest } from "../training/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import { signCode } from "./code-signatures.ts";
import { gitCommit, slipwayVersion } from "./code-version.ts";
import type { ControlContext } from "./control-context.ts";
import { appErrors } from "./errors.ts";
import type { PretrainedFile } from "./job.ts";
import { jobQuestions } from "./job-questions.ts";
import { requireModel } from "./project-lookup.ts";
import { openRunLog, readRunLog } from "./run-log.ts";
import { thisProcess } from "./run-owner.ts";
import { runDetail, runRecord } from "./run-records.ts";
import { runJob } from "./runner.ts";
import { serializeError } from "./serialize-error.ts";
import { publishAndAwait } from "./take-up.ts";
import { validationSummary } from "./validation-handler.ts";
import { evaluationRecord, gateRecords, importanceRecords, versionMetrics } from "./version-records.ts";

type TrainHandlers = Pick<ControlHandlers, "train" | "runs.list" | "runs.show" | "runs.log">;

export function trainHandlers(context: ControlContext): TrainHandlers {
  const { registry } = context;
  return {
    train: (input, call) => trainVersion(context, input, call),
    "runs.list": async ({ model, limit }) => ({
      runs: (await registry.runs(model, { limit })).map(runRecord),
    }),
    "runs.show": async ({ run }) => runDetail(await registry.run(run)),
    "runs.log": async ({ run, from }) => {
      const { id, finishedAt } = await registry.run(run);
      return {
        run: id,
        ...(await readRunLog(context.state.runLogs, id, from)),
        finished: finishedAt !== null,
      };
    },
  };
}

type TrainRequest = Parameters<ControlHandlers["train"]>[0];

export interface TrainInput extends TrainRequest {
  /** A model file in the place of the trainer, for the definition of another model. */
  readonly pretrained?: PretrainedFile;
}

/** A run, and the version that it registers. */
export async function trainVersion(
  context: ControlContext,
  input: TrainInput,
  call: OperationContext,
): Promise<OperationOutput<"train">> {
  const { registry, clock, location } = context;
  const startedAt = clock();
  const project = await loadProject(location.projectRoot);
  const { pretrained } = input;
  const definition = pretrained?.features ?? input.model;
  const { trainer } = requireModel(project, definition);
  const threads = input.threads ?? location.settings.trainingThreads;
  const run = newId("run", clock);
  await registry.startRun({
    id: run,
    model: input.model,
    actor: call.actor,
    owner: thisProcess,
    reason: input.reason,
    details: {
      threads,
      config: project.configDigest,
      ...(pretrained === undefined ? {} : { features: definition, file: pretrained.source }),
    },
  });
  const steps = recordSteps(context, run);
  const log = openRunLog(context.state.runLogs, run);
  try {
    const outcome = await runJob(
      {
        kind: "train",
        projectRoot: location.projectRoot,
        model: input.model,
        threads,
        ...(pretrained === undefined ? {} : { pretrained }),
      },
      {
        blobs: context.state.blobs,
        signed: context.state,
        questions: jobQuestions(context, call.actor),
        onEvent: (event) => {
          steps.note(event);
          log.note(event);
          call.onProgress(event);
        },
        ...(trainer.kind === "command" ? { graceMs: trainer.graceMs } : {}),
        signal: AbortSignal.any([call.signal, context.closing]),
      },
    );
    await steps.written();
    const registered = await register(context, {
      outcome,
      run,
      input,
      call,
      dataset: project.datasetNameOf(definition),
      config: project.configDigest,
    });
    return { ...registered, durationMs: clock() - startedAt };
  } catch (error) {
    await steps.written();
    const stopped = call.signal.aborted || context.closing.aborted || appErrors.APP_RUN_CANCELLED.is(error);
    const state = stopped ? "cancelled" : "failed";
    await registry.finishRun({
      id: run,
      state,
      actor: call.actor,
      outcome: { error: serializeError(error) },
    });
    throw error;
  } finally {
    await log.close();
  }
}

async function register(
  context: ControlContext,
  made: {
    readonly outcome: RunOutcome;
    readonly run: string;
    readonly input: TrainInput;
    readonly call: OperationContext;
    readonly dataset: string;
    readonly config: string;
  },
): Promise<Omit<OperationOutput<"train">, "durationMs">> {
  const { registry, location } = context;
  const { outcome, run, input, call } = made;
  const { model } = input;
  const position = { index: runSteps.indexOf("register") + 1, of: runSteps.length };
  const step = { kind: "step", step: "register", ...position } as const;
  call.onProgress({ ...step, state: "running" });
  const began = context.clock();
  for (const code of [outcome.manifest.files.code?.digest, programDigest(outcome.recipe.trainer)])
    if (code !== undefined) signCode(context.state, code);
  const registered = await registry.registerVersion({
    model,
    bundle: outcome.bundle,
    status: outcome.status,
    run,
    dataset: made.dataset,
    snapshot: outcome.snapshot,
    plan: outcome.plan,
    recipe: outcome.recipe,
    metrics: versionMetrics(outcome),
    gates: outcome.gates,
    code: { slipway: slipwayVersion, commit: await gitCommit(location.projectRoot), config: made.config },
    actor: call.actor,
    reason: input.reason,
    championIfFirst: true,
    finishesRun: true,
  });
  const { version } = registered;
  if (registered.champion) await publishAndAwait(context);
  call.onProgress({
    ...step,
    state: "finished",
    detail: `${model}@${version}`,
    durationMs: context.clock() - began,
  });
  return {
    run,
    model,
    version,
    status: outcome.status,
    alreadyRegistered: registered.alreadyRegistered,
    champion: registered.champion,
    bundle: outcome.bundle,
    snapshot: outcome.snapshot,
    validation: outcome.validation === null ? null : validationSummary(outcome.validation),
    task: outcome.recipe.target.task,
    iterations: outcome.iterations,
    summary: outcome.summary,
    evaluation: evaluationRecord(outcome.report, outcome.rows),
    gates: gateRecords(outcome.gates),
    importance: importanceRecords(outcome.importance),
  };
}

/** Writes the steps of a run to the registry in the order in which they were reported, without holding up the run. */
function recordSteps(context: ControlContext, run: string) {
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;
  const startedAt = new Map<string, number>();
  return {
    note: (event: RunEvent): void => {
      if (event.kind !== "step") return;
      const now = context.clock();
      if (event.state === "running") startedAt.set(event.step, now);
      const step = {
        name: event.step,
        state: event.state,
        startedAt: startedAt.get(event.step) ?? now,
        durationMs: event.durationMs ?? null,
        ...(event.detail === undefined ? {} : { detail: event.detail }),
        ...(event.notes === undefined ? {} : { notes: event.notes }),
      };
      writing = writing.then(async () => {
        await context.registry.updateRun({ id: run, step }).catch((error: unknown) => {
          failure ??= error;
        });
      });
    },
    /** Resolves when everything noted is stored. @throws what kept it from being stored */
    written: async (): Promise<void> => {
      await writing;
      if (failure !== undefined && !(failure instanceof SlipwayError)) throw failure;
    },
  };
}
