import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CompactedLog } from "../../src/compaction/index.ts";
import { readCompactions, readPredictionLog } from "../../src/serving/index.ts";
import { listSegments } from "../../src/storage/index.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { startLoad } from "./load.ts";
import { trainChampion, writeProject } from "./project.ts";

const SMALL_SEGMENTS = { SLIPWAY_LOG_SEGMENT: "64KiB", SLIPWAY_LOG_SEGMENT_MS: "1000" };

/**
 * Compacts small segments while predictions are answered, and kills the control plane in the middle of it, again and again.
 * In the end every acknowledged prediction must be in the log exactly once, in a segment or in Parquet, and replay bit for bit.
 */
export async function compactUnderLoad({
  loadMs,
  kills,
}: {
  readonly loadMs: number;
  readonly kills: number;
}): Promise<string> {
  const project = writeProject(2_000);
  const cwd = project.path;
  const log = join(cwd, ".slipway/log");
  try {
    await trainChampion(project);
    const server = await slipwayUp({ cwd, env: SMALL_SEGMENTS, args: ["--workers", "2"] });
    const load = startLoad(server.predictions, 4);
    try {
      for (let kill = 0; kill < kills; kill++) {
        await pause(loadMs / (kills + 1));
        process.kill(controlPid(cwd), "SIGKILL");
      }
      await pause(loadMs / (kills + 1));
      await load.stop();
      const deadline = performance.now() + 60_000;
      while ((await readCompactions(log)).length === 0) {
        assert.ok(performance.now() < deadline, "nothing was compacted");
        await pause(200);
      }
    } finally {
      await load.stop();
      await server.stop();
    }
    assert.equal(load.refused() + load.unanswered(), 0, "requests failed");
    const times = new Map<string, number>();
    const compacted = new CompactedLog(log);
    try {
      for await (const { id } of readPredictionLog(log, {}, { compacted }))
        times.set(id, (times.get(id) ?? 0) + 1);
    } finally {
      await compacted.close();
    }
    assert.deepEqual(
      load.acknowledged.filter((id) => times.get(id) !== 1),
      [],
      "acknowledged predictions are missing, or there twice",
    );
    assert.equal(times.size, load.acknowledged.length, "the log holds what nobody asked");
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--since", "1h", "--all"], {
      cwd,
    });
    assert.equal(replayed.identical, times.size, "predictions do not replay");
    const files = (await readCompactions(log)).flatMap((record) => record.files);
    const inParquet = files.reduce((sum, { predictions }) => sum + predictions, 0);
    const segments = (await listSegments(log)).length;
    return `${times.size.toLocaleString("en")} predictions, ${inParquet.toLocaleString("en")} of them in ${files.length} Parquet files and the others in ${segments} segments, ${kills} kills of the control plane; each there once, all identical`;
  } finally {
    project.remove();
  }
}

/** Of the control plane that is running, or will be in a moment. */
function controlPid(cwd: string): number {
  return (JSON.parse(readFileSync(join(cwd, ".slipway/control.json"), "utf8")) as { pid: number }).pid;
}
