import type { Activity } from "../activity-rates.ts";

type Arm = Activity["arms"][number];
type Worker = Activity["workers"][number];

export function activityWith(given: Partial<Activity> = {}): Activity {
  return {
    at: "2026-01-31T12:00:00.000Z",
    running: true,
    since: "2026-01-31T10:00:00.000Z",
    workers: [],
    arms: [],
    errors: [],
    log: { predictions: 0, bytes: 0, failedGroups: 0 },
    scaling: [],
    ...given,
  };
}

export function armWith(given: Partial<Arm> = {}): Arm {
  return { model: "late", version: 1, arm: "champion", requests: 0, instances: 0, latencies: [], ...given };
}

export function workerWith(given: Partial<Worker> = {}): Worker {
  return {
    ...{ pid: 4711, state: "ready", isReady: true, restarts: 0, since: "2026-01-31T10:00:00.000Z" },
    ...{
      cpu: 0.87,
      loopDelayMs: 1.25,
      residentBytes: 123_000_000,
      inFlight: 3,
      connections: 16,
      requests: 0,
    },
    ...given,
  };
}
