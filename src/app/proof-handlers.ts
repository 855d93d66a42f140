import { readManifest as readBundleManifest } from "../bundle/index.ts";
import type { Recipe } from "../pipeline/index.ts";
import { registryErrors, type SnapshotRecord, type Version } from "../registry/index.ts";
import type { ReplayedPrediction, ReplayFilter, ReplayVerdict } from "../serving/index.ts";
import type { ControlHandlers, OperationInput, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import type { Job } from "./job.ts";
import { jobQuestions } from "./job-questions.ts";
import { findVersion } from "./model-handlers.ts";
import { runJob } from "./runner.ts";
import { readManifest } from "./snapshot-manifest.ts";
import { importRecipeOf } from "./version-records.ts";

type ProofHandlers = Pick<ControlHandlers, "replay" | "reproduce">;

/** Replay and reproduce: what was answered and what was built, done again. */
export function proofHandlers(context: ControlContext): ProofHandlers {
  const { registry, clock, state, logUse } = context;
  return {
    replay: async (input, call) => {
      const startedAt = clock();
      const report = await logUse.read(() =>
        runJob(
          {
            kind: "replay",
            log: state.log,
            filter: filterOf(input),
            ...(input.recomputeWindows ? { stream: state.stream } : {}),
          },
          {
            blobs: state.blobs,
            signed: state,
            questions: jobQuestions(context, call.actor),
            onEvent: (event) => {
              if (event.kind === "progress") call.onProgress({ ...event, step: "replay" });
            },
            signal: AbortSignal.any([call.signal, context.closing]),
          },
        ),
      );
      return {
        predictions: report.total,
        identical: report.identical,
        withinBound: report.withinBound,
        different: report.different,
        sampledOut: report.sampledOut,
        unavailable: report.forgotten + report.missingBundle + report.damaged,
        durationMs: clock() - startedAt,
        windows: report.windows,
        examples: report.examples.map(replayedRecord),
      };
    },
    reproduce: async ({ model, version: reference, threads }, call) => {
      const startedAt = clock();
      const version = await findVersion(context, model, reference);
      const job = await reproductionOf(context, version, threads);
      const reproduction = await runJob<"reproduce" | "reproduce-import">(job, {
        blobs: state.blobs,
        signed: state,
        questions: jobQuestions(context, call.actor),
        onEvent: call.onProgress,
        ...(job.kind === "reproduce" && job.recipe.trainer.kind === "command"
          ? { graceMs: job.recipe.trainer.graceMs }
          : {}),
        signal: AbortSignal.any([call.signal, context.closing]),
      });
      const { verdict, expected, got, differences } = reproduction;
      await registry.recordReproduction({
        model,
        version: version.version,
        verdict,
        details: { got, differences: differences.map((difference) => ({ ...difference })) },
        actor: call.actor,
      });
      // Workers that could not load the version try again, now that its files are whole.
      if (verdict === "identical") await context.publishRouting();
      return {
        model,
        version: version.version,
        verdict,
        expected,
        got,
        differences,
        durationMs: clock() - startedAt,
      };
    },
  };
}

/** A version that was trained is trained again, one that was imported is read again. */
async function reproductionOf(
  context: ControlContext,
  version: Version,
  threads: number | undefined,
): Promise<Extract<Job, { kind: "reproduce" | "reproduce-import" }>> {
  const expected = await readBundleManifest(context.blobs, version.bundle);
  const imported = importRecipeOf(version);
  if (imported !== undefined) return { kind: "reproduce-import", recipe: imported, expected };
  const snapshot = await snapshotOf(context, version);
  return {
    kind: "reproduce",
    recipe: version.recipe as unknown as Recipe,
    snapshot: await readManifest(context, snapshot.manifestBlob),
    expected,
    projectRoot: context.location.projectRoot,
    threads: threads ?? context.location.settings.trainingThreads,
  };
}

/** @throws REGISTRY_UNKNOWN_SNAPSHOT */
async function snapshotOf({ registry }: ControlContext, version: Version): Promise<SnapshotRecord> {
  const { dataset, snapshot, origin } = version;
  try {
    return await registry.snapshot(dataset ?? "", snapshot ?? "");
  } catch (thrown) {
    if (!registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.is(thrown) || origin.length === 0) throw thrown;
    throw registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.error(thrown.message, {
      details: thrown.details,
      hint: "The version was trained in another installation, from data that has not come with it. The same rows as the same dataset make the same snapshot here: `slipway data add`.",
      cause: thrown,
    });
  }
}

function filterOf(input: OperationInput<"replay">): ReplayFilter {
  if ("id" in input) return { id: input.id };
  const { model, since, until, limit } = input;
  return {
    ...(model === undefined ? {} : { model }),
    ...(since === undefined ? {} : { since: Date.parse(since) }),
    ...(until === undefined ? {} : { until: Date.parse(until) }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function isRecomputed(
  verdict: ReplayVerdict,
): verdict is Exclude<OperationOutput<"replay">["examples"][number]["verdict"], "unavailable"> {
  return verdict === "identical" || verdict === "within-bound" || verdict === "different";
}

function replayedRecord(replayed: ReplayedPrediction): OperationOutput<"replay">["examples"][number] {
  const { id, model, version, time, verdict, logged, recomputed, reason } = replayed;
  return {
    id,
    model,
    version,
    at: isoTime(time),
    verdict: isRecomputed(verdict) ? verdict : "unavailable",
    logged,
    recomputed,
    ...(reason === undefined ? {} : { reason }),
  };
}
