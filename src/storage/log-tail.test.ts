import { appendFile, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LogTail } from "./log-tail.ts";
import { openSegmentWriter } from "./segment-writer.ts";

const PREFIX = "events";

async function openLog(maxSegmentBytes = 1024 * 1024) {
  const directory = await mkdtemp(join(tmpdir(), "slipway-tail-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const writer = (incarnation: string) =>
    openSegmentWriter({ directory, prefix: PREFIX, incarnation, clock: () => 0, maxSegmentBytes });
  return { directory, writer };
}

async function textsOf(tail: LogTail): Promise<string[]> {
  const texts: string[] = [];
  for await (const { frame } of tail.read()) texts.push(frame.toString());
  return texts;
}

describe("following a log", () => {
  it("hands out each frame once, over several writers and segments", async () => {
    const { directory, writer } = await openLog(64);
    const tail = new LogTail({ directory, prefix: PREFIX });
    expect(await textsOf(tail)).toEqual([]);
    const [a, b] = [writer("a"), writer("b")];
    const expected: string[] = [];
    for (let round = 0; round < 20; round++) {
      for (const [name, one] of [
        ["a", a],
        ["b", b],
      ] as const) {
        one.append(Buffer.from(`${name}${round}`));
        one.flushSync();
        expected.push(`${name}${round}`);
      }
      if (round % 3 === 0) expect(await textsOf(tail)).toEqual(expected.splice(0).sort());
    }
    expect((await textsOf(tail)).sort()).toEqual(expected.sort());
    expect(await textsOf(tail)).toEqual([]);
    expect(a.segmentNumber).toBeGreaterThan(5);
  });

  it("goes on from marks that somebody kept, and behind the frame at which it was stopped", async () => {
    const { directory, writer } = await openLog();
    const one = writer("a");
    for (const text of ["first", "second", "third"]) one.append(Buffer.from(text));
    one.flushSync();
    const tail = new LogTail({ directory, prefix: PREFIX });
    for await (const { frame } of tail.read()) {
      expect(frame.toString()).toBe("first");
      break;
    }
    const marks = new Map(tail.marks);
    expect(await textsOf(tail)).toEqual(["second", "third"]);
    expect(await textsOf(new LogTail({ directory, prefix: PREFIX, from: marks }))).toEqual([
      "second",
      "third",
    ]);
  });

  it("waits for the rest of a frame that is being written", async () => {
    const { directory, writer } = await openLog();
    const one = writer("a");
    one.append(Buffer.from("whole"));
    one.append(Buffer.from("in two pieces"));
    one.flushSync();
    const path = join(directory, one.segment);
    const bytes = await import("node:fs/promises").then(({ readFile }) => readFile(path));
    await truncate(path, bytes.length - 5);
    const tail = new LogTail({ directory, prefix: PREFIX });
    expect(await textsOf(tail)).toEqual(["whole"]);
    expect(await textsOf(tail)).toEqual([]);
    await appendFile(path, bytes.subarray(-5));
    expect(await textsOf(tail)).toEqual(["in two pieces"]);
  });
});
