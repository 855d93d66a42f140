import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readPredictionLog } from "../../src/serving/index.ts";
import { slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { addCostlyModel, costlyModel } from "./costly-model.ts";
import { accepted, countOf, makeLoad, percent, perSecond, quantile } from "./load-process.ts";
import type { OpenLoopOrder, OpenLoopResult } from "./open-loop.ts";
import { model as cheapModel, recordOf, type SoakProject, writeProject } from "./project.ts";

export interface OverloadBounds {
  /** Least share of the peak that is still answered. */
  readonly goodput: number;
  /** Longest that 99 % of the accepted requests to the costly model may take. */
  readonly p99Ms: number;
  /** Longest until everything is as before. */
  readonly recoveryMs: number;
}

export interface OverloadOptions {
  readonly peakMs: number;
  readonly overloadMs: number;
  readonly bounds: OverloadBounds;
}

const TIMES_CAPACITY = 5;
const COSTLY_CONNECTIONS = 500;
const CHEAP_CONNECTIONS = 3_000;
const CALM_MS = 3_000;
const WARM_MS = 1_500;
const WINDOW_MS = 200;
const PAGE_BYTES = 4_096;
/** What the heap of a process may take more before it is collected. */
const BREATHING_BYTES = 60 * 1024 * 1024;

/**
 * One worker is sent five times what it can answer: by a model that costs 2 ms a request, then by one that is as cheap to
 * ask as to refuse. It must go on answering nearly as many requests as at its best, the accepted ones fast, must say 503
 * with `Retry-After` to the rest, must not grow, and must be as before when it is over. What was answered is in the log.
 */
export async function overload(options: OverloadOptions): Promise<string> {
  const project = writeProject(600);
  const ending = new AbortController();
  try {
    addCostlyModel(project);
    for (const model of [costlyModel, cheapModel]) await slipwayJson(["train", model], { cwd: project.path });
    const server = await slipwayUp({
      cwd: project.path,
      args: ["--workers", "1", "--max-workers", "1", "--no-grpc"],
    });
    const outcomes: Outcome[] = [];
    try {
      const campaign = { project, base: server.predictions, signal: ending.signal, options };
      outcomes.push(await overloadCostly(campaign), await overloadCheap(campaign));
    } finally {
      ending.abort();
      await server.stop();
    }
    const ids = outcomes.flatMap((outcome) => outcome.ids);
    await checkLog(project, ids);
    return `${outcomes.map(({ figures }) => figures).join("; ")}; ${ids.length.toLocaleString("en")} acknowledged, all in the log`;
  } finally {
    project.remove();
  }
}

interface Campaign {
  readonly project: SoakProject;
  readonly base: string;
  readonly signal: AbortSignal;
  readonly options: OverloadOptions;
}

interface Outcome {
  readonly figures: string;
  readonly ids: readonly string[];
}

/** What came of an overload, before anything is judged. */
interface Measured {
  /** Answers a second at its best, in a closed loop. */
  readonly peak: number;
  readonly calm: OpenLoopResult;
  readonly over: OpenLoopResult;
  readonly goodput: number;
  /** The same for a second of the worker's processor time: what else runs on the machine hardly moves it. */
  readonly goodputOfCpu: number;
  readonly recoveredMs: number;
  readonly grownBytes: number;
  readonly ids: readonly string[];
}

async function measure(
  campaign: Campaign,
  {
    model,
    connections,
    closed,
    calmShare,
  }: {
    readonly model: string;
    readonly connections: number;
    /** Connections that keep the worker busy without a queue. */
    readonly closed: number;
    readonly calmShare: number;
  },
): Promise<Measured> {
  const { bounds, peakMs, overloadMs } = campaign.options;
  const order = orderFor(campaign, model, connections);
  const busy = { rate: "closed", connections: closed } as const;
  const [warm, best] = await makeLoad(
    {
      ...order,
      phases: [
        { ...busy, ms: WARM_MS },
        { ...busy, ms: peakMs },
      ],
    },
    campaign.signal,
  );
  const peak = perSecond(best!);
  const memory = watchMemory(campaign.project);
  const [calm, over, after] = await makeLoad(
    {
      ...order,
      phases: [
        { rate: calmShare * peak, ms: CALM_MS },
        { rate: TIMES_CAPACITY * peak, ms: overloadMs },
        { rate: calmShare * peak, ms: CALM_MS + bounds.recoveryMs },
      ],
    },
    campaign.signal,
  );
  return {
    peak,
    calm: calm!,
    over: over!,
    goodput: perSecond(over!) / peak,
    goodputOfCpu: perCpuMs(over!) / perCpuMs(best!),
    recoveredMs: recoveredAfterMs(calm!, after!),
    grownBytes: memory.stop(),
    ids: [warm!, best!, calm!, over!, after!].flatMap(({ ids }) => ids),
  };
}

async function overloadCostly(campaign: Campaign): Promise<Outcome> {
  const { bounds } = campaign.options;
  const measured = await measure(campaign, {
    model: costlyModel,
    connections: COSTLY_CONNECTIONS,
    closed: 4,
    calmShare: 0.5,
  });
  const p99 = quantile(accepted(measured.over), 0.99);
  const figures = `costly model: ${figuresOf(measured)}`;
  judge(measured, bounds, figures);
  assert.ok(countOf(measured.over, 503) > 0, `nothing was refused; ${figures}`);
  assert.ok(p99 < bounds.p99Ms, figures);
  return { figures, ids: measured.ids };
}

async function overloadCheap(campaign: Campaign): Promise<Outcome> {
  const probing = probe(campaign.base);
  const measured = await measure(campaign, {
    model: cheapModel,
    connections: CHEAP_CONNECTIONS,
    closed: 64,
    calmShare: 0.25,
  });
  const probed = await probing.stop();
  const figures = `cheap model: ${figuresOf(measured)}, a probe over a new connection answered in ${probed.toFixed(0)} ms at the longest`;
  judge(measured, campaign.options.bounds, figures);
  return { figures, ids: measured.ids };
}

function figuresOf({ peak, over, goodput, goodputOfCpu, recoveredMs, grownBytes }: Measured): string {
  const offered = (over.dueMs.length + over.unsent) / (over.ms / 1000);
  return [
    `peak ${peak.toFixed(0)}/s, ${offered.toFixed(0)}/s offered`,
    `goodput ${percent(goodput)} (${percent(goodputOfCpu)} by processor time)`,
    `${percent(countOf(over, 503) / over.dueMs.length)} refused`,
    `accepted p50 ${quantile(accepted(over), 0.5).toFixed(0)} ms p99 ${quantile(accepted(over), 0.99).toFixed(0)} ms`,
    `memory ${(grownBytes / 2 ** 20).toFixed(0)} MiB more`,
    `as before after ${recoveredMs} ms`,
  ].join(", ");
}

function judge(measured: Measured, bounds: OverloadBounds, figures: string): void {
  const { over, goodput, recoveredMs, grownBytes } = measured;
  const odd = over.status.filter((status) => status !== 200 && status !== 503);
  assert.deepEqual(
    [...new Set(odd)],
    [],
    `${odd.length} answers are neither 200 nor 503 with Retry-After; ${figures}`,
  );
  assert.ok(goodput >= bounds.goodput, figures);
  assert.ok(recoveredMs <= bounds.recoveryMs, figures);
  assert.ok(grownBytes < BREATHING_BYTES, figures);
}

function orderFor(
  { base, project }: Campaign,
  model: string,
  connections: number,
): Omit<OpenLoopOrder, "phases"> {
  return {
    port: Number(new URL(base).port),
    path: `/v1/models/${model}:predict`,
    bodies: Array.from({ length: 50 }, (_, at) => JSON.stringify({ instances: [recordOf(at)] })),
    connections,
    pid: workerPid(project),
  };
}

function perCpuMs(result: OpenLoopResult): number {
  return countOf(result, 200) / result.cpuMs;
}

/** The end of the last window that was not like the calm before: a request was not answered, or half of them took longer than 99 % did. */
function recoveredAfterMs(calm: OpenLoopResult, after: OpenLoopResult): number {
  const usualMs = Math.max(20, quantile(accepted(calm), 0.99));
  let recovered = 0;
  for (let from = 0; from < after.ms; from += WINDOW_MS) {
    const inWindow = (_: unknown, at: number) =>
      after.dueMs[at]! >= from && after.dueMs[at]! < from + WINDOW_MS;
    const failed = after.status.filter(inWindow).some((status) => status !== 200);
    const medianMs = quantile(after.latencyMs.filter(inWindow), 0.5);
    if (failed || medianMs > usualMs) recovered = from + WINDOW_MS;
  }
  return recovered;
}

/** How much the resident memory of the worker grew at most from one quarter of the time to the last. */
function watchMemory(project: SoakProject): { stop(): number } {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentBytes(project)), 250);
  return {
    stop: () => {
      clearInterval(timer);
      const quarter = Math.floor(samples.length / 4);
      const early = Math.max(...samples.slice(quarter, 2 * quarter));
      return Math.max(...samples.slice(-quarter)) - early;
    },
  };
}

