import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readWorkerStatuses } from "../../src/app/worker-status.ts";
import { createHttpClient } from "../../src/client/index.ts";
import { readPredictionLog } from "../../src/serving/index.ts";
import type { ControlClient } from "../../src/wire/index.ts";
import type { SoakProject } from "./project.ts";

/** What of a running server lies in its state directory. */

export function supervisorPid(project: SoakProject): number {
  return documentIn<{ pid: number }>(project, "supervisor.json").pid;
}

export function controlPid(project: SoakProject): number {
  return documentIn<{ pid: number }>(project, "control.json").pid;
}

export function workerPids(project: SoakProject): number[] {
  return readdirSync(join(project.path, ".slipway/workers"))
    .filter((name) => name.endsWith(".json"))
    .map((name) => Number.parseInt(name, 10));
}

/** Workers that say they are ready, and are alive. */
export function readyWorkers(project: SoakProject): number[] {
  return readWorkerStatuses(join(project.path, ".slipway/workers"), Date.now)
    .filter(({ state }) => state === "ready")
    .map(({ pid }) => pid);
}

/** The running control plane. */
export function clientOf(project: SoakProject): ControlClient {
  const { address, token } = documentIn<{ address: string; token: string }>(project, "control.json");
  return createHttpClient({ address, token, actor: "soak" });
}

/** A process that is gone already is as good as killed. */
export function killHard(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Kills what a campaign has left running. */
export function killAllOf(project: SoakProject): void {
  for (const find of [
    () => [supervisorPid(project)],
    () => workerPids(project),
    () => [controlPid(project)],
  ]) {
    try {
      for (const pid of find()) killHard(pid);
    } catch (error) {
      // It has removed its file, because it has ended.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}

export async function waitUntil(what: string, isSo: () => boolean, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(20);
  }
}

/** Fails unless every prediction that was acknowledged is in the log. */
export async function requireLogged(project: SoakProject, acknowledged: Iterable<string>): Promise<number> {
  const logged = new Set<string>();
  for await (const frame of readPredictionLog(join(project.path, ".slipway/log"), {})) logged.add(frame.id);
  const ids = [...acknowledged];
  const lost = ids.filter((id) => !logged.has(id));
  assert.deepEqual(
    lost.slice(0, 3),
    [],
    `${lost.length} of ${ids.length} acknowledged predictions are not in the log`,
  );
  return ids.length;
}

function documentIn<Document>(project: SoakProject, file: string): Document {
  return JSON.parse(readFileSync(join(project.path, ".slipway", file), "utf8")) as Document;
}
