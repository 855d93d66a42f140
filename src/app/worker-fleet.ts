import { type Clock, sleep } from "../kernel/index.ts";
import type { KeptProcess } from "./keep-alive.ts";
import { balanceConnections } from "./scaling/connection-balance.ts";
import { decideScaling, type LoadSample, type ScalingLimits } from "./scaling/worker-scaling.ts";
import type { WorkerInstruction } from "./supervisor.ts";
import { HEARTBEAT_MS, type WorkerStatus } from "./worker-status.ts";

export interface FleetOptions {
  readonly limits: ScalingLimits;
  readonly clock: Clock;
  readonly startWorker: () => StartedWorker;
  /** What the workers alive say of themselves. */
  readonly statuses: () => readonly WorkerStatus[];
  readonly onScaling: (change: ScalingChange) => void;
  readonly onProblem: (error: unknown) => void;
  /** How long a worker may take to finish what it has in hand. */
  readonly graceMs: number;
}

export interface StartedWorker {
  readonly process: KeptProcess;
  /** Resolves when it answers. */
  readonly ready: Promise<unknown>;
}

export interface ScalingChange {
  readonly action: "started" | "stopping";
  /** How many there are now. */
  readonly workers: number;
  readonly reason: string;
}

/** The workers of one supervisor: as many as the load asks for, each with its share of the connections. */
export interface WorkerFleet {
  /** Starts the fewest workers there are to be; resolves when they answer. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Leaves the workers serving without a supervisor. */
  release(): void;
  pids(): readonly number[];
}

export function createWorkerFleet(options: FleetOptions): WorkerFleet {
  const { limits, clock } = options;
  const workers: KeptProcess[] = [];
  const stopping = new AbortController();
  let samples: LoadSample[] = [];
  /** Requests that each worker had answered when it was looked at last. */
  let counted = new Map<number, number>();

  const grow = async (): Promise<void> => {
    const started = options.startWorker();
    workers.push(started.process);
    await started.ready;
  };

  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(HEARTBEAT_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await look();
      } catch (error) {
        if (!stopping.signal.aborted) options.onProblem(error);
      }
    }
  };

  const look = async (): Promise<void> => {
    const ours = new Set(pidsOf(workers));
    const ready = options.statuses().filter(({ pid, state }) => ours.has(pid) && state === "ready");
    // While one starts or is replaced, the load of the others says nothing about how many there should be.
    if (ready.length !== workers.length) {
      samples = [];
      return;
    }
    shareConnections(ready);
    const now = clock();
    samples = [...samples, { at: now, workers: ready.map(({ load }) => load) }].filter(
      ({ at }) => at >= now - Math.max(limits.scaleUpAfterMs, limits.scaleDownAfterMs) - 2 * HEARTBEAT_MS,
    );
    const decision = decideScaling(limits, samples);
    if (decision.action === "keep") return;
    samples = [];
    const { reason } = decision;
    if (decision.action === "start") {
      await grow();
      options.onScaling({ action: "started", workers: workers.length, reason });
    } else {
      const last = workers.pop();
      options.onScaling({ action: "stopping", workers: workers.length, reason });
      await last?.stop(options.graceMs);
    }
  };

  const shareConnections = (ready: readonly WorkerStatus[]): void => {
    const traffic = ready.map(({ pid, load }) => ({
      pid,
      requests: load.requests - (counted.get(pid) ?? 0),
      connections: load.connections,
    }));
    counted = new Map(ready.map(({ pid, load }) => [pid, load.requests]));
    for (const { pid, connections } of balanceConnections(traffic)) {
      const instruction: WorkerInstruction = { kind: "release-connections", connections };
      workers.find((worker) => worker.pid() === pid)?.send(instruction);
    }
  };

  return {
    start: async () => {
      await Promise.all(Array.from({ length: limits.minWorkers }, grow));
      void watch();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(workers.map((worker) => worker.stop(options.graceMs)));
    },
    release: () => {
      stopping.abort();
      for (const worker of workers) worker.release();
    },
    pids: () => pidsOf(workers),
  };
}

function pidsOf(workers: readonly KeptProcess[]): readonly number[] {
  return workers.flatMap((worker) => worker.pid() ?? []);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