function residentBytes(project: SoakProject): number {
  return Number(readFileSync(`/proc/${workerPid(project)}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
}

/** Of the only one. */
function workerPid(project: SoakProject): number {
  const [worker] = readdirSync(join(project.path, ".slipway/workers")).filter((name) =>
    name.endsWith(".json"),
  );
  return Number.parseInt(worker ?? "", 10);
}

/** Asks for the health of the worker over a new connection, again and again; answers the longest that it took. */
function probe(base: string): { stop(): Promise<number> } {
  let stopping = false;
  const probing = (async () => {
    let longest = 0;
    while (!stopping) {
      const startedAt = performance.now();
      const response = await fetch(`${base}/livez`, { headers: { connection: "close" } });
      await response.arrayBuffer();
      longest = Math.max(longest, performance.now() - startedAt);
      await pause(50);
    }
    return longest;
  })();
  return {
    stop: () => {
      stopping = true;
      return probing;
    },
  };
}

async function checkLog(project: SoakProject, acknowledged: readonly string[]): Promise<void> {
  const lost = new Set(acknowledged);
  assert.equal(lost.size, acknowledged.length, "an id was given twice");
  for await (const frame of readPredictionLog(join(project.path, ".slipway/log"), {})) lost.delete(frame.id);
  assert.deepEqual(
    [...lost].slice(0, 3),
    [],
    `${lost.size} of ${acknowledged.length} acknowledged predictions are not in the log`,
  );
}
