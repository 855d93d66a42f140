import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parsePredictionId } from "../../src/serving/index.ts";
import { type RunningServer, slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { addCostlyModel, costlyModel } from "./costly-model.ts";
import { countOf, makeLoad, percent, perSecond } from "./load-process.ts";
import type { OpenLoopResult } from "./open-loop.ts";
import { recordOf, type SoakProject, writeProject } from "./project.ts";

export interface ScaleStepOptions {
  readonly peakMs: number;
  /** How long the load is high. */
  readonly highMs: number;
  /** Within so long the second worker must have its share; it counts from the step. */
  readonly withinMs: number;
  readonly leastShare: number;
}

const TIMES_ONE_WORKER = 1.5;
const CONNECTIONS = 200;
const SHARE_WINDOW_MS = 500;
const DOWN_AFTER_MS = 3_000;
const DOWN_MS = 60_000;

/**
 * The load steps from nothing to 150 % of what one worker can do. A second worker is started and takes its share of the requests, although
 * clients keep their connections; when the load falls it is stopped again, and no request fails meanwhile.
 */
export async function scaleStep(options: ScaleStepOptions): Promise<string> {
  const project = writeProject(600);
  const ending = new AbortController();
  try {
    addCostlyModel(project);
    await slipwayJson(["train", costlyModel], { cwd: project.path });
    const server = await slipwayUp({
      cwd: project.path,
      args: ["--workers", "1", "--max-workers", "2", "--no-grpc"],
      env: { SLIPWAY_SCALE_DOWN_AFTER_MS: String(DOWN_AFTER_MS) },
    });
    try {
      return await step({ project, server, signal: ending.signal }, options);
    } finally {
      ending.abort();
      await server.stop();
    }
  } finally {
    project.remove();
  }
}

interface Campaign {
  readonly project: SoakProject;
  readonly server: RunningServer;
  readonly signal: AbortSignal;
}

async function step(campaign: Campaign, options: ScaleStepOptions): Promise<string> {
  const { server, project, signal } = campaign;
  const order = {
    port: Number(new URL(server.predictions).port),
    path: `/v1/models/${costlyModel}:predict`,
    bodies: Array.from({ length: 50 }, (_, at) => JSON.stringify({ instances: [recordOf(at)] })),
    connections: CONNECTIONS,
    pid: workerPids(project)[0] ?? 0,
  };
  // Shorter than the time after which another worker is started.
  const [best] = await makeLoad(
    { ...order, phases: [{ rate: "closed", connections: 4, ms: options.peakMs }] },
    signal,
  );
  const peak = perSecond(best!);
  await alone(project);
  const [high, low] = await makeLoad(
    {
      ...order,
      phases: [
        { rate: TIMES_ONE_WORKER * peak, ms: options.highMs },
        { rate: peak / 5, ms: DOWN_AFTER_MS + 8_000 },
      ],
    },
    signal,
  );
  await alone(project);
  const sharedMs = sharedAfterMs(high!, options.leastShare);
  const share = secondShare(high!, options.highMs / 2, options.highMs);
  const failed = low!.status.length - countOf(low!, 200);
  const figures =
    `${peak.toFixed(0)}/s by one worker, stepped to ${(TIMES_ONE_WORKER * peak).toFixed(0)}/s: the second worker had ${percent(options.leastShare)} ` +
    `after ${(sharedMs / 1000).toFixed(1)} s and ${percent(share)} from then on, ${countOf(high!, 503)} refused before; ` +
    `scaled down under ${(peak / 5).toFixed(0)}/s, ${failed} of ${low!.status.length} failed`;
  const odd = high!.status.filter((status) => status !== 200 && status !== 503);
  assert.deepEqual([...new Set(odd)], [], `${odd.length} answers are neither 200 nor 503; ${figures}`);
  assert.ok(sharedMs <= options.withinMs, figures);
  assert.equal(failed, 0, figures);
  assert.match(server.output(), /"action":"started"/);
  assert.match(server.output(), /"action":"stopping"/);
  return figures;
}

/** From when on every window gives the least share to the second worker. */
function sharedAfterMs(high: OpenLoopResult, leastShare: number): number {
  let since = 0;
  for (let from = 0; from + SHARE_WINDOW_MS <= high.ms; from += SHARE_WINDOW_MS) {
    const share = secondShare(high, from, from + SHARE_WINDOW_MS);
    if (share < leastShare) since = from + SHARE_WINDOW_MS;
    else if (share >= leastShare && since <= from) return from;
  }
  return since;
}

/** Of the worker that answered fewer of the requests due in a stretch of time. */
function secondShare(high: OpenLoopResult, fromMs: number, toMs: number): number {
  const byWorker = new Map<string, number>();
  let answered = 0;
  let id = 0;
  for (let at = 0; at < high.status.length; at++) {
    if (high.status[at] !== 200) continue;
    const { incarnationTail: worker } = parsePredictionId(high.ids[id++]!);
    if (high.dueMs[at]! < fromMs || high.dueMs[at]! >= toMs) continue;
    answered++;
    byWorker.set(worker, (byWorker.get(worker) ?? 0) + 1);
  }
  return byWorker.size < 2 ? 0 : Math.min(...byWorker.values()) / answered;
}

/** Waits until there is one worker. */
async function alone(project: SoakProject): Promise<void> {
  const deadline = performance.now() + DOWN_MS;
  while (workerPids(project).length !== 1) {
    if (performance.now() > deadline) throw new Error("there are still two workers");
    await pause(100);
  }
}

function workerPids(project: SoakProject): number[] {
  const directory = join(project.path, ".slipway/workers");
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => (JSON.parse(readFileSync(join(directory, name), "utf8")) as { pid: number }).pid);
}
