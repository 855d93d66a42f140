import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readPredictionLog } from "../../src/serving/index.ts";
import { predict, type RunningServer, slipway, slipwayUp } from "../acceptance/command.ts";
import { startLoad } from "./load.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "./project.ts";

/**
 * Kills the server with SIGKILL at random moments under load: all of it, or only its workers. Afterwards every
 * acknowledged prediction must be in the log, the database must open, and the champion must be served again.
 */
export async function killServerUnderLoad({ kills }: { readonly kills: number }): Promise<string> {
  const project = writeProject(4_000);
  try {
    await trainChampion(project);
    const acknowledged = new Set<string>();
    let unanswered = 0;
    for (let kill = 0; kill < kills; kill++) {
      const server = await slipwayUp({ cwd: project.path, args: ["--workers", "2"] });
      const load = startLoad(server.predictions, 8);
      await pause(300 + Math.random() * 1_200);
      if (kill % 2 === 0) killAll(project, server);
      else await killWorkersThenAll(project, server);
      await load.stop();
      for (const id of load.acknowledged) acknowledged.add(id);
      assert.equal(load.refused(), 0, "requests were refused");
      unanswered += load.unanswered();
      assert.ok(load.acknowledged.length > 0, "nothing was acknowledged before the kill");
    }
    const logged = new Set<string>();
    for await (const frame of readPredictionLog(join(project.path, ".slipway/log"), {})) logged.add(frame.id);
    const lost = [...acknowledged].filter((id) => !logged.has(id));
    assert.deepEqual(
      lost.slice(0, 3),
      [],
      `${lost.length} of ${acknowledged.size} acknowledged predictions are not in the log`,
    );

    const server = await slipwayUp({ cwd: project.path });
    assert.equal((await predict(server.predictions, model, { instances: [recordOf(1)] })).status, 200);
    await server.stop();
    const { code, stderr } = await slipway(["journal", "--json"], { cwd: project.path });
    assert.equal(code, 0, stderr);
    return `${kills} kills, ${acknowledged.size.toLocaleString("en")} acknowledged predictions, 0 lost, ${unanswered} requests in flight unanswered, champion serves again`;
  } finally {
    spawnSync("pkill", ["-9", "-f", project.path]);
    project.remove();
  }
}

/** The supervisor first, so that it restarts nothing; then whoever is left. */
function killAll(project: SoakProject, server: RunningServer): void {
  const pids = [...supervisorPids(project), ...workerPids(project), ...controlPids(project)];
  for (const pid of [server.process.pid, ...pids]) killHard(pid);
}

/** The supervisor must bring workers back while requests keep coming. */
async function killWorkersThenAll(project: SoakProject, server: RunningServer): Promise<void> {
  for (const pid of workerPids(project)) killHard(pid);
  await pause(400 + Math.random() * 400);
  killAll(project, server);
}

function supervisorPids(project: SoakProject): number[] {
  return pidsIn(join(project.path, ".slipway/supervisor.json"));
}

function controlPids(project: SoakProject): number[] {
  return pidsIn(join(project.path, ".slipway/control.json"));
}

function workerPids(project: SoakProject): number[] {
  return readdirSync(join(project.path, ".slipway/workers"))
    .filter((name) => name.endsWith(".json"))
    .map((name) => Number.parseInt(name, 10));
}

function pidsIn(path: string): number[] {
  return [(JSON.parse(readFileSync(path, "utf8")) as { pid: number }).pid];
}

/** A process that is gone already is as good as killed. */
function killHard(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
