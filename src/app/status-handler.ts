import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { answeredByArm, readCounts } from "./activity-handler.ts";
import { slipwayVersion } from "./code-version.ts";
import { type ControlContext, isoTime, type ServerFacts } from "./control-context.ts";
import { scalingDecisions } from "./scaling-history.ts";
import { readWorkerStatuses, type WorkerStatus } from "./worker-status.ts";

type Status = OperationOutput<"status">;

export function statusHandler(context: ControlContext): ControlHandlers["status"] {
  const { location, state, clock, registry } = context;
  return async () => {
    const facts = context.server?.();
    const workers = readWorkerStatuses(state.workers, clock);
    const config = join(location.projectRoot, "slipway.config.ts");
    const { generation } = await registry.routing();
    const arms = answeredByArm((await readCounts(state.metrics, clock)).samples);
    const [scaling = null] = scalingDecisions(state.scaling);
    return {
      project: { root: location.projectRoot, config: existsSync(config) ? config : null, state: state.root },
      running: facts !== undefined,
      since: facts === undefined ? null : isoTime(facts.startedAt),
      version: slipwayVersion,
      console: facts?.console ?? null,
      predictions: facts?.predictions ?? null,
      grpc: facts?.grpc ?? null,
      generation,
      database: context.databaseKind,
      processes: processRecords(facts, workers),
      models: servedModels(workers).map((model) => ({ ...model, requests: requestsOf(arms, model) })),
      problems: [...new Set(workers.flatMap(({ problems }) => problems))],
      scaling,
      stream: slowestStream(workers),
    };
  };
}

function slowestStream(workers: readonly WorkerStatus[]): Status["stream"] {
  const [oldest] = workers.flatMap(({ stream }) => stream ?? []).sort((a, b) => b.ageMs - a.ageMs);
  if (oldest === undefined) return null;
  const { sequence, ageMs, problem } = oldest;
  return { sequence, ageMs, ...(problem === undefined ? {} : { problem }) };
}

function processRecords(
  facts: ServerFacts | undefined,
  workers: readonly WorkerStatus[],
): Status["processes"] {
  const since = facts === undefined ? "" : isoTime(facts.startedAt);
  const above =
    facts === undefined
      ? []
      : [
          {
            role: "supervisor",
            pid: facts.supervisorPid,
            state: "ready",
            since,
            restarts: 0,
            generation: null,
            load: null,
          } as const,
          {
            role: "control",
            pid: process.pid,
            state: "ready",
            since,
            restarts: facts.restarts,
            generation: null,
            load: null,
          } as const,
        ];
  return [
    ...above,
    ...workers.map(
      ({ pid, state, startedAt, generation, restarts, load }) =>
        ({ role: "worker", pid, state, since: isoTime(startedAt), restarts, generation, load }) as const,
    ),
  ];
}

function requestsOf(
  arms: ReturnType<typeof answeredByArm>,
  { model, version }: { readonly model: string; readonly version: number },
): number {
  return arms
    .filter((arm) => arm.model === model && arm.version === version)
    .reduce((sum, { requests }) => sum + requests, 0);
}

type ServedModel = Omit<Status["models"][number], "requests">;

/** What the workers serve; a version that any of them could not load is shown as failed. */
function servedModels(workers: readonly WorkerStatus[]): ServedModel[] {
  const served = new Map<string, ServedModel>();
  for (const { models } of workers) {
    for (const model of models) {
      for (const { version, bundle, state, problem } of model.versions) {
        const key = `${model.name}@${version}`;
        if (served.get(key)?.state === "failed") continue;
        served.set(key, {
          model: model.name,
          version,
          bundle,
          state: state === "available" ? "ready" : "failed",
          ...(problem === undefined ? {} : { reason: problem }),
        });
      }
    }
  }
  return [...served.values()];
}
