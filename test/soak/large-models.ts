import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { denseLayers } from "./dense-layers.ts";
import { trainChampion, writeProject } from "./project.ts";
import { clientOf, killAllOf, requireLogged } from "./running-project.ts";
import { both, importGraph } from "./swaps.ts";
import { p99, startTimedLoad } from "./timed-load.ts";

const LARGE = "large";

/**
 * Compares how late small models answer while a large ONNX graph is loaded in the same workers, and while none is: runs of both kinds
 * in turn, and the medians of their 99th percentiles.
 */
export async function loadLargeModels({
  runs,
  runMs,
  megabytes,
  perSecond,
}: {
  /** Of each kind. */
  readonly runs: number;
  readonly runMs: number;
  readonly megabytes: number;
  readonly perSecond: number;
}): Promise<string> {
  const project = writeProject(2_000);
  try {
    await trainChampion(project);
    await importGraph(project, 2);
    for (const seed of ["one", "another"]) {
      const file = join(project.path, `${seed}.onnx`);
      writeFileSync(file, denseLayers({ megabytes, seed }));
      await slipwayJson(["model", "import", file, "--name", LARGE], { cwd: project.path });
    }
    const server = await slipwayUp({ cwd: project.path, args: ["--workers", "1", "--max-workers", "1"] });
    const latencies = { with: [] as number[], without: [] as number[] };
    const acknowledged: string[] = [];
    let loads = 0;
    try {
      const client = clientOf(project);
      for (let run = 0; run < 2 * runs; run++) {
        const kind = run % 2 === 0 ? "without" : "with";
        const load = startTimedLoad({
          base: server.predictions,
          models: both,
          perSecond,
          connections: 16,
          retry: false,
        });
        const until = performance.now() + runMs;
        while (kind === "with" && performance.now() < until) {
          const version = 1 + ((loads++ + 1) % 2);
          const { takenUp } = await client.call("deploy", {
            model: LARGE,
            version,
            reason: "soak",
            force: false,
          });
          assert.deepEqual(takenUp, { workers: 1, behind: [], problems: [] });
        }
        await pause(Math.max(0, until - performance.now()));
        await load.stop();
        assert.deepEqual(load.failed.slice(0, 3), [], `${load.failed.length} requests failed`);
        latencies[kind].push(p99(load.answers));
        for (const { id } of load.answers) acknowledged.push(id);
      }
    } finally {
      await server.stop();
    }
    await requireLogged(project, acknowledged);
    const ratio = median(latencies.with) / median(latencies.without);
    return `${loads} loads of ${megabytes} MB; p99 of others ${median(latencies.with).toFixed(1)} ms meanwhile, ${median(latencies.without).toFixed(1)} ms without: ratio ${ratio.toFixed(2)} (medians of ${runs} runs each, wanted ≤ 1.2); 0 of ${acknowledged.length.toLocaleString("en")} requests failed`;
  } finally {
    killAllOf(project);
    project.remove();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
