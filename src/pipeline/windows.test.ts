import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundle, writeBundle } from "../bundle/index.ts";
import { ingest, readSnapshot, type SnapshotManifest } from "../datasets/index.ts";
import { compilePlan, type FeaturePlan, WindowState, windowProgram } from "../features/index.ts";
import { openEngine } from "../inference/index.ts";
import { createRandom, type Digest, selectRows, type Table } from "../kernel/index.ts";
import { byTime, csv, dataset, gbdt, model } from "../project/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { type Build, buildBundle } from "./build.ts";
import { withDerivedColumns } from "./derived-table.ts";
import { judgeCandidate } from "./judge.ts";
import { predictFile } from "./predict-file.ts";
import { type Recipe, recipeOf } from "./recipe.ts";
import { reproduceBundle } from "./reproduce.ts";

const MINUTE = 60_000;
const START = Date.UTC(2001, 0, 1);

const flights = dataset({
  source: csv("flights.csv"),
  columns: {
    date: "timestamp",
    delay: { type: "int", known: "after" },
    distance: "int",
    origin: "category",
  },
  time: "date",
});
const late = model({
  from: flights,
  target: (row) => row.delay.above(15),
  features: (c, past) => ({
    miles: c.distance.log1p(),
    busy: past.rows.count({ by: c.origin, over: "3h" }).standardized(),
    late: past.target.rate({ by: c.origin, over: "12h", knownAfter: "2h" }).fillMissing("mean"),
    worst: past.column("delay").maximum({ over: "1h", knownAfter: "2h" }),
  }),
  split: byTime({ evaluateFrom: { share: 0.25 } }),
  trainer: gbdt({ trees: 10, leaves: 8 }),
});

interface Flight {
  readonly date: string;
  readonly delay: number | null;
  readonly distance: number;
  readonly origin: string;
}

/** Whether flights are late depends on the hour and the place: what windows can know. */
function drawFlights(count: number): Flight[] {
  const random = createRandom("windows");
  return Array.from({ length: count }, (_, row) => {
    const origin = ["ATL", "ORD", "JFK"][random.integer(3)]!;
    const bad = Math.floor(row / 200) % 3 === ["ATL", "ORD", "JFK"].indexOf(origin);
    const unknown = row >= trained && random.float() < 0.1;
    const delay = unknown ? null : random.integer(30) + (bad ? 10 : -10);
    return {
      date: new Date(START + 2 * row * MINUTE).toISOString(),
      delay,
      distance: random.integer(2000),
      origin,
    };
  });
}

const csvOf = (rows: readonly Flight[]): string =>
  `date,delay,distance,origin\n${rows.map((row) => `${Object.values(row).join(",")}\n`).join("")}`;

const trained = 2400;
const rows = drawFlights(3000);
let folder: string;
let blobs: BlobStore;
let manifest: SnapshotManifest;
let recipe: Recipe;
let table: Table;
let build: Build;
let bundle: Digest;

const inFolder = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-windows-"));
  blobs = openFileBlobs(inFolder("blobs"));
  await writeFile(inFolder("flights.csv"), csvOf(rows.slice(0, trained)));
  const taken = await ingest({ name: "flights", spec: flights, root: folder, blobs });
  manifest = taken.manifest;
  recipe = recipeOf(late, taken.digest);
  table = await readSnapshot(manifest, { blobs });
  build = await buildBundle(recipe, table, { threads: 1 });
  bundle = (await writeBundle(blobs, build.parts)).digest;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function predicted(name: string, given: readonly Flight[]) {
  await writeFile(inFolder(`${name}.csv`), csvOf(given));
  const out = inFolder(`${name}.parquet`);
  const request = { model: "late", version: 1, bundle, column: "p", rules: {} };
  const done = await predictFile(
    { ...request, file: inFolder(`${name}.csv`), out, draft: `${out}.draft` },
    { blobs, report: () => undefined },
  );
  const source = { format: "parquet", glob: `${name}.parquet` } as const;
  const back = await ingest({ name: "back", spec: { source, columns: { p: "float" } }, root: folder, blobs });
  const column = (await readSnapshot(back.manifest, { blobs })).columns.get("p");
  return { history: done.history, values: column?.kind === "number" ? [...column.values] : [] };
}

