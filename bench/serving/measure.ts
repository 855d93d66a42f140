import type { Aim, BenchRow } from "../bench-row.ts";
import type { LoadOrder, LoadRequest, LoadResult, Pace } from "./load/load-order.ts";
import type { BenchProcesses } from "./processes.ts";
import { type BenchServer, type PredictionServerProcess, targetOf } from "./servers.ts";

/** What every part of the bench has. */
export interface Bench {
  readonly processes: BenchProcesses;
  readonly ours: PredictionServerProcess;
  /** A run of seconds whose figures mean little. */
  readonly short: boolean;
}

/** A server and what it is asked. */
export interface Contender {
  readonly server: BenchServer;
  readonly request: LoadRequest;
}

export interface Course {
  readonly connections: number;
  readonly pace?: Pace;
  readonly rounds?: number;
  readonly windowMs?: number;
}

const WARM_MS = 2_000;
const WARM_REQUESTS = 25_000;
/** A machine that does other things makes servers refuse a few. More make a comparison worthless. */
const MOST_FAILED_SHARE = 0.05;

/**
 * Loads the contenders in turn.
 *
 * @returns a result for each, in their order
 * @throws when one of them failed more than one request of twenty; fewer are said on standard error
 */
export async function measure(
  { processes, short }: Pick<Bench, "processes" | "short">,
  contenders: readonly Contender[],
  { connections, pace = { kind: "closed-loop" }, rounds = 40, windowMs = 250 }: Course,
): Promise<LoadResult[]> {
  const order: LoadOrder = {
    targets: contenders.map(({ server, request }) => targetOf(server, request, connections)),
    pace,
    warmMs: short ? 100 : WARM_MS,
    warmRequests: short ? 0 : WARM_REQUESTS,
    windowMs: short ? Math.min(100, windowMs) : windowMs,
    rounds: short ? 2 : rounds,
  };
  const results = await processes.load(order);
  for (const [at, { sent, failed, reasons }] of results.entries()) {
    if (failed === 0) continue;
    const said = `${contenders[at]!.server.name} failed ${failed} of ${sent} requests: ${JSON.stringify(reasons)}`;
    if (failed > sent * MOST_FAILED_SHARE) throw new Error(said);
    process.stderr.write(`${said}\n`);
  }
  return results;
}

/** Rows that say how the first compares to the second; each ratio of figures of windows is the median of the rounds' ratios. */
export function compare(
  what: string,
  {
    ours,
    peer,
    peerName,
  }: { readonly ours: LoadResult; readonly peer: LoadResult; readonly peerName: string },
  aim?: Aim,
): BenchRow[] {
  const row = (
    claim: string,
    unit: string,
    pick: (result: LoadResult) => number | readonly number[],
  ): BenchRow & { readonly ratio: number } => {
    const a = [pick(ours)].flat();
    const b = [pick(peer)].flat();
    return {
      claim: `${what}: ${claim}`,
      ours: median(a),
      peer: median(b),
      peerName,
      ratio: median(a.map((value, round) => value / b[round]!)),
      unit,
      ...(claim === "throughput" && aim !== undefined ? { aim } : {}),
    };
  };
  return [
    row("throughput", "requests/s", ({ windows }) => windows.map((one) => one.requestsPerSecond)),
    row("p50", "ms", ({ p50 }) => p50),
    row("p99", "ms", ({ p99 }) => p99),
    row("p99.9", "ms", ({ p999 }) => p999),
    row("processor time", "µs/request", ({ windows }) => windows.map((one) => one.cpuMicroseconds)),
  ].filter(({ ratio }) => !Number.isNaN(ratio));
}

export function throughputOf({ windows }: LoadResult): number {
  return median(windows.map(({ requestsPerSecond }) => requestsPerSecond));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
