import type { Clock } from "../kernel/index.ts";
import { type MetricName, type MetricSample, mergeSnapshots } from "../telemetry/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { isCounting, readMachineMetrics } from "./metric-files.ts";
import { scalingDecisions } from "./scaling-history.ts";
import { readWorkerStatuses } from "./worker-status.ts";

type Activity = OperationOutput<"activity">;

export function activityHandler(context: ControlContext): ControlHandlers["activity"] {
  const { state, clock } = context;
  return async () => {
    const facts = context.server?.();
    const { samples, countedAt } = await readCounts(state.metrics, clock);
    const workers = readWorkerStatuses(state.workers, clock);
    return {
      at: isoTime(countedAt),
      running: facts !== undefined,
      since: facts === undefined ? null : isoTime(facts.startedAt),
      workers: workers.map(({ pid, state: phase, isReady, restarts, startedAt, load }) => ({
        pid,
        state: phase,
        isReady,
        restarts,
        since: isoTime(startedAt),
        ...load,
      })),
      arms: answeredByArm(samples),
      errors: refusedByCode(samples),
      log: {
        predictions: totalOf(samples, "slipway_log_predictions_total"),
        bytes: totalOf(samples, "slipway_log_bytes_total"),
        failedGroups: totalOf(samples, "slipway_log_failed_groups_total"),
      },
      scaling: scalingDecisions(state.scaling),
    };
  };
}

export interface Counts {
  readonly samples: readonly MetricSample[];
  /** When it was so: the mean of the moments at which the workers wrote, so that rates are not those of their heartbeats. */
  readonly countedAt: number;
}

/** What all workers of the server have counted, those that have ended too. */
export async function readCounts(directory: string, clock: Clock): Promise<Counts> {
  const { snapshots, retired } = await readMachineMetrics(directory);
  const samples = mergeSnapshots(snapshots, retired).flatMap(({ sample, worker }) =>
    worker === undefined ? [sample] : [],
  );
  const counting = snapshots.filter((snapshot) => isCounting(snapshot, clock));
  const countedAt =
    counting.length === 0
      ? clock()
      : counting.reduce((sum, { writtenAt }) => sum + writtenAt, 0) / counting.length;
  return { samples, countedAt };
}

/** Answers of each arm, by whichever protocol. */
export function answeredByArm(samples: readonly MetricSample[]): Activity["arms"] {
  const arms = new Map<string, Activity["arms"][number]>();
  for (const { name, labels, ...counted } of samples) {
    if (name !== "slipway_predict_duration_seconds" && name !== "slipway_predictions_total") continue;
    const [model = "", version, arm = ""] = labels;
    const key = JSON.stringify([model, version, arm]);
    const before = arms.get(key) ?? {
      ...{ model, version: Number(version), arm, requests: 0, instances: 0 },
      latencies: [],
    };
    if ("value" in counted) arms.set(key, { ...before, instances: before.instances + counted.value });
    else {
      const latencies = counted.buckets.map((count, bucket) => count + (before.latencies[bucket] ?? 0));
      const requests = latencies.reduce((sum, count) => sum + count, 0);
      arms.set(key, { ...before, latencies, requests });
    }
  }
  return [...arms.values()];
}

function refusedByCode(samples: readonly MetricSample[]): Activity["errors"] {
  const errors = new Map<string, Activity["errors"][number]>();
  for (const { name, labels, ...counted } of samples) {
    if (name !== "slipway_request_errors_total" || !("value" in counted)) continue;
    const [, model = "", code = ""] = labels;
    const key = JSON.stringify([model, code]);
    errors.set(key, { model, code, requests: (errors.get(key)?.requests ?? 0) + counted.value });
  }
  return [...errors.values()];
}

function totalOf(samples: readonly MetricSample[], wanted: MetricName): number {
  return samples.reduce(
    (sum, sample) => sum + (sample.name === wanted && "value" in sample ? sample.value : 0),
    0,
  );
}
