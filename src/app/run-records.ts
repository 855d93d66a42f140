import { deserializeError, type SerializedError } from "../kernel/index.ts";
import type { Run } from "../registry/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { isoTime } from "./control-context.ts";

/** What a finished run leaves: the version it registered, or the error that ended it. */
interface RunResult {
  readonly version?: number;
  readonly snapshot?: string;
  readonly error?: SerializedError;
}

export function runRecord(run: Run): OperationOutput<"runs.list">["runs"][number] {
  const { version, error } = resultOf(run);
  return {
    id: run.id,
    model: run.model,
    state: run.state,
    startedAt: isoTime(run.startedAt ?? run.createdAt),
    finishedAt: run.finishedAt === null ? null : isoTime(run.finishedAt),
    actor: run.actor,
    version: version ?? null,
    error: error === undefined ? null : errorRecord(error),
  };
}

export function runDetail(run: Run): OperationOutput<"runs.show"> {
  return {
    ...runRecord(run),
    snapshot: resultOf(run).snapshot ?? null,
    steps: run.steps.map((step) => ({
      name: step.name,
      state: step.state,
      startedAt: step.startedAt === null ? null : isoTime(step.startedAt),
      durationMs: step.durationMs,
      ...(step.detail === undefined ? {} : { detail: step.detail }),
      ...(step.notes === undefined ? {} : { notes: step.notes }),
    })),
    options: run.details as OperationOutput<"runs.show">["options"],
  };
}

function resultOf(run: Run): RunResult {
  return (run.outcome ?? {}) as RunResult;
}

function errorRecord(error: SerializedError): OperationOutput<"runs.list">["runs"][number]["error"] {
  return JSON.parse(JSON.stringify(deserializeError(error)));
}
