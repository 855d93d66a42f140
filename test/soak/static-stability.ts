import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { slipwayUp } from "../acceptance/command.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "./project.ts";
import {
  clientOf,
  controlPid,
  killAllOf,
  killHard,
  readyWorkers,
  requireLogged,
  waitUntil,
} from "./running-project.ts";
import { startTimedLoad } from "./timed-load.ts";

/**
 * Takes control plane and database away under load: nothing may fail while they are gone, nor when workers are replaced meanwhile,
 * nor when the supervisor is killed and another takes over from the snapshot on disk, nor when the database comes back.
 */
export async function serveWithoutControl({
  goneMs,
  perSecond,
}: {
  readonly goneMs: number;
  readonly perSecond: number;
}): Promise<string> {
  const project = writeProject(2_000);
  const cwd = project.path;
  try {
    await trainChampion(project);
    const first = await slipwayUp({ cwd, args: ["--workers", "2", "--max-workers", "2"] });
    const { port } = new URL(first.predictions);
    const load = startTimedLoad({
      base: first.predictions,
      models: [{ model, instances: (number) => [recordOf(number)] }],
      perSecond,
      connections: 8,
      retry: false,
    });
    const noneFailed = (when: string) =>
      assert.deepEqual(load.failed.slice(0, 3), [], `${load.failed.length} requests failed ${when}`);
    let second: Awaited<ReturnType<typeof slipwayUp>> | undefined;
    try {
      await pause(500);
      moveDatabase(project, "", ".away");
      killHard(controlPid(project));
      await pause(goneMs / 2);
      noneFailed("without control plane and database");

      for (const worker of readyWorkers(project)) {
        process.kill(worker, "SIGTERM");
        await waitUntil("a worker that replaces another", () => {
          const ready = readyWorkers(project);
          return ready.length === 2 && !ready.includes(worker);
        });
      }
      noneFailed("while workers were replaced");

      first.process.kill("SIGKILL");
      await pause(500);
      noneFailed("when the supervisor was killed");
      second = await slipwayUp({ cwd, args: ["--workers", "2", "--max-workers", "2", "--port", port] });
      assert.match(second.output(), /THERE IS NO CONTROL PLANE/);
      await pause(goneMs / 2);
      noneFailed("when another supervisor had taken over");

      moveDatabase(project, ".away", "");
      const { output } = second;
      await waitUntil("the control plane", () => output().includes('"kind":"control-back"'));
      const { takenUp } = await clientOf(project).call("deploy", {
        model,
        version: 1,
        reason: "soak",
        force: false,
      });
      assert.deepEqual(takenUp.behind, []);
      await pause(500);
      noneFailed("when the database was back");
    } finally {
      await load.stop();
      await (second ?? first).stop();
    }
    noneFailed("at the end");
    const logged = await requireLogged(
      project,
      load.answers.map(({ id }) => id),
    );
    return `${(goneMs / 1000).toFixed(0)} s without control plane and database, both workers replaced, the supervisor killed and replaced meanwhile; ${logged.toLocaleString("en")} answers, 0 failed, all logged`;
  } finally {
    killAllOf(project);
    project.remove();
  }
}

/** With what SQLite keeps beside it. */
function moveDatabase(project: SoakProject, from: string, to: string): void {
  for (const part of ["", "-wal", "-shm"]) {
    const path = join(project.path, `.slipway/slipway.db${part}`);
    if (existsSync(path + from)) renameSync(path + from, path + to);
  }
}
