import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { OperationOutput } from "../../src/wire/index.ts";
import { slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { startLoad } from "./load.ts";
import { trainChampion, writeProject } from "./project.ts";

/** Serves so many predictions and recomputes each from the log, bit for bit. */
export async function replayManyPredictions({
  predictions,
}: {
  readonly predictions: number;
}): Promise<string> {
  const project = writeProject(4_000);
  try {
    await trainChampion(project);
    const server = await slipwayUp({ cwd: project.path });
    const load = startLoad(server.predictions, 16);
    while (load.acknowledged.length < predictions) await pause(20);
    await load.stop();
    await server.stop();
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd: project.path });
    assert.ok(
      replayed.predictions >= load.acknowledged.length,
      "fewer predictions in the log than were acknowledged",
    );
    assert.equal(replayed.identical, replayed.predictions, JSON.stringify(replayed.examples[0]));
    return `${replayed.identical.toLocaleString("en")} of ${replayed.predictions.toLocaleString("en")} identical, ${Math.round((replayed.predictions / replayed.durationMs) * 1000).toLocaleString("en")} a second`;
  } finally {
    project.remove();
  }
}
