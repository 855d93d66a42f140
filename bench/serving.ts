import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchOptions, BenchRow } from "./bench-row.ts";
import { besidePeers } from "./serving/beside-peers.ts";
import { binaryBatches } from "./serving/binary-batches.ts";
import { writeFlightsBundle } from "./serving/flights-model.ts";
import { grpcCalls } from "./serving/grpc-calls.ts";
import type { Bench } from "./serving/measure.ts";
import { BenchProcesses } from "./serving/processes.ts";
import { startOurs } from "./serving/servers.ts";
import { singleRecord } from "./serving/single-record.ts";
import { sustainedRate } from "./serving/sustained-rate.ts";

/**
 * The serving path: one worker and, beside it, the load generator and one peer at a time. Servers that are compared take turns
 * in short windows; each ratio is the median of the ratios of the rounds.
 */
const parts: Readonly<Record<string, (bench: Bench) => Promise<BenchRow[]>>> = {
  single: singleRecord,
  rate: sustainedRate,
  grpc: grpcCalls,
  batch: binaryBatches,
  peers: besidePeers,
};

/** @throws when a part is asked for that there is not, or too many requests failed */
export async function bench({ short, parts: asked }: BenchOptions): Promise<readonly BenchRow[]> {
  const unknown = asked.find((name) => parts[name] === undefined);
  if (unknown !== undefined)
    throw new Error(`serving has no part "${unknown}"; it has ${Object.keys(parts).join(", ")}`);
  const directory = mkdtempSync(join(tmpdir(), "slipway-bench-serving-"));
  const processes = new BenchProcesses();
  try {
    const digest = await writeFlightsBundle(directory);
    const rows: BenchRow[] = [];
    for (const [name, part] of Object.entries(parts)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      process.stderr.write(`serving: ${name} …\n`);
      const ours = await startOurs(processes, { directory, digest });
      rows.push(...(await part({ processes, ours, short })));
      await processes.stop(ours.process);
    }
    return rows;
  } finally {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}
