import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { ingest, readSnapshot } from "../src/datasets/index.ts";
import { derivedColumns, streamTable, type WindowProgram, windowProgram } from "../src/features/index.ts";
import { monotonicMs, selectRows, type Table } from "../src/kernel/index.ts";
import { dataset, model, parquet } from "../src/project/index.ts";
import { openFileBlobs } from "../src/storage/index.ts";
import type { BenchRow } from "./bench-row.ts";

const ROWS = 200_000;
const RUNS = 3;

const packaged = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "..", "data");

const flights = dataset({
  source: parquet("flights-3m.parquet"),
  columns: {
    date: "timestamp",
    delay: { type: "int", known: "after" },
    origin: "category",
    destination: "category",
  },
  time: "date",
});

const late = model({
  from: flights,
  target: (row) => row.delay.above(15),
  features: (c, past) => ({
    departures: past.rows.count({ by: c.origin, over: "3h" }),
    late: past.target.rate({ by: c.origin, over: "24h", knownAfter: "6h" }),
    route: past.target.rate({ by: [c.origin, c.destination], over: "7d", knownAfter: "6h" }),
    worst: past.column("delay").maximum({ by: c.origin, over: "6h", knownAfter: "2h" }),
  }),
});

/** The same windows in SQL, to the millisecond instead of by panes; frames end where labels become known. */
const SQL = `
  SELECT
    count(*) OVER (PARTITION BY origin ORDER BY date RANGE BETWEEN INTERVAL 3 HOURS PRECEDING AND CURRENT ROW) AS a,
    avg((delay > 15)::INT) OVER (PARTITION BY origin ORDER BY date RANGE BETWEEN INTERVAL 24 HOURS PRECEDING AND INTERVAL 6 HOURS PRECEDING) AS b,
    avg((delay > 15)::INT) OVER (PARTITION BY origin, destination ORDER BY date RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND INTERVAL 6 HOURS PRECEDING) AS c,
    max(delay) OVER (PARTITION BY origin ORDER BY date RANGE BETWEEN INTERVAL 6 HOURS PRECEDING AND INTERVAL 2 HOURS PRECEDING) AS d
  FROM rows`;

/**
 * Four windows of different keys, lengths and statistics for each of 200,000 flights, on one thread. DuckDB has them in a table
 * in memory, by time. The best of three runs in turn counts.
 */
export async function bench(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-bench-windows-"));
  try {
    const { program, table } = await prepare(folder);
    const duckdb = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
    await duckdb.run(
      `CREATE TABLE rows AS SELECT date::TIMESTAMP AS date, delay, origin, destination FROM '${join(packaged, "flights-3m.parquet")}' ORDER BY date LIMIT ${ROWS}`,
    );
    let ours = Number.POSITIVE_INFINITY;
    let peer = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      ours = Math.min(
        ours,
        await timed(async () => {
          streamTable(program, table);
        }),
      );
      peer = Math.min(
        peer,
        await timed(async () => {
          await duckdb.run(`CREATE OR REPLACE TABLE answers AS ${SQL}`);
        }),
      );
    }
    const perRow = (ms: number): number => (ms * 1000) / ROWS;
    return [
      {
        claim: "four windows of 200,000 flights",
        ours: perRow(ours),
        peer: perRow(peer),
        peerName: "DuckDB, 1 thread",
        ratio: ours / peer,
        unit: "µs a row",
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string): Promise<{ program: WindowProgram; table: Table }> {
  const blobs = openFileBlobs(join(folder, "blobs"));
  const { manifest } = await ingest({ name: "flights", spec: flights, root: packaged, blobs });
  const all = await readSnapshot(manifest, { blobs });
  const inputs = Object.entries(flights.columns).map(([name, { type }]) => ({ name, type, required: true }));
  const types = Object.fromEntries(inputs.map(({ name, type }) => [name, type]));
  const program = windowProgram({ inputs, derived: derivedColumns(Object.values(late.features), types) });
  if (program === undefined) throw new Error("the model has no windows");
  return {
    program,
    table: selectRows(
      all,
      Uint32Array.from({ length: ROWS }, (_, row) => row),
    ),
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = monotonicMs();
  await work();
  return monotonicMs() - start;
}
