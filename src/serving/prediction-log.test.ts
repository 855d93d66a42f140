import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { verifyLogChain } from "./log-chain.ts";
import { findPrediction, readPredictionLog } from "./log-reader.ts";
import type { PredictionFrame } from "./prediction-frame.ts";
import { openServingRoom, predictAcknowledged, type ServingRoom } from "./testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";

async function openRoomWithModel(options = {}): Promise<ServingRoom> {
  const room = await openServingRoom(options);
  await room.dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0 })]));
  return room;
}

async function framesOf(
  ...[directory, filter]: Parameters<typeof readPredictionLog>
): Promise<PredictionFrame[]> {
  const frames: PredictionFrame[] = [];
  for await (const frame of readPredictionLog(directory, filter)) frames.push(frame);
  return frames;
}

describe("the prediction log", () => {
  it("has a prediction when it is acknowledged, and not before the turn has ended", async () => {
    const { dataPlane, logDirectory } = await openRoomWithModel();
    const events: string[] = [];
    const predictions = [1, 2, 3].map((distance) =>
      dataPlane.predict(
        dataPlane.find("late"),
        { records: [{ ...FLIGHT, distance }], json: undefined },
        { acknowledge: () => events.push(`acknowledged ${distance}`), refuse: () => expect.unreachable() },
      ),
    );
    expect(events).toEqual([]);
    await nextTurn();
    expect(events).toEqual(["acknowledged 1", "acknowledged 2", "acknowledged 3"]);
    expect(dataPlane.logCounts()).toMatchObject({ predictions: 3, groups: 1 });
    const logged = await framesOf(logDirectory);
    expect(logged.map(({ id }) => id)).toEqual(predictions.map(({ id }) => id));
    expect(logged.map(({ payload }) => payload?.outputs[0])).toEqual(
      predictions.map(({ outputs }) => outputs[0]),
    );
  });

  it("keeps the input as it was received, the features and the outputs", async () => {
    const { dataPlane, logDirectory } = await openRoomWithModel();
    const json = `[ ${JSON.stringify({ ...FLIGHT, extra: "ignored" })} ]`;
    const done = Promise.withResolvers<void>();
    const { id } = dataPlane.predict(
      dataPlane.find("late"),
      { records: JSON.parse(json), json: Buffer.from(json) },
      { acknowledge: () => done.resolve(), refuse: done.reject },
    );
    await done.promise;
    const frame = await findPrediction(logDirectory, id);
    expect(frame).toMatchObject({ id, model: "late", version: 1, arm: "champion", instances: 1 });
    expect(frame.payload?.input.toString()).toBe(json);
    expect(Array.from(frame.payload!.features.subarray(0, 2))).toEqual([10, 1234]);
  });

  it("salts payloads, so that equal inputs do not have equal digests", async () => {
    const { dataPlane, logDirectory } = await openRoomWithModel();
    for (let i = 0; i < 3; i++) await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    const digests = (await framesOf(logDirectory)).map(({ payloadDigest }) => payloadDigest);
    expect(new Set(digests).size).toBe(3);
  });

  it("finds a prediction, and an instance of a batch, by id in whatever segment it stands", async () => {
    const { dataPlane, logDirectory, another } = await openRoomWithModel({ maxSegmentBytes: 2_000 });
    const neighbour = another();
    await neighbour.apply(routingOf(1, [dataPlane.find("late").bundle]));
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) {
      const batch = new Array(1 + (i % 3)).fill({ ...FLIGHT, distance: i });
      ids.push((await predictAcknowledged(dataPlane, "late", batch)).id);
      await predictAcknowledged(neighbour, "late", [FLIGHT]);
    }
    expect((await readdir(logDirectory)).length).toBeGreaterThan(10);
    for (const [i, id] of ids.entries()) {
      expect((await findPrediction(logDirectory, id)).sequence).toBe(i);
      expect((await findPrediction(logDirectory, `${id}.${i % 3}`)).id).toBe(id);
      await expect(findPrediction(logDirectory, `${id}.${(i % 3) + 1}`)).rejects.toThrow(
        "holds no prediction",
      );
    }
    const unknown = `${ids[0]!.slice(0, -1)}z`;
    await expect(findPrediction(logDirectory, unknown)).rejects.toThrow("holds no prediction");
    const otherTime = `0${ids[3]!.slice(1, 9)}0${ids[3]!.slice(10)}`;
    if (otherTime !== ids[3])
      await expect(findPrediction(logDirectory, otherTime)).rejects.toThrow("holds no prediction");
  });

  it("reads what passes a filter by time and model", async () => {
    let now = 1_000_000_000_000;
    const { blobs, dataPlane, logDirectory } = await openServingRoom({
      clock: () => now,
      maxSegmentBytes: 1_500,
    });
    const bundle = await writeSmallBundle(blobs, { base: 0 });
    const both = [...routingOf(1, [bundle]).models, ...routingOf(1, [bundle], { name: "other" }).models];
    await dataPlane.apply({ ...routingOf(1, [bundle]), models: both });
    for (let i = 0; i < 30; i++) {
      now += 1_000;
      await predictAcknowledged(dataPlane, i % 2 === 0 ? "late" : "other", [FLIGHT]);
    }
    const start = 1_000_000_000_000;
    const sequences = async (filter: object) =>
      (await framesOf(logDirectory, filter)).map(({ sequence }) => sequence);
    expect(await sequences({})).toHaveLength(30);
    expect(await sequences({ since: start + 28_000 })).toEqual([27, 28, 29]);
    expect(await sequences({ until: start + 3_000 })).toEqual([0, 1]);
    expect(await sequences({ since: start + 10_000, until: start + 14_000, model: "other" })).toEqual([
      9, 11,
    ]);
    expect(await sequences({ since: start + 31_000 })).toEqual([]);
  });

  it("is empty when there is none", async () => {
    const { directory } = await openServingRoom();
    expect(await framesOf(`${directory}/nowhere`)).toEqual([]);
  });

  it("writes large batches and goes on with small ones", async () => {
    const { dataPlane, logDirectory } = await openRoomWithModel();
    await predictAcknowledged(dataPlane, "late", new Array(9_999).fill(FLIGHT));
    await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    const logged = await framesOf(logDirectory);
    expect(logged.map(({ instances }) => instances)).toEqual([9_999, 1]);
    expect(logged.every(({ payload }) => payload?.intact)).toBe(true);
    expect((await verifyLogChain(logDirectory)).sealed).toBe(2);
  });
});
