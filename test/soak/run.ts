import { randomUUID } from "node:crypto";
import { inspect, parseArgs } from "node:util";
import { backUpUnderLoad } from "./backups-under-load.ts";
import { sendMalformedRequests } from "./malformed.ts";
import { replayManyPredictions } from "./many-replays.ts";
import { overload } from "./overload.ts";
import { scaleStep } from "./scale-step.ts";
import { killServerUnderLoad } from "./server-kills.ts";
import { killTraining } from "./training-kills.ts";
import { replayHistory } from "./window-histories.ts";
import { killUnderWindows } from "./window-kills.ts";

/**
 * `npm run soak [-- --short]`: the long campaigns, one after another, with their figures. The short form is what CI
 * runs. `--only <text>` runs those whose name has it; `--seed` and `--connection` repeat what a campaign with a seed found.
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
const campaigns: readonly { readonly name: string; readonly run: () => Promise<string> }[] = [
  {
    name: "kill -9 of the server under load",
    run: () => killServerUnderLoad({ kills: values.short ? 4 : 20 }),
  },
  {
    name: "overload",
    run: () =>
      overload(
        values.short
          ? { peakMs: 1_500, overloadMs: 3_000, bounds: { goodput: 0.4, p99Ms: 500, recoveryMs: 2_000 } }
          : { peakMs: 6_000, overloadMs: 30_000, bounds: { goodput: 0.85, p99Ms: 100, recoveryMs: 2_000 } },
      ),
  },
  {
    name: "load steps up, and down again",
    run: () =>
      scaleStep(
        values.short
          ? { peakMs: 1_000, highMs: 10_000, withinMs: 9_000, leastShare: 0.25 }
          : { peakMs: 1_000, highMs: 20_000, withinMs: 5_000, leastShare: 0.4 },
      ),
  },
  {
    name: "damaged requests over HTTP and gRPC",
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
];

const chosen = campaigns.filter(({ name }) => name.includes(values.only));
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
