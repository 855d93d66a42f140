import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { csv, ingest, readSnapshot } from "../src/datasets/index.ts";
import { createRandom, monotonicMs } from "../src/kernel/index.ts";
import { openFileBlobs } from "../src/storage/index.ts";
import type { BenchRow } from "./bench-row.ts";

const ROWS = 2_000_000;
const RUNS = 3;

const COLUMNS = {
  id: "int",
  at: "timestamp",
  price: "float",
  score: "float",
  units: "int",
  segment: "category",
  city: "category",
  title: "text",
  active: "bool",
} as const;

/**
 * A snapshot of a CSV file of 2,000,000 rows — read, checked, digested, profiled, stored durably — against DuckDB's own copy of
 * the same file to Parquet with all cores. Both run in turn, the best of three counts.
 */
export async function bench(): Promise<BenchRow[]> {
  // As the command line does.
  enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "slipway"));
  const folder = mkdtempSync(join(tmpdir(), "slipway-bench-snapshot-"));
  try {
    const file = join(folder, "rows.csv");
    writeRows(file);
    let ours = Number.POSITIVE_INFINITY;
    let peer = Number.POSITIVE_INFINITY;
    let reading = Number.POSITIVE_INFINITY;
    let peerReading = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      const copied = join(folder, "peer.parquet");
      peer = Math.min(
        peer,
        await timeDuckDb(`COPY (SELECT * FROM read_csv('${file}')) TO '${copied}' (FORMAT parquet)`),
      );
      peerReading = Math.min(
        peerReading,
        await timeDuckDb(`CREATE TABLE loaded AS SELECT * FROM '${copied}'`),
      );
      const blobs = openFileBlobs(join(folder, `blobs-${run}`));
      const start = monotonicMs();
      const { manifest } = await ingest({
        name: "bench",
        spec: { source: csv(file), columns: COLUMNS },
        root: folder,
        blobs,
      });
      const stored = monotonicMs();
      ours = Math.min(ours, stored - start);
      await readSnapshot(manifest, { blobs });
      reading = Math.min(reading, monotonicMs() - stored);
      rmSync(join(folder, `blobs-${run}`), { recursive: true });
    }
    return [
      row("snapshot of a 2,000,000-row CSV, digest and profile included", {
        ours,
        peer,
        peerName: "DuckDB: COPY read_csv TO parquet",
      }),
      row("snapshot of 2,000,000 rows × 9 columns as a table in JavaScript", {
        ours: reading,
        peer: peerReading,
        peerName: "DuckDB: CREATE TABLE AS from its Parquet",
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(claim: string, times: { ours: number; peer: number; peerName: string }): BenchRow {
  return { claim, ...times, ratio: times.ours / times.peer, unit: "ms" };
}

async function timeDuckDb(sql: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const start = monotonicMs();
    await connection.run(sql);
    return monotonicMs() - start;
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

const SEGMENTS = ["alpha", "beta", "gamma", "delta", "the long tail of customers", "zeta"];
const WORDS =
  "the quick brown fox jumps over a lazy dog while seventeen engineers watch in silence and count".split(" ");

/** 226 MB: identifiers, times, floats with gaps, small integers, few and many categories, short prose, flags. */
function writeRows(path: string): void {
  const random = createRandom("bench/snapshot");
  const fd = openSync(path, "w");
  const start = Date.UTC(2020, 0, 1);
  let text = `${Object.keys(COLUMNS).join(",")}\n`;
  for (let i = 0; i < ROWS; i++) {
    const at = new Date(start + i * 37_000).toISOString().slice(0, 19).replace("T", " ");
    const price = random.float() < 0.05 ? "" : (random.float() * 1000).toFixed(2);
    const words = Array.from({ length: 4 }, () => WORDS[random.integer(WORDS.length)]!).join(" ");
    const city = `City of ${["North", "South", "Upper", "Lower"][random.integer(4)]} ${random.integer(125)}`;
    text +=
      `${i},${at},${price},${(random.float() - 0.5).toPrecision(12)},${random.integer(50)},` +
      `${SEGMENTS[random.integer(6)]},${city},"${words} ${i % 1000}",${random.float() < 0.3}\n`;
    if (text.length > 1 << 22) {
      writeSync(fd, text);
      text = "";
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}
