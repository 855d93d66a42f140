import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import {
  createEnsembleEngine,
  createForestEngine,
  decodeForest,
  type Engine,
  readOriginModel,
} from "../src/inference/index.ts";
import type { FeatureMatrix } from "../src/kernel/index.ts";
import { gbdt, trainModel } from "../src/training/index.ts";
import type { BenchRow } from "./bench-row.ts";
import { forestAsOnnx } from "./forest/onnx-trees.ts";
import { benchMatrices } from "./gbdt/datasets.ts";
import { type BenchMatrix, writeMatrix } from "./gbdt/matrix-file.ts";

/**
 * Prediction with 100 trees, on one thread, row by row as the server does it and in batches, beside LightGBM's own predictor
 * on the very same trees (in one large batch, its fastest way) and onnxruntime on the very same trees (called from here, row by
 * row and in batches). Every figure is that of the fastest repetition; predictions are compared before anything is timed.
 */
const REPEATS = 7;
const SINGLE_ROWS = 4096;
const TRAINING_ROWS = 250_000;
const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function bench(): Promise<BenchRow[]> {
  const python = here("peers/.venv-lightgbm/bin/python");
  if (!existsSync(python)) await run(here("peers/lightgbm/setup.sh"));
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  try {
    const matrices = await benchMatrices();
    const named = (name: string): BenchMatrix[] => matrices.filter((matrix) => matrix.name === name);
    const rows: BenchRow[] = [];
    for (const flights of named("flights-1m").map(shortened)) {
      rows.push(...(await besideLightgbm(flights, { directory, python, leaves: 31 })));
      rows.push(...(await besideOnnxruntime(numbersOnly(flights))));
      rows.push(...(await besideLightgbm(flights, { directory, python, leaves: 255 })));
    }
    for (const adult of named("adult-census"))
      rows.push(...(await besideLightgbm(adult, { directory, python, leaves: 31 })));
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** LightGBM trains; we import its file. */
async function besideLightgbm(
  matrix: BenchMatrix,
  how: { readonly directory: string; readonly python: string; readonly leaves: number },
): Promise<BenchRow[]> {
  const { directory, python, leaves } = how;
  const path = writeMatrix(directory, matrix, leaves);
  const file = join(directory, "model.txt");
  const { stdout } = await run(python, [here("peers/lightgbm/predict.py"), path, String(REPEATS), file], {
    maxBuffer: 1 << 26,
  });
  const peer: { microseconds: number; version: string; predictions: number[] } = JSON.parse(stdout);
  const engine = createEnsembleEngine(readOriginModel(readFileSync(file)).ensemble);
  const test = renamed(matrix.test.matrix);
  requireSame(engine.predictMatrix(test), peer.predictions, 1e-12);
  const what = `${matrix.name}, 100 × ${leaves}`;
  const peerName = `LightGBM ${peer.version}, batch, 1 thread`;
  const rate = 1e6 / peer.microseconds;
  return [
    rowOf(`${what}: one row at a time`, timeRows(engine, test), { rate, peerName }),
    rowOf(`${what}: a batch`, timeBatch(engine, test), { rate, peerName }),
  ];
}

/** Our own trainer trains; onnxruntime gets the same trees. */
async function besideOnnxruntime({ name, train, test }: BenchMatrix): Promise<BenchRow[]> {
  const model = await trainModel(gbdt(), { task: "binary", train }, { seed: 1, threads: 2 });
  // Without the sigmoid, which onnxruntime's operator does not have.
  const forest = { ...decodeForest(model.bytes), task: "regression" } as const;
  const engine = createForestEngine(forest);
  const session = await InferenceSession.create(forestAsOnnx(forest), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  const { matrix } = test;
  const width = matrix.columns.length;
  const block = (first: number, rows: number): Tensor => {
    const data = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < width; column++)
        data[row * width + column] = matrix.values[column]![first + row]!;
    return new Tensor("float32", data, [rows, width]);
  };
  const all = block(0, matrix.rowCount);
  const answered = (await session.run({ x: all })).y!.data as Float32Array;
  requireSame(engine.predictMatrix(matrix), Array.from(answered.subarray(0, 2_000)), 1e-4);
  const singles = Array.from({ length: SINGLE_ROWS }, (_, i) => block(i * 31, 1));
  const single = await fastest(SINGLE_ROWS, async () => {
    for (const x of singles) await session.run({ x });
  });
  const batch = await fastest(matrix.rowCount, () => session.run({ x: all }));
  await session.release();
  const what = `${name}, 100 × 31`;
  return [
    rowOf(`${what}: one row at a time`, timeRows(engine, matrix), {
      rate: single,
      peerName: "onnxruntime 1.30.0, one row a call, 1 thread",
    }),
    rowOf(`${what}: a batch`, timeBatch(engine, matrix), {
      rate: batch,
      peerName: "onnxruntime 1.30.0, batch, 1 thread",
    }),
  ];
}

function rowOf(
  claim: string,
  ours: number,
  { rate, peerName }: { readonly rate: number; readonly peerName: string },
): BenchRow {
  return { claim, ours, peer: rate, peerName, ratio: ours / rate, unit: "rows/s" };
}

/** A quarter of a million training rows make trees of the same shape as a million. */
function shortened(matrix: BenchMatrix): BenchMatrix {
  const { target, matrix: all } = matrix.train;
  const rowCount = Math.min(TRAINING_ROWS, all.rowCount);
  const values = all.values.map((column) => column.subarray(0, rowCount));
  return {
    ...matrix,
    name: "flights",
    train: { target: target.subarray(0, rowCount), matrix: { ...all, rowCount, values } },
  };
}

/** Categories as their codes, because onnxruntime's trees of this operator compare numbers only. */
function numbersOnly(matrix: BenchMatrix): BenchMatrix {
  const columns = matrix.train.matrix.columns.map(({ name }) => ({
    name,
    kind: "numeric" as const,
    cardinality: 0,
  }));
  return {
    ...matrix,
    name: `${matrix.name}, numbers`,
    train: { ...matrix.train, matrix: { ...matrix.train.matrix, columns } },
    test: { ...matrix.test, matrix: { ...matrix.test.matrix, columns } },
  };
}

/** LightGBM's file has names of its own, and takes every column as a number. */
function renamed(matrix: FeatureMatrix): FeatureMatrix {
  return {
    ...matrix,
    columns: matrix.columns.map((_, at) => ({ name: `Column_${at}`, kind: "numeric", cardinality: 0 })),
  };
}

function requireSame(ours: Float64Array, peers: readonly number[], tolerance: number): void {
  let worst = 0;
  for (const [at, value] of peers.entries())
    worst = Math.max(worst, Math.abs(ours[at]! - value) / Math.max(1, Math.abs(value)));
  if (!(worst <= tolerance)) throw new Error(`predictions differ by ${worst}`);
}

/** Rows a second, of the fastest repetition. */
async function fastest(rows: number, action: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await action();
    best = Math.min(best, performance.now() - start);
  }
  return (rows / best) * 1000;
}

function timeRows(engine: Engine, matrix: FeatureMatrix): number {
  const width = matrix.columns.length;
  const stride = Math.max(1, Math.floor(matrix.rowCount / SINGLE_ROWS));
  const records = Array.from({ length: Math.min(SINGLE_ROWS, matrix.rowCount) }, (_, i) =>
    Float64Array.from({ length: width }, (_, column) => matrix.values[column]![i * stride]!),
  );
  let sum = 0;
  const rate = fastestNow(records.length * 10, () => {
    for (let i = 0; i < 10; i++) for (const record of records) sum += engine.predictRow(record);
  });
  if (!Number.isFinite(sum) || sum === 0) throw new Error("the engine predicted nothing");
  return rate;
}

function timeBatch(engine: Engine, matrix: FeatureMatrix): number {
  return fastestNow(matrix.rowCount, () => engine.predictMatrix(matrix));
}

function fastestNow(rows: number, action: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    action();
    best = Math.min(best, performance.now() - start);
  }
  return (rows / best) * 1000;
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
