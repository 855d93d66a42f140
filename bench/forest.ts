import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Engine, openEngine } from "../src/inference/index.ts";
import type { FeatureMatrix } from "../src/kernel/index.ts";
import { gbdt, trainModel } from "../src/training/index.ts";
import type { BenchRow } from "./bench-row.ts";
import { benchMatrices } from "./gbdt/datasets.ts";
import { writeMatrix } from "./gbdt/matrix-file.ts";

/**
 * Prediction with 100 trees × 31 leaves trained on a million flights, on one thread: row by row as the server does it,
 * and in batches. The peer is LightGBM predicting the same rows in one large batch, its fastest way.
 */
const REPEATS = 7;
const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function bench(): Promise<BenchRow[]> {
  const python = here("peers/.venv-lightgbm/bin/python");
  if (!existsSync(python)) await run(here("peers/lightgbm/setup.sh"));
  const [flights] = await benchMatrices();
  if (flights === undefined) return [];
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  try {
    const path = writeMatrix(directory, flights);
    const { stdout } = await run(python, [here("peers/lightgbm/predict.py"), path, String(REPEATS)]);
    const peer: { microseconds: number; version: string } = JSON.parse(stdout);
    const model = await trainModel(gbdt(), { task: "binary", train: flights.train }, { seed: 1, threads: 2 });
    const engine = openEngine(model.engine, model.bytes);
    const row = (claim: string, ours: number): BenchRow => ({
      claim,
      ours,
      peer: peer.microseconds,
      peerName: `LightGBM ${peer.version}, batch, 1 thread`,
      ratio: ours / peer.microseconds,
      unit: "µs/row",
    });
    return [
      row("one row at a time, 100 trees × 31 leaves", timeRows(engine, flights.test.matrix)),
      row("a batch of rows, 100 trees × 31 leaves", timeBatch(engine, flights.test.matrix)),
    ];
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Microseconds a row, of the fastest repetition. */
function fastest(rows: number, action: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    action();
    best = Math.min(best, performance.now() - start);
  }
  return (best / rows) * 1000;
}

function timeRows(engine: Engine, matrix: FeatureMatrix): number {
  const width = matrix.columns.length;
  const records = Array.from({ length: 4096 }, (_, i) =>
    Float64Array.from({ length: width }, (_, column) => matrix.values[column]![i * 31]!),
  );
  let sum = 0;
  const time = fastest(records.length * 10, () => {
    for (let i = 0; i < 10; i++) for (const record of records) sum += engine.predictRow(record);
  });
  if (!(sum > 0)) throw new Error("the engine predicted nothing");
  return time;
}

function timeBatch(engine: Engine, matrix: FeatureMatrix): number {
  return fastest(matrix.rowCount, () => engine.predictMatrix(matrix));
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
