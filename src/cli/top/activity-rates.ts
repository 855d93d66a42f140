import { latencyQuantile } from "../../telemetry/index.ts";
import type { OperationOutput } from "../../wire/index.ts";

export type Activity = OperationOutput<"activity">;

/** What happened between two looks; rates are by second, latencies in seconds and undefined where nothing was answered. */
export interface ActivityRates {
  readonly intervalMs: number;
  readonly requests: number;
  readonly errors: number;
  readonly workers: readonly (Activity["workers"][number] & { readonly requestRate: number })[];
  readonly arms: readonly ArmRates[];
  readonly refusals: readonly RefusalRates[];
  readonly log: { readonly predictions: number; readonly bytes: number; readonly failedGroups: number };
}

export interface ArmRates {
  readonly model: string;
  readonly version: number;
  readonly arm: string;
  readonly requests: number;
  readonly instances: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

export interface RefusalRates {
  readonly model: string;
  readonly code: string;
  readonly requests: number;
  /** Since the server was started. */
  readonly total: number;
}

/** Counts of a server that was started anew in between begin at nothing. */
export function ratesBetween(before: Activity, after: Activity): ActivityRates {
  const intervalMs = Math.max(1, Date.parse(after.at) - Date.parse(before.at));
  const isSame = before.since === after.since;
  const grown = (now: number, then: number | undefined): number =>
    !isSame || then === undefined || then > now ? now : now - then;
  const rate = (now: number, then: number | undefined): number => (grown(now, then) * 1000) / intervalMs;
  const arms = after.arms.map((arm): ArmRates => {
    const { model, version, arm: name } = arm;
    const former = before.arms.find(
      (other) => other.model === model && other.version === version && other.arm === name,
    );
    const latencies = arm.latencies.map((count, bucket) => grown(count, former?.latencies[bucket]));
    return {
      model,
      version,
      arm: name,
      requests: rate(arm.requests, former?.requests),
      instances: rate(arm.instances, former?.instances),
      p50: latencyQuantile(latencies, 0.5),
      p99: latencyQuantile(latencies, 0.99),
    };
  });
  const refusals = after.errors.map(({ model, code, requests: total }): RefusalRates => {
    const former = before.errors.find((other) => other.model === model && other.code === code);
    return { model, code, requests: rate(total, former?.requests), total };
  });
  return {
    intervalMs,
    requests: sumOf(arms),
    errors: sumOf(refusals),
    workers: after.workers.map((worker) => {
      const former = before.workers.find(({ pid, since }) => pid === worker.pid && since === worker.since);
      return { ...worker, requestRate: rate(worker.requests, former?.requests ?? 0) };
    }),
    arms,
    refusals,
    log: {
      predictions: rate(after.log.predictions, before.log.predictions),
      bytes: rate(after.log.bytes, before.log.bytes),
      failedGroups: rate(after.log.failedGroups, before.log.failedGroups),
    },
  };
}

function sumOf(parts: readonly { readonly requests: number }[]): number {
  return parts.reduce((sum, { requests }) => sum + requests, 0);
}
