import { hash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSegmentWriter, readSegments } from "../storage/index.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";
import { type ReplayFilter, replayLog } from "./replay.ts";
import { openServingRoom, predictAcknowledged } from "./testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";

const maybe = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });
const flights = fc.record({
  date: maybe(fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant("2001-06-03T10:15:00.123Z"))),
  distance: maybe(fc.maxSafeInteger()),
  miles: maybe(fc.double({ noNaN: true, noDefaultInfinity: true })),
  nonstop: maybe(fc.boolean()),
  origin: maybe(fc.oneof(fc.constantFrom("ATL", "DFW", "ORD"), fc.string({ unit: "grapheme" }))),
});

async function openRoom() {
  const room = await openServingRoom();
  const bundle = await writeSmallBundle(room.blobs, { base: 0.125 });
  await room.dataPlane.apply(routingOf(1, [bundle]));
  const replay = (filter: ReplayFilter, directory = room.logDirectory) =>
    replayLog({ directory, blobs: room.blobs, filter });
  /** The log again with other frames, in another folder. */
  const rewrite = async (change: (frame: Buffer, index: number) => Buffer) => {
    const copy = join(room.directory, "copy");
    const incarnation = room.dataPlane.incarnation;
    const writer = openSegmentWriter({
      directory: copy,
      prefix: PREDICTION_LOG,
      incarnation,
      clock: () => 1,
    });
    let index = 0;
    for await (const { frame } of readSegments(room.logDirectory)) writer.append(change(frame, index++));
    writer.close();
    return copy;
  };
  return { ...room, bundle, replay, rewrite };
}

describe("replaying logged predictions", () => {
  it("finds all of them identical, whatever was asked", async () => {
    const { dataPlane, replay } = await openRoom();
    const batches = fc.sample(fc.array(flights, { minLength: 1, maxLength: 4 }), { numRuns: 300, seed: 1 });
    await Promise.all(batches.map((records) => predictAcknowledged(dataPlane, "late", records)));
    const total = batches.flat().length;
    expect(await replay({})).toEqual({
      total,
      identical: total,
      withinBound: 0,
      different: 0,
      forgotten: 0,
      sampledOut: 0,
      missingBundle: 0,
      damaged: 0,
      examples: [],
      problems: [],
      windows: { recomputed: 0, unavailable: 0 },
    });
  });

  it("replays one by its id, and one instance of a batch", async () => {
    const { dataPlane, replay } = await openRoom();
    const { id, outputs } = await predictAcknowledged(dataPlane, "late", [
      FLIGHT,
      { ...FLIGHT, distance: 3 },
    ]);
    const both = await replay({ id });
    expect(both).toMatchObject({ total: 2, identical: 2 });
    expect(both.examples.map((example) => example.id)).toEqual([`${id}.0`, `${id}.1`]);
    const second = await replay({ id: `${id}.1` });
    expect(second.examples).toEqual([
      expect.objectContaining({
        id: `${id}.1`,
        model: "late",
        version: 1,
        verdict: "identical",
        logged: outputs[1],
        recomputed: outputs[1],
      }),
    ]);
    await expect(replay({ id: `${id}.2` })).rejects.toMatchObject({ code: "SERVING_NO_PREDICTION" });
    await expect(replay({ id: "nonsense" })).rejects.toMatchObject({ code: "SERVING_BAD_PREDICTION_ID" });
  });

  it("stops at a limit, also within a batch", async () => {
    const { dataPlane, replay } = await openRoom();
    for (let i = 0; i < 3; i++) await predictAcknowledged(dataPlane, "late", [FLIGHT, FLIGHT]);
    expect((await replay({ limit: 3 })).total).toBe(3);
    expect((await replay({ limit: 100 })).total).toBe(6);
  });

  it("uses the bundle that made the prediction, not the one served now", async () => {
    const { blobs, dataPlane, replay } = await openRoom();
    await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    await dataPlane.apply(routingOf(2, [await writeSmallBundle(blobs, { base: 9 })]));
    await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    expect(await replay({})).toMatchObject({ total: 2, identical: 2 });
  });

  it("shows which feature or that the output came out differently", async () => {
    const { dataPlane, replay, rewrite } = await openRoom();
    for (let i = 0; i < 3; i++) await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    // Predictions are frames 0, 2 and 4; between them stand seals. Features begin 24 bytes after the header.
    const directory = await rewrite((frame, index) => {
      const header = frame.readUInt16LE(2);
      const changed = Buffer.from(frame);
      if (index === 2) changed.writeDoubleLE(1235, header + 24 + 8);
      if (index === 4) changed.writeDoubleLE(0.5, header + 24 + 5 * 8);
      if (index === 2 || index === 4) hash("sha256", changed.subarray(header), "buffer").copy(changed, 80);
      return changed;
    });
    const report = await replay({}, directory);
    expect(report).toMatchObject({ total: 3, identical: 1, different: 2 });
    expect(report.examples.map(({ reason }) => reason)).toEqual([
      'feature "distance" came out differently',
      "the same features gave another output",
    ]);
    expect(report.examples[1]).toMatchObject({ logged: 0.5, verdict: "different" });
  });

  it("counts what was forgotten and what was altered apart", async () => {
    const { dataPlane, replay, rewrite } = await openRoom();
    for (let i = 0; i < 3; i++) await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    const directory = await rewrite((frame, index) => {
      if (index === 0) return frame.subarray(0, frame.readUInt16LE(2));
      const changed = Buffer.from(frame);
      if (index === 2) changed.write("x", frame.length - 5);
      return changed;
    });
    expect(await replay({}, directory)).toMatchObject({ total: 3, identical: 1, forgotten: 1, damaged: 1 });
  });

  it("goes on behind a frame that is none, and says so", async () => {
    const { dataPlane, replay, rewrite } = await openRoom();
    for (let i = 0; i < 3; i++) await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    const directory = await rewrite((frame, index) => (index === 2 ? Buffer.from("not a frame") : frame));
    const report = await replay({}, directory);
    expect(report).toMatchObject({ total: 2, identical: 2 });
    expect(report.problems).toEqual([expect.stringContaining("bad frame")]);
  });

  it("says when the bundle is gone", async () => {
    const { blobs, bundle, dataPlane, replay } = await openRoom();
    const { outputs } = await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    await rm(blobs.path(bundle));
    const report = await replay({});
    expect(report).toMatchObject({ total: 1, missingBundle: 1 });
    expect(report.examples[0]).toMatchObject({
      verdict: "missing-bundle",
      logged: outputs[0],
      recomputed: null,
    });
    expect(report.examples[0]?.reason).toMatch(/bundle .* is no longer stored/);
  });

  it("reports its progress and can be stopped", async () => {
    const { blobs, dataPlane, logDirectory } = await openRoom();
    await predictAcknowledged(dataPlane, "late", new Array(2_500).fill(FLIGHT));
    const seen: number[] = [];
    const request = { directory: logDirectory, blobs, filter: {} };
    await replayLog({ ...request, onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([1_000, 2_000]);
    await expect(replayLog({ ...request, signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
