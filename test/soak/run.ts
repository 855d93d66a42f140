import { randomUUID } from "node:crypto";
import { inspect, parseArgs } from "node:util";
import { backUpUnderLoad } from "./backups-under-load.ts";
import { loadLargeModels } from "./large-models.ts";
import { compactUnderLoad } from "./log-compaction.ts";
import { sendMalformedRequests } from "./malformed.ts";
import { replayManyPredictions } from "./many-replays.ts";
import { loadAndUnload } from "./model-memory.ts";
import { killServerUnderLoad } from "./server-kills.ts";
import { serveWithoutControl } from "./static-stability.ts";
import { swapUnderLoad } from "./swaps.ts";
import { killTraining } from "./training-kills.ts";
import { replayHistory } from "./window-histories.ts";
import { killUnderWindows } from "./window-kills.ts";
import { killWorkersUnderLoad } from "./worker-kills.ts";

/**
 * `npm run soak [-- --short]`: the long campaigns, one after another, with their figures. The short form is what CI
 * runs, but for those whose short form is not short. `--only <text>` runs those whose name has it; `--seed` and `--connection` repeat what a campaign with a seed found.
 * Exits with 1 when a campaign found a fault.
 */
const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seed: { type: "string" },
    connection: { type: "string" },
  },
});

/** A campaign gives one line of figures, or throws what it found. */
const campaigns: readonly {
  readonly name: string;
  readonly run: () => Promise<string>;
  /** Its short form is too long to be run with the others; it is run when it is asked for by name. */
  readonly onlyByName?: boolean;
}[] = [
  {
    name: "kill -9 of the server under load",
    run: () => killServerUnderLoad({ kills: values.short ? 4 : 20 }),
  },
  {
    name: "damaged requests over HTTP and gRPC",
    onlyByName: true,
    run: () =>
      sendMalformedRequests({
        requests: values.short ? 12_000 : 1_000_000,
        // The short form is the same each time; the long one looks elsewhere each time.
        seed: values.seed ?? (values.short ? "short" : randomUUID()),
        connection: values.connection === undefined ? undefined : Number(values.connection),
        waitsForBodies: !values.short,
      }),
  },
  {
    name: "predictions replayed from the log",
    run: () => replayManyPredictions({ predictions: values.short ? 2_000 : 10_000 }),
  },
  {
    name: "compaction of the log under load, and kill -9 of the control plane",
    onlyByName: true,
    run: () => compactUnderLoad(values.short ? { loadMs: 4_000, kills: 1 } : { loadMs: 120_000, kills: 20 }),
  },
  {
    name: "backups under load, restored into SQLite and PostgreSQL",
    run: () => backUpUnderLoad(values.short ? { backups: 1, loadMs: 1_000 } : { backups: 6, loadMs: 5_000 }),
  },
  {
    name: "windows online and offline, MovieLens",
    run: () =>
      replayHistory("movielens-latest-small", values.short ? { rows: 1_500, restarts: 3 } : { restarts: 20 }),
  },
  {
    name: "windows online and offline, flights",
    run: () =>
      replayHistory("flights", values.short ? { rows: 3_000, restarts: 3 } : { rows: 200_000, restarts: 20 }),
  },
  {
    name: "kill -9 while windows follow the stream",
    run: () =>
      killUnderWindows(
        values.short ? { trained: 3_000, live: 600, kills: 4 } : { trained: 20_000, live: 6_000, kills: 24 },
      ),
  },
  {
    name: "kill -9 during ingest, training and registration",
    run: () => killTraining({ kills: values.short ? 3 : 20 }),
  },
  {
    name: "version swaps under load",
    onlyByName: true,
    run: () =>
      swapUnderLoad(
        values.short
          ? { swaps: 8, quietMs: 1_000, perSecond: 200 }
          : { swaps: 200, quietMs: 30_000, perSecond: 500 },
      ),
  },
  {
    name: "static stability: no control plane, no database",
    onlyByName: true,
    run: () =>
      serveWithoutControl(
        values.short ? { goneMs: 2_000, perSecond: 200 } : { goneMs: 300_000, perSecond: 500 },
      ),
  },
  {
    name: "kill -9 of random workers under load",
    onlyByName: true,
    run: () =>
      killWorkersUnderLoad(
        values.short
          ? { kills: 3, everyMs: 500, perSecond: 400 }
          : { kills: 100, everyMs: 2_000, perSecond: 1_000 },
      ),
  },
  {
    name: "memory over loading and unloading models",
    onlyByName: true,
    run: () =>
      loadAndUnload(
        // Over a few cycles, the noise of allocators is a slope of its own.
        values.short
          ? { cycles: 12, from: 4, mostKeptKilobytes: 4_096 }
          : { cycles: 50, from: 10, mostKeptKilobytes: 256 },
      ),
  },
  {
    name: "loading a large ONNX model beside others",
    onlyByName: true,
    run: () =>
      loadLargeModels(
        values.short
          ? { runs: 1, runMs: 2_000, megabytes: 8, perSecond: 200 }
          : { runs: 5, runMs: 10_000, megabytes: 100, perSecond: 500 },
      ),
  },
];
const chosen = campaigns.filter(
  ({ name, onlyByName = false }) =>
    name.includes(values.only) && !(values.short && values.only === "" && onlyByName),
);
let failed = 0;
for (const { name, run } of chosen) {
  const startedAt = performance.now();
  const seconds = (): string => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
  try {
    process.stdout.write(`✓ ${name}: ${await run()} (${seconds()})\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`✗ ${name} (${seconds()}): ${inspect(error)}\n`);
  }
}
process.stdout.write(`${chosen.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
