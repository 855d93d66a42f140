import { z } from "zod";

const count = z.number().int().nonnegative();
const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();

/** How busy a worker is; shares and delays are those since its last heartbeat, twice a second. */
export const workerLoadRecord = z.object({
  /** Processor time ÷ time; 1 is one core. */
  cpu: z.number(),
  loopDelayMs: z.number(),
  residentBytes: count,
  inFlight: count,
  connections: count,
  /** Since it started. */
  requests: count,
});

export const scalingDecisionRecord = z.object({
  at: z.string(),
  action: z.enum(["started", "stopping"]),
  /** How many there were then. */
  workers: count,
  reason: z.string(),
});

/** What the workers have done since the server was started. */
export const activityRecord = z.object({
  /** When it was so. */
  at: z.string(),
  running: z.boolean(),
  since: z.string().nullable(),
  workers: list(
    workerLoadRecord.extend({
      pid: count,
      state: z.enum(["starting", "ready", "draining"]),
      /** What its /readyz answers. */
      isReady: z.boolean(),
      restarts: count,
      since: z.string(),
    }),
  ),
  arms: list(
    z.object({
      model: z.string(),
      version: count,
      arm: z.string(),
      requests: count,
      instances: count,
      /** Requests by latency: bucket i holds those of at most 2^i µs, the last one the rest. */
      latencies: list(count),
    }),
  ),
  /** Refused requests. `model` is empty where none that is served was named. */
  errors: list(z.object({ model: z.string(), code: z.string(), requests: count })),
  log: z.object({ predictions: count, bytes: count, failedGroups: count }),
  /** The last ones, newest first. */
  scaling: list(scalingDecisionRecord),
});
