import type { BenchRow } from "../bench-row.ts";
import { requests } from "./flight-requests.ts";
import type { LoadResult } from "./load/load-order.ts";
import { type Bench, throughputOf } from "./measure.ts";
import { targetOf } from "./servers.ts";

const CONNECTIONS = 64;
const SECONDS = 60;
const PROBE_SECONDS = 3;
const SECONDS_A_DAY = 86_400;
const LIMIT_P99_MS = 20;
/** Shares of what a closed loop achieves that are tried, the highest first. */
const SHARES = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/**
 * The highest rate of those tried that holds for a minute: requests due at fixed intervals, counted from when they were due,
 * p99 below 20 ms, nothing failed, nothing unsent, everything logged. Rates that do not hold for 3 s are not tried longer.
 */
export async function sustainedRate(bench: Bench): Promise<BenchRow[]> {
  const most = throughputOf(await load(bench, undefined, PROBE_SECONDS));
  for (const share of SHARES) {
    const perSecond = Math.floor(most * share);
    if (!holds(await load(bench, perSecond, PROBE_SECONDS))) continue;
    const result = await load(bench, perSecond, SECONDS);
    if (holds(result)) return rowsOf(perSecond, result, bench.short);
  }
  throw new Error(`not even ${SHARES.at(-1)} of ${Math.round(most)} requests/s could be sustained`);
}

async function load(
  { processes, ours, short }: Bench,
  perSecond: number | undefined,
  seconds: number,
): Promise<LoadResult> {
  const [result] = await processes.load({
    targets: [targetOf(ours, requests.v1Single, CONNECTIONS)],
    pace: perSecond === undefined ? { kind: "closed-loop" } : { kind: "open-loop", perSecond },
    warmMs: short ? 50 : 500,
    warmRequests: 0,
    windowMs: short ? Math.min(500, seconds * 100) : seconds * 1_000,
    rounds: 1,
  });
  return result!;
}

function holds({ p99, failed, unsent }: LoadResult): boolean {
  return p99 < LIMIT_P99_MS && failed === 0 && unsent === 0;
}

function rowsOf(perSecond: number, result: LoadResult, short: boolean): BenchRow[] {
  const what = `open loop, ${short ? 0.5 : SECONDS} s, ${CONNECTIONS} connections`;
  const figure = (claim: string, ours: number, unit: string) => ({ claim: `${what}: ${claim}`, ours, unit });
  const answered = throughputOf(result);
  return [
    figure("rate", answered, `requests/s of ${perSecond.toLocaleString("en")} due`),
    { ...figure("rate", answered * SECONDS_A_DAY, "requests/day"), aim: { atLeast: 1e9 } },
    figure("p50", result.p50, "ms"),
    { ...figure("p99", result.p99, "ms"), aim: { atMost: LIMIT_P99_MS } },
    figure("p99.9", result.p999, "ms"),
    { ...figure("failed or unsent", result.failed + result.unsent, "requests"), aim: { atMost: 0 } },
    figure("sent later than due, p99", result.latenessP99, "ms"),
  ];
}
