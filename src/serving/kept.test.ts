import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { mountTinyDisk } from "../../test/tiny-disk.ts";
import { SlipwayError } from "../kernel/index.ts";
import type { DataPlane } from "./data-plane.ts";
import { verifyLogChain } from "./log-chain.ts";
import { readPredictionLog } from "./log-reader.ts";
import { isSampledOut, type PredictionFrame } from "./prediction-frame.ts";
import { parsePredictionId } from "./prediction-id.ts";
import { replayLog } from "./replay.ts";
import { type Kept, sampleDraw } from "./sampling.ts";
import { openServingRoom } from "./testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";

/** Predicts and says what the log kept, or with which code it was refused. */
function predictKept(dataPlane: DataPlane): Promise<{ readonly id: string; readonly kept: Kept | string }> {
  return new Promise((resolve, reject) => {
    const { id } = dataPlane.predict(
      dataPlane.find("late"),
      { records: [FLIGHT], json: undefined },
      {
        acknowledge: (kept) => resolve({ id, kept }),
        refuse: (error) =>
          error instanceof SlipwayError ? resolve({ id, kept: error.code }) : reject(error),
      },
    );
  });
}

async function framesIn(directory: string): Promise<PredictionFrame[]> {
  const frames: PredictionFrame[] = [];
  for await (const frame of readPredictionLog(directory)) frames.push(frame);
  return frames;
}

describe("a model whose log is a sample", () => {
  it("keeps only the header of what is not drawn, says so, and counts it", async () => {
    const room = await openServingRoom();
    const bundle = await writeSmallBundle(room.blobs, { base: 0 });
    await room.dataPlane.apply(routingOf(1, [bundle]));
    room.dataPlane.sample(new Map([["late", 0.3]]));
    const answered = await Promise.all(Array.from({ length: 400 }, () => predictKept(room.dataPlane)));
    room.dataPlane.sample(new Map([["another", 0.3]]));
    const whole = await predictKept(room.dataPlane);
    expect(whole.kept).toBe("full");
    for (const { id, kept } of answered)
      expect(kept).toBe(sampleDraw(parsePredictionId(id)) < 0.3 ? "full" : "sampled-out");
    const frames = await framesIn(room.logDirectory);
    expect(frames.map(({ id }) => id).sort()).toEqual([...answered, whole].map(({ id }) => id).sort());
    const out = new Set(answered.filter(({ kept }) => kept === "sampled-out").map(({ id }) => id));
    expect(out.size).toBeGreaterThan(200);
    for (const frame of frames) expect(isSampledOut(frame)).toBe(out.has(frame.id));
    expect(room.dataPlane.logCounts()).toMatchObject({ predictions: 401, sampledOut: out.size, unlogged: 0 });
    // The chain covers those, too.
    expect(await verifyLogChain(room.logDirectory)).toEqual({ sealed: 401, unsealed: 0, broken: [] });
    const replay = { directory: room.logDirectory, blobs: room.blobs };
    expect(await replayLog({ ...replay, filter: {} })).toMatchObject({
      total: 401,
      identical: 401 - out.size,
      sampledOut: out.size,
    });
    const [id = ""] = out;
    expect((await replayLog({ ...replay, filter: { id } })).examples).toMatchObject([
      { id, verdict: "sampled-out", reason: expect.stringContaining("sampled out") },
    ]);
  });
});

describe("a full disk", () => {
  it("refuses, or answers unlogged where that is wanted, and logs again when there is room", async (context) => {
    const disk = mountTinyDisk(64);
    if (disk === undefined) return context.skip();
    onTestFinished(() => disk.unmount());
    const room = await openServingRoom({ logDirectory: join(disk.path, "log") });
    const serving = room.another({ onLogFull: "serve-unlogged" });
    const bundle = await writeSmallBundle(room.blobs, { base: 0 });
    for (const plane of [room.dataPlane, serving]) await plane.apply(routingOf(1, [bundle]));
    const logged = new Set<string>();
    let refused = 0;
    for (let n = 0; n < 400; n++) {
      const { id, kept } = await predictKept(room.dataPlane);
      if (kept === "full") logged.add(id);
      else {
        expect(kept).toBe("SERVING_LOG_FULL");
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
    let unlogged = 0;
    for (let n = 0; n < 50; n++) {
      const { id, kept } = await predictKept(serving);
      if (kept === "full") logged.add(id);
      else {
        expect(kept).toBe("unlogged");
        unlogged++;
      }
    }
    expect(unlogged).toBeGreaterThan(25);
    expect(serving.logCounts().unlogged).toBe(unlogged);
    disk.grow(1024);
    for (const plane of [room.dataPlane, serving]) {
      const { id, kept } = await predictKept(plane);
      expect(kept).toBe("full");
      logged.add(id);
    }
    const found = (await framesIn(join(disk.path, "log"))).map(({ id }) => id);
    expect([...logged].filter((id) => !found.includes(id))).toEqual([]);
    await room.dataPlane.close();
    await serving.close();
  });

  it("is also one that has room, when the segments take all that the log may have", async () => {
    let now = 1_700_000_000_000;
    const room = await openServingRoom({ maxSegmentBytes: 2_000, maxLogBytes: 10_000, clock: () => now++ });
    const bundle = await writeSmallBundle(room.blobs, { base: 0 });
    await room.dataPlane.apply(routingOf(1, [bundle]));
    const answers: string[] = [];
    for (let n = 0; n < 200; n++) answers.push((await predictKept(room.dataPlane)).kept);
    const full = answers.indexOf("SERVING_LOG_FULL");
    expect(full).toBeGreaterThan(5);
    expect(new Set(answers.slice(full))).toEqual(new Set(["SERVING_LOG_FULL"]));
    const [oldest = ""] = (await readdir(room.logDirectory)).sort();
    await rm(join(room.logDirectory, oldest));
    now += 2_000;
    expect((await predictKept(room.dataPlane)).kept).toBe("full");
  });
});