/** What the bundle says about rows whose past is the rows before them, computed at once over all of them. */
async function offline(given: readonly Flight[]): Promise<number[]> {
  await writeFile(inFolder("all.csv"), csvOf(given));
  const source = csv("all.csv");
  const all = await ingest({ name: "all", spec: { ...flights, source }, root: folder, blobs });
  const opened = await openBundle(blobs, bundle);
  const kernel = compilePlan(opened.plan as unknown as FeaturePlan);
  const engine = openEngine(opened.manifest.engine, opened.modelBytes);
  const derived = withDerivedColumns(kernel, await readSnapshot(all.manifest, { blobs })).table;
  return [...engine.predictMatrix(kernel.evaluateTable(derived))];
}

describe("a model with windows", () => {
  it("learns from them", () => {
    const importance = new Map(build.trained.importance.map(({ feature, gain }) => [feature, gain]));
    expect(importance.get("late")).toBeGreaterThan(importance.get("miles")!);
    expect(build.kernel.derived).toHaveLength(3);
    expect(build.kernel.inputs.map(({ name }) => name).sort()).toEqual(["date", "distance", "origin"]);
  });

  it("brings along what they held after the snapshot, and is rebuilt with it", async () => {
    const opened = await openBundle(blobs, bundle);
    const program = windowProgram(build.kernel)!;
    const state = WindowState.fromBytes(program, opened.windows!);
    expect(state.coveredMs).toBe(Date.parse(rows[trained - 1]!.date));
    expect(state.keyCount).toBeGreaterThan(4);
    const request = { recipe, snapshot: manifest, expected: opened.manifest, blobs, threads: 2 };
    const { verdict } = await reproduceBundle({ ...request, report: () => undefined });
    expect(verdict).toBe("identical");
  });

  it("trains on what was known, not on what the evaluation will show", async () => {
    const until = build.rows.train.length;
    const other = rows.map((row, at) => (at < until ? row : { ...row, delay: 500 - (row.delay ?? 0) }));
    const columns = new Map(table.columns);
    const delays = Float64Array.from(other.slice(0, trained), ({ delay }) => delay ?? Number.NaN);
    columns.set("delay", { kind: "number", values: delays });
    const again = await buildBundle(recipe, { ...table, columns }, { threads: 1 });
    const first = Uint32Array.from({ length: until }, (_, row) => row);
    const matrix = (of: Build) => of.kernel.evaluateTable(selectRows(of.table, first)).values;
    expect(matrix(again)).toEqual(matrix(build));
    expect(again.parts.plan).toEqual(build.parts.plan);
  });

  it("is compared with a champion that has windows of its own", async () => {
    const other = model({
      from: flights,
      target: (row) => row.delay.above(15),
      features: (c, past) => ({ x: c.distance, all: past.rows.count({ over: "1h" }) }),
      split: byTime({ evaluateFrom: { share: 0.25 } }),
      trainer: gbdt({ trees: 2, leaves: 4 }),
    });
    const champion = await buildBundle(recipeOf(other, recipe.snapshot), table, { threads: 1 });
    const { output } = champion.parts.signature;
    const incumbent = { version: 1, kernel: champion.kernel, engine: champion.engine, output };
    const gate = { kind: "champion", metric: "auc", margin: 0, confidence: 0.95 } as const;
    const { gates } = await judgeCandidate({ spec: { ...late, gates: [gate] }, build, table, incumbent });
    expect(gates[0]!.outcome).toBe("passed");
  });
});

describe("predictions for a file by a model with windows", () => {
  it("continue the training data, bit for bit as if all had been one table", async () => {
    const all = await offline(rows);
    const { values, history } = await predicted("later", rows.slice(trained));
    expect(history).toBe("training");
    expect(values).toEqual(all.slice(trained));
  });

  it("of a file that is not newer have the past of the file alone", async () => {
    const { values, history } = await predicted("earlier", rows.slice(1000, 1500));
    expect(history).toBe("file");
    expect(values).toEqual(await offline(rows.slice(1000, 1500)));
  });
});
