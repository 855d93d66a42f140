import type { Clock } from "../kernel/index.ts";
import {
  type MetricName,
  type MetricSample,
  type MetricSnapshot,
  mergeSnapshots,
  outlivesWorker,
  writeExposition,
} from "../telemetry/index.ts";
import { slipwayVersion } from "./code-version.ts";
import { isCounting, readMachineMetrics, writeMetricSnapshot } from "./metric-files.ts";

export interface WorkerMetricsOptions {
  /** Where the workers of this machine keep their counts. */
  readonly directory: string;
  readonly incarnation: string;
  readonly startedAt: number;
  readonly clock: Clock;
  /** What the worker has counted so far. */
  readonly samples: () => readonly MetricSample[];
  /** Told once why the counts cannot be written, and again after they could be. */
  readonly onProblem: (problem: unknown) => void;
  /** As of the last heartbeat. */
  readonly load: () => { readonly cpu: number; readonly loopDelayMs: number };
}

/** One worker's share of the machine's metrics. */
export interface WorkerMetrics {
  /** Writes what has been counted so far; one write at a time. Never rejects. */
  write(): Promise<void>;
  /**
   * The metrics of all workers. The worker's own are written first: whoever answers the next scrape has seen at least those, so
   * that no counter goes back.
   */
  exposition(): Promise<string>;
}

interface Written {
  readonly own: MetricSnapshot;
  readonly problem?: unknown;
}

const MICROSECONDS = 1e6;

export function openWorkerMetrics(options: WorkerMetricsOptions): WorkerMetrics {
  const { directory, incarnation, clock } = options;
  let writing: Promise<unknown> = Promise.resolve();
  let complained = false;

  const snapshot = (): MetricSnapshot => ({
    incarnation,
    pid: process.pid,
    writtenAt: clock(),
    samples: [...options.samples(), ...processSamples(options)],
  });
  /** What was to be written, and why it could not be. */
  const write = (): Promise<Written> => {
    const written = writing.then(async (): Promise<Written> => {
      const own = snapshot();
      return writeMetricSnapshot(directory, own).then(
        () => ({ own }),
        (problem: unknown) => ({ own, problem }),
      );
    });
    writing = written;
    return written;
  };
  return {
    write: async () => {
      const { problem } = await write();
      if (problem !== undefined && !complained) options.onProblem(problem);
      complained = problem !== undefined;
    },
    exposition: async () => {
      // On a full disk it still says what this worker knows.
      const { own } = await write();
      const read = await readMachineMetrics(directory);
      const { retired } = read;
      const snapshots = [...read.snapshots.filter(({ incarnation }) => incarnation !== own.incarnation), own];
      const living = snapshots.filter((own) => isCounting(own, clock));
      const ended = snapshots.filter((own) => !living.includes(own));
      const merged = mergeSnapshots(living, [...retired, ...countsOf(ended)]);
      merged.push({
        sample: { name: "slipway_workers", labels: [], value: living.length },
        worker: undefined,
      });
      return writeExposition(merged);
    },
  };
}

function countsOf(snapshots: readonly MetricSnapshot[]): MetricSample[] {
  return mergeSnapshots(snapshots).flatMap(({ sample, worker }) =>
    worker === undefined && outlivesWorker(sample) ? [sample] : [],
  );
}

function processSamples({ startedAt, load }: WorkerMetricsOptions): MetricSample[] {
  const one = (name: MetricName, value: number): MetricSample => ({ name, labels: [], value });
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { cpu, loopDelayMs } = load();
  return [
    { name: "slipway_build_info", labels: [slipwayVersion, process.versions.node], value: 1 },
    one("slipway_event_loop_delay_seconds", loopDelayMs / 1000),
    one("slipway_cpu_share", cpu),
    one("process_cpu_seconds_total", (user + system) / MICROSECONDS),
    one("process_resident_memory_bytes", rss),
    one("process_heap_bytes", heapUsed),
    one("process_start_time_seconds", startedAt / 1000),
  ];
}
