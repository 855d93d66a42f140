import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type KnownItems, openBundle, writeBundle } from "../bundle/index.ts";
import type { DerivedColumn } from "../features/index.ts";
import { createRandom, type Digest } from "../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { createDataPlane, type DataPlane } from "./data-plane.ts";
import { loadModel } from "./loaded-model.ts";
import { readPredictionLog } from "./log-reader.ts";
import { headerTemplate, inputOfRecommendation, readInput } from "./prediction-frame.ts";
import { PredictionLog, type Waiting } from "./prediction-log.ts";
import { replayLog } from "./replay.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";
import { writeWindowBundle } from "./testing/window-bundle.ts";

let folder: string;
let blobs: BlobStore;
let plane: DataPlane;
let nowMs = 1_000_000;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-recommend-"));
  blobs = openFileBlobs(join(folder, "blobs"));
  plane = createDataPlane({ blobs, logDirectory: join(folder, "log"), clock: () => nowMs++ });
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true, force: true });
});

/** A small bundle that knows these items. */
async function withItems(digest: Digest, items: KnownItems): Promise<Digest> {
  const { manifest, modelBytes, plan, signature, profile } = await openBundle(blobs, digest);
  const parts = { engine: manifest.engine, model: modelBytes, plan, signature, profile, items };
  return (await writeBundle(blobs, parts)).digest;
}

const random = createRandom("items");
const items: KnownItems = {
  key: "origin",
  columns: ["origin", "distance", "miles"],
  rows: Array.from({ length: 700 }, (_, at) => [`A${at}`, random.integer(3000), random.float() * 1000]),
};
const context = { date: FLIGHT.date, nonstop: true };

async function serve(bundle: Digest): Promise<void> {
  await plane.apply(routingOf(1, [bundle]));
}

async function ask(request: Parameters<DataPlane["recommend"]>[1]) {
  const acknowledged = Promise.withResolvers<void>();
  const waiting: Waiting = { acknowledge: () => acknowledged.resolve(), refuse: acknowledged.reject };
  const recommended = await plane.recommend(plane.find("late"), request, waiting);
  await acknowledged.promise;
  return recommended;
}

async function frames() {
  const all = [];
  for await (const frame of readPredictionLog(join(folder, "log"), {})) all.push(frame);
  return all;
}

