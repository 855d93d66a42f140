import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { slipwayUp } from "../acceptance/command.ts";
import { model, recordOf, trainChampion, writeProject } from "./project.ts";
import { killAllOf, killHard, readyWorkers, requireLogged, waitUntil } from "./running-project.ts";
import { between, startTimedLoad } from "./timed-load.ts";

/**
 * Kills one of two workers again and again under load. Of clients that do not retry, no more requests may fail than were in
 * flight; clients that retry once may see no failure at all; and whatever was acknowledged is in the log.
 */
export async function killWorkersUnderLoad({
  kills,
  everyMs,
  perSecond,
}: {
  readonly kills: number;
  /** Between a kill and the next, when both workers answer again. */
  readonly everyMs: number;
  readonly perSecond: number;
}): Promise<string> {
  const project = writeProject(2_000);
  try {
    await trainChampion(project);
    const server = await slipwayUp({ cwd: project.path, args: ["--workers", "2", "--max-workers", "2"] });
    const common = {
      base: server.predictions,
      models: [{ model, instances: (number: number) => [recordOf(number)] }],
      connections: 8,
      perSecond: perSecond / 2,
    };
    const patient = startTimedLoad({ ...common, retry: true });
    const plain = startTimedLoad({ ...common, retry: false });
    let mostFailed = 0;
    try {
      await pause(everyMs);
      for (let kill = 0; kill < kills; kill++) {
        const workers = readyWorkers(project);
        const victim = workers[Math.floor(Math.random() * workers.length)];
        const inFlight = plain.inFlight();
        const failedBefore = plain.failed.length;
        const at = performance.now();
        killHard(victim);
        await waitUntil("two ready workers", () => {
          const ready = readyWorkers(project);
          return ready.length === 2 && !ready.includes(victim ?? 0);
        });
        await pause(everyMs * (0.5 + Math.random()));
        const failed = plain.failed.slice(failedBefore);
        mostFailed = Math.max(mostFailed, failed.length);
        // A request is in flight from when it is sent; the kill takes effect a moment after it was asked for.
        const late = between(failed, [at + REACH_MS, Number.POSITIVE_INFINITY]);
        assert.deepEqual(
          late.slice(0, 3),
          [],
          `${late.length} requests failed that were sent after the kill`,
        );
        assert.ok(
          failed.length <= inFlight + (perSecond / 2) * (REACH_MS / 1000) + common.connections,
          `${failed.length} requests failed by one kill while ${inFlight} were in flight`,
        );
      }
    } finally {
      await Promise.all([patient.stop(), plain.stop()]);
      await server.stop();
    }
    assert.deepEqual(
      patient.failed.slice(0, 3),
      [],
      `${patient.failed.length} requests failed in spite of a retry`,
    );
    const answers = [...patient.answers, ...plain.answers];
    const logged = await requireLogged(
      project,
      answers.map(({ id }) => id),
    );
    const without = plain.answers.length / (plain.answers.length + plain.failed.length);
    const percent = (share: number) => `${(share * 100).toFixed(4)} %`;
    return `${kills} workers killed; ${logged.toLocaleString("en")} answers, all logged; availability 100 % with one retry (${patient.retried.length} retried), ${percent(without)} without (${plain.failed.length} failed, at most ${mostFailed} by a kill, none sent after it)`;
  } finally {
    killAllOf(project);
    project.remove();
  }
}

/** From asking for a kill until the connections of the process are gone. */
const REACH_MS = 250;
