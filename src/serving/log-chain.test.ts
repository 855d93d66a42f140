import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSegmentWriter, readSegments } from "../storage/index.ts";
import { verifyLogChain } from "./log-chain.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";
import { openServingRoom, predictAcknowledged } from "./testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";

/** The frames of a log of three group commits of 1, 2 and 3 predictions, and a folder to write others to. */
async function writeLog() {
  const { blobs, dataPlane, logDirectory, directory } = await openServingRoom();
  await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
  for (const size of [1, 2, 3]) {
    await Promise.all(Array.from({ length: size }, () => predictAcknowledged(dataPlane, "late", [FLIGHT])));
  }
  const frames: Buffer[] = [];
  for await (const { frame } of readSegments(logDirectory)) frames.push(Buffer.from(frame));
  const { incarnation } = dataPlane;
  const rewrite = async (changed: readonly Buffer[]) => {
    const copy = join(directory, `copy-${Math.trunc(performance.now() * 1e6)}`);
    const writer = openSegmentWriter({
      directory: copy,
      prefix: PREDICTION_LOG,
      incarnation,
      clock: () => 1,
    });
    for (const frame of changed) writer.append(frame);
    writer.close();
    return verifyLogChain(copy);
  };
  return { frames, logDirectory, rewrite };
}

describe("the hash chain of the prediction log", () => {
  it("holds over what was written", async () => {
    const { logDirectory } = await writeLog();
    expect(await verifyLogChain(logDirectory)).toEqual({ sealed: 6, unsealed: 0, broken: [] });
  });

  it("holds when payloads are forgotten", async () => {
    const { frames, rewrite } = await writeLog();
    const forgotten = frames.map((frame) => frame.subarray(0, frame.readUInt16LE(2)));
    expect(await rewrite(forgotten)).toEqual({ sealed: 6, unsealed: 0, broken: [] });
  });

  it("holds from the middle, when the oldest segments have been removed", async () => {
    const { frames, rewrite } = await writeLog();
    expect(await rewrite(frames.slice(2))).toEqual({ sealed: 5, unsealed: 0, broken: [] });
  });

  it("breaks when a header is altered, removed or put elsewhere", async () => {
    const { frames, rewrite } = await writeLog();
    const altered = frames.map((frame) => Buffer.from(frame));
    altered[3]!.writeUInt32LE(99, 24);
    const removed = frames.toSpliced(3, 1);
    const swapped = [...frames.slice(0, 2), frames[3]!, frames[2]!, ...frames.slice(4)];
    const groupRemoved = [...frames.slice(0, 2), ...frames.slice(5)];
    for (const changed of [altered, removed, swapped, groupRemoved]) {
      expect((await rewrite(changed)).broken).toHaveLength(1);
    }
  });

  it("tells predictions whose group was never finished from those that were acknowledged", async () => {
    const { frames, rewrite } = await writeLog();
    expect(await rewrite(frames.slice(0, -2))).toEqual({ sealed: 3, unsealed: 2, broken: [] });
  });

  it("does not hide damage of a segment's bytes", async () => {
    const { logDirectory } = await writeLog();
    const path = join(logDirectory, (await readdir(logDirectory))[0]!);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
    await writeFile(path, bytes);
    await expect(verifyLogChain(logDirectory)).rejects.toMatchObject({ code: "STORAGE_LOG_DAMAGED" });
  });
});