describe("a recommendation", () => {
  it("is the best of all known items, as single predictions would rank them, the earlier of equal ones first", async () => {
    const bundle = await withItems(await writeSmallBundle(blobs, { base: 0.25 }), items);
    await serve(bundle);
    const model = await loadModel(blobs, bundle);
    if (model.runs !== "inline") throw new Error("not inline");
    const scores = items.rows.map(([origin, distance, miles], place) => ({
      item: origin,
      place,
      score: model.predict({ ...context, origin, distance, miles }),
    }));
    const wanted = scores.sort((a, b) => b.score - a.score || a.place - b.place).slice(0, 25);
    const { items: best, candidates } = await ask({ context, n: 25 });
    expect(candidates).toBe(700);
    expect(best).toEqual(wanted.map(({ item, score }) => ({ item, score })));
  });

  it("is one frame of the log: the request and the answers, nothing of the others", async () => {
    await serve(await withItems(await writeSmallBundle(blobs, { base: 0.25 }), items));
    const request = { context, exclude: ["A3"], n: 3 };
    const { id, items: best } = await ask(request);
    const [frame] = await frames();
    expect(frame).toMatchObject({ id, instances: 3 });
    const input = readInput(frame!.payload!.input);
    expect(input?.recommend).toEqual(request);
    expect(input?.records.map((record) => (record as { origin: unknown }).origin)).toEqual(
      best.map(({ item }) => item),
    );
    expect([...frame!.payload!.outputs]).toEqual(best.map(({ score }) => score));
    expect(frame!.payload!.input.length).toBeLessThan(1000);
  });

  it("replays, all of it or one answer", async () => {
    await serve(await withItems(await writeSmallBundle(blobs, { base: 0.25 }), items));
    const { id } = await ask({ context, candidates: ["A5", "A9", { ...FLIGHT, origin: "X" }], n: 2 });
    await ask({ context, n: 5 });
    const request = { directory: join(folder, "log"), blobs, filter: {} };
    expect(await replayLog(request)).toMatchObject({ total: 7, identical: 7 });
    expect(await replayLog({ ...request, filter: { id: `${id}.1` } })).toMatchObject({
      total: 1,
      identical: 1,
    });
  });

  it("that left out a better candidate is found by replay", async () => {
    const bundle = await withItems(await writeSmallBundle(blobs, { base: 0.25 }), items);
    await serve(bundle);
    const { items: best } = await ask({ context, n: 3 });
    const model = await loadModel(blobs, bundle);
    if (model.runs !== "inline") throw new Error("not inline");
    const subject = { model: "late", version: 1, arm: "champion", bundle, incarnation: "0000000000000001" };
    const template = headerTemplate({ ...subject, featureCount: model.features.length });
    const directory = join(folder, "other");
    const log = new PredictionLog({
      directory,
      clock: () => nowMs,
      incarnation: subject.incarnation,
      durability: "os",
    });
    const record = Object.fromEntries([
      ...Object.entries(context),
      ...items.columns.map((name, at) => [name, items.rows.find(([key]) => key === best[1]!.item)![at]]),
    ]);
    const request = { context, n: 1 };
    const input = inputOfRecommendation([record], request);
    log.begin(template, { instances: 1, featureCount: model.features.length, width: 1, input });
    const score = model.predict(record);
    log.put(model.featureBytes, score);
    log.append({ acknowledge: () => undefined, refuse: () => undefined });
    log.close();
    const report = await replayLog({ directory, blobs, filter: {} });
    expect(report).toMatchObject({ total: 1, different: 1 });
    expect(report.examples[0]!.reason).toBe("place 1 goes to another candidate");
  });

  it.each([
    ["no candidates and no items of its own", { context, n: 1 }, "SERVING_BAD_CANDIDATES"],
    ["a key without items of its own", { context, candidates: ["A5"], n: 1 }, "SERVING_BAD_CANDIDATES"],
    ["an empty list", { context, candidates: [], n: 1 }, "SERVING_BAD_CANDIDATES"],
    [
      "a candidate that lacks a field",
      { context, candidates: [{ origin: "A" }], n: 1 },
      "SERVING_BAD_INSTANCE",
    ],
    ["far too many", { context, candidates: new Array(50_001).fill(FLIGHT), n: 1 }, "SERVING_BAD_CANDIDATES"],
  ])("is refused for %s, and nothing is logged", async (_, request, code) => {
    await serve(await writeSmallBundle(blobs, { base: 0 }));
    await expect(ask(request)).rejects.toMatchObject({ code });
    expect(await frames()).toEqual([]);
  });

  it("calls what training did not know by its key alone", async () => {
    await serve(await withItems(await writeSmallBundle(blobs, { base: 0 }), items));
    const { items: best } = await ask({ context, candidates: ["new", "A1"], exclude: ["A1"], n: 5 });
    expect(best.map(({ item }) => item)).toEqual(["new"]);
  });

  it("shows all candidates the same past, and keeps what it said of the answers", async () => {
    const derived: DerivedColumn = {
      name: "seen",
      type: "float",
      from: {
        kind: "window",
        statistic: "count",
        window: {
          time: "t",
          of: { from: "rows" },
          by: [{ op: "column", name: "user" }],
          overMs: 60_000,
          paneMs: 1000,
          knownAfterMs: 0,
        },
      },
    };
    const columns = [
      { name: "t", type: "timestamp" },
      { name: "user", type: "category" },
    ] as const;
    await serve(await writeWindowBundle(blobs, { columns, derived: [derived] }));
    const { items: best, streamSequence } = await ask({
      context: {},
      candidates: [{ user: "a" }, { user: "b" }],
      n: 2,
    });
    expect(best.map(({ item }) => item)).toEqual([{ user: "a" }, { user: "b" }]);
    expect(streamSequence).toBe(0);
    const [frame] = await frames();
    expect([...frame!.payload!.derived]).toEqual([0, 0]);
    expect(frame!.payload!.times[0]).toBe(frame!.payload!.times[1]);
    expect(await replayLog({ directory: join(folder, "log"), blobs, filter: {} })).toMatchObject({
      identical: 2,
    });
  });
});
