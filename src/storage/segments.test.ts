import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { killLoop } from "../../test/kill-loop.ts";
import { mountTinyDisk } from "../../test/tiny-disk.ts";
import type { SlipwayError } from "../kernel/index.ts";
import { storageErrors } from "./errors.ts";
import { encodeHeader, MAX_FRAME_BYTES, parseSegmentFileName, segmentFileName } from "./segment-format.ts";
import {
  type LogFrame,
  listSegments,
  type ReadOptions,
  readFrameAt,
  readSegments,
  type TornTail,
} from "./segment-reader.ts";
import { openSegmentWriter, type SegmentWriterOptions } from "./segment-writer.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-segments-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const open = (options: Partial<SegmentWriterOptions> = {}) =>
  openSegmentWriter({
    directory,
    prefix: "log",
    incarnation: "w1",
    clock: () => 1_700_000_000_000,
    ...options,
  });

/** Writes texts as frames of one segment and gives its path and where each frame begins. */
function writeSegment(texts: readonly string[]): { path: string; segment: string; offsets: number[] } {
  const writer = open();
  const { segment } = writer;
  const offsets = texts.map((text) => writer.append(Buffer.from(text)));
  writer.close();
  return { path: join(directory, segment), segment, offsets };
}

async function readAll(options: ReadOptions = {}, from = directory) {
  const frames: LogFrame[] = [];
  const tails: TornTail[] = [];
  for await (const frame of readSegments(from, { onTornTail: (tail) => tails.push(tail), ...options })) {
    frames.push(frame);
  }
  return { frames, texts: frames.map(({ frame }) => frame.toString()), tails };
}

describe("a log of segments", () => {
  it("gives back every frame in order, whatever their sizes, flushes and segments", async () => {
    const frame = fc.uint8Array({ minLength: 1, maxLength: 3000 });
    const steps = fc.array(
      fc.record({ parts: fc.array(frame, { minLength: 1, maxLength: 3 }), flush: fc.boolean() }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 8000 }), async (written, maxSegmentBytes) => {
        const own = join(directory, String(run++));
        const writer = open({ directory: own, maxSegmentBytes });
        const places: { segment: string; offset: number }[] = [];
        for (const { parts, flush } of written) {
          const place = { segment: writer.segment, offset: writer.offset };
          expect(writer.append(...parts)).toBe(place.offset);
          places.push(place);
          if (flush) writer.flushSync();
        }
        writer.close();
        const { frames, tails } = await readAll({}, own);
        expect(tails).toEqual([]);
        expect(frames.map((each) => Buffer.from(each.frame))).toEqual(
          written.map(({ parts }) => Buffer.concat(parts)),
        );
        expect(frames.map(({ segment, offset }) => ({ segment, offset }))).toEqual(places);
        for (const each of frames.slice(0, 5)) expect(await readFrameAt(own, each)).toEqual(each.frame);
      }),
      { numRuns: 60 },
    );
  });

  it("begins a new segment once one is long enough, and names them in order", async () => {
    const writer = open({ maxSegmentBytes: 1000 });
    for (let i = 0; i < 30; i++) {
      writer.append(Buffer.alloc(100, i));
      writer.flushSync();
    }
    writer.close();
    const segments = await listSegments(directory);
    expect(segments.map(({ segment }) => segment)).toEqual([
      "log-w1-00000001.seg",
      "log-w1-00000002.seg",
      "log-w1-00000003.seg",
      "log-w1-00000004.seg",
    ]);
    for (const { bytes } of segments.slice(0, -1)) expect(bytes).toBeGreaterThanOrEqual(1000);
    expect((await readAll()).frames).toHaveLength(30);
  });

  it("reads frames larger than its buffers", async () => {
    const large = Buffer.alloc(3_000_000, "x");
    const writer = open();
    writer.append(Buffer.from("before"));
    writer.append(large);
    writer.append(Buffer.from("after"));
    writer.close();
    const { frames } = await readAll();
    expect(frames.map(({ frame }) => frame.length)).toEqual([6, 3_000_000, 5]);
    expect(frames[1]?.frame.equals(large)).toBe(true);
  });

  it("refuses an empty frame and one that is too large, and appends nothing of them", async () => {
    const writer = open();
    expect(() => writer.append()).toThrow(expect.objectContaining({ code: "STORAGE_BAD_FRAME" }));
    expect(() => writer.append(Buffer.alloc(MAX_FRAME_BYTES), Buffer.alloc(1))).toThrow(
      expect.objectContaining({
        code: "STORAGE_BAD_FRAME",
        details: { bytes: MAX_FRAME_BYTES + 1, limit: MAX_FRAME_BYTES },
      }),
    );
    writer.append(Buffer.from("good"));
    writer.close();
    expect((await readAll()).texts).toEqual(["good"]);
  });

  it("never lets two writers into one file", async () => {
    const first = open();
    const second = open();
    expect([first.segment, second.segment]).toEqual(["log-w1-00000001.seg", "log-w1-00000002.seg"]);
    first.append(Buffer.from("of the first"));
    second.append(Buffer.from("of the second"));
    second.close();
    first.close();
    expect((await readAll()).texts).toEqual(["of the first", "of the second"]);
    const third = open();
    expect(third.segmentNumber).toBe(3);
    third.close();
  });

  it("leaves no file of a writer that wrote nothing", () => {
    const writer = open();
    writer.flushSync();
    writer.close();
    writer.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("reads one log, one writer, or from a place on", async () => {
    for (const [prefix, incarnation] of [
      ["a", "w1"],
      ["a", "w2"],
      ["b", "w1"],
    ] as const) {
      const writer = open({ prefix, incarnation });
      for (const n of [1, 2, 3]) writer.append(Buffer.from(`${prefix} ${incarnation} ${n}`));
      writer.close();
    }
    writeFileSync(join(directory, "notes.txt"), "no segment");
    const all = await readAll();
    expect(all.texts).toHaveLength(9);
    expect((await readAll({ prefix: "b" })).texts).toEqual(["b w1 1", "b w1 2", "b w1 3"]);
    expect((await readAll({ incarnation: "w2" })).texts).toEqual(["a w2 1", "a w2 2", "a w2 3"]);
    const from = all.frames[4];
    if (from === undefined) throw new Error("no fifth frame");
    expect((await readAll({ from })).texts).toEqual(all.texts.slice(4));
  });

  it("is read on while its writers remove and begin segments", async () => {
    for (const incarnation of ["w1", "w2", "w3"]) {
      const writer = open({ incarnation });
      writer.append(Buffer.from(incarnation));
      writer.close();
    }
    const read: string[] = [];
    for await (const { frame } of readSegments(directory)) {
      read.push(frame.toString());
      rmSync(join(directory, "log-w2-00000001.seg"), { force: true });
    }
    expect(read).toEqual(["w1", "w3"]);
  });

  it("is empty where there is no directory", async () => {
    expect((await readAll({}, join(directory, "none"))).texts).toEqual([]);
  });

  it("survives a loss of power when asked to", async () => {
    const writer = open({ durability: "fsync", maxSegmentBytes: 50 });
    for (const text of ["one", "two", "three"]) {
      writer.append(Buffer.from(text));
      writer.flushSync();
    }
    writer.close();
    expect((await readAll()).texts).toEqual(["one", "two", "three"]);
  });

  it("cannot be opened where a file is in the way, nor under a name that could be a path", () => {
    writeFileSync(join(directory, "file"), "");
    expect(() => open({ directory: join(directory, "file") })).toThrow(
      expect.objectContaining({ code: "STORAGE_IO" }),
    );
    for (const names of [
      { prefix: "../up" },
      { incarnation: "a-b" },
      { incarnation: "" },
      { incarnation: "x".repeat(65) },
    ]) {
      expect(() => open(names)).toThrow(expect.objectContaining({ code: "STORAGE_BAD_NAME" }));
    }
  });
});

describe("names of segments", () => {
  it("are read as they are written", () => {
    const name = { prefix: "predictions", incarnation: "01jd_3k", number: 42 };
    expect(parseSegmentFileName(segmentFileName(name))).toEqual(name);
    expect(parseSegmentFileName("predictions-01jd-42.seg")).toBeUndefined();
  });
});

describe("a log whose writer was killed", () => {
  it("reads up to the last whole frame at whatever byte it ends, and reports the rest", async () => {
    const { path, segment, offsets } = writeSegment(["first", "second one", "3"]);
    const whole = readFileSync(path);
    const ends = [...offsets.slice(1), whole.length];
    for (let length = whole.length - 1; length >= 0; length--) {
      truncateSync(path, length);
      const { texts, tails } = await readAll();
      const kept = ends.filter((end) => end <= length).length;
      expect(texts).toEqual(["first", "second one", "3"].slice(0, kept));
      const end = length < (offsets[0] ?? 0) ? 0 : (offsets[kept] ?? 0);
      expect(tails).toEqual(length === end ? [] : [{ segment, offset: end, bytes: length - end }]);
    }
  });

  it("takes zeros at the end, as a loss of power leaves them, for a torn tail", async () => {
    const { path, segment } = writeSegment(["first"]);
    const end = statSync(path).size;
    appendFileSync(path, Buffer.alloc(5000));
    const { texts, tails } = await readAll();
    expect(texts).toEqual(["first"]);
    expect(tails).toEqual([{ segment, offset: end, bytes: 5000 }]);
  });

  it("goes on with the next segment", async () => {
    const { path } = writeSegment(["first", "second"]);
    truncateSync(path, statSync(path).size - 1);
    const next = open({ incarnation: "w2" });
    next.append(Buffer.from("third"));
    next.close();
    expect((await readAll()).texts).toEqual(["first", "third"]);
  });

  it("holds every frame that was flushed before the kill", async () => {
    const written = new Set<string>();
    await killLoop({
      script: join(import.meta.dirname, "testing", "append-frames.ts"),
      args: [directory],
      kills: 3,
      afterKill: async (flushed) => {
        for (const text of flushed) written.add(text);
        const { texts } = await readAll();
        const found = new Set(texts.map((text) => text.slice(0, text.indexOf(" "))));
        expect(found.size).toBe(texts.length);
        expect([...written].filter((each) => !found.has(each))).toEqual([]);
      },
    });
    expect(written.size).toBeGreaterThan(0);
  });
});

describe("a damaged log", () => {
  const texts = ["first frame", "second frame", "third frame"];

  it("names file and offset", async () => {
    const { path, offsets } = writeSegment(texts);
    const bytes = readFileSync(path);
    const at = (offsets[1] ?? 0) + 12;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(readAll()).rejects.toMatchObject({
      code: "STORAGE_LOG_DAMAGED",
      message: expect.stringContaining(path),
      details: { path, offset: offsets[1], end: offsets[2] },
    });
  });

  it("never gives a frame that was not written, and with `onDamage` all the others", async () => {
    const { path, offsets } = writeSegment(texts);
    const whole = readFileSync(path);
    const headerEnd = offsets[0] ?? 0;
    for (let position = 0; position < whole.length; position++) {
      const bytes = Buffer.from(whole);
      bytes[position] = (bytes[position] ?? 0) ^ (1 << (position % 8));
      writeFileSync(path, bytes);
      const errors: SlipwayError[] = [];
      const read = readAll({ onDamage: (error) => errors.push(error) });
      if (position === 8 || position === 9) {
        // The format number: another format, or none.
        await read.catch((thrown) => expect(storageErrors.STORAGE_LOG_UNSUPPORTED.is(thrown)).toBe(true));
        continue;
      }
      const found = await read;
      const hit = offsets.findLastIndex((offset) => offset <= position);
      expect(found.texts).toEqual(position < headerEnd ? [] : texts.filter((_, index) => index !== hit));
      // A last frame whose length has grown cannot be told from one that was not finished.
      expect(errors.length + found.tails.length).toBe(1);
      if (hit < texts.length - 1) expect(found.tails).toEqual([]);
    }
  });

  it("finds the frames behind a stretch of random bytes", async () => {
    const { path, offsets } = writeSegment([..."abcdefgh"].map((letter) => letter.repeat(90_000)));
    const bytes = readFileSync(path);
    for (let i = (offsets[2] ?? 0) + 50; i < (offsets[4] ?? 0) + 50; i++) bytes[i] = (i * 2654435761) >>> 24;
    writeFileSync(path, bytes);
    const errors: SlipwayError[] = [];
    const found = await readAll({ onDamage: (error) => errors.push(error) });
    expect(found.texts.map((text) => text[0]).join("")).toBe("abfgh");
    expect(errors.map(({ details }) => [details.offset, details.end])).toEqual([[offsets[2], offsets[5]]]);
  });

  it("does not take bytes inside a payload for a frame, even if they are a copy of one", async () => {
    const { path, offsets } = writeSegment(["inner"]);
    const frame = readFileSync(path).subarray(offsets[0]);
    rmSync(path);
    const outer = open();
    const segment = join(directory, outer.segment);
    outer.append(Buffer.from("good"));
    outer.append(Buffer.alloc(20), frame, Buffer.alloc(20));
    outer.close();
    truncateSync(segment, statSync(segment).size - 1);
    const { texts, tails } = await readAll();
    expect(texts).toEqual(["good"]);
    expect(tails).toHaveLength(1);
  });

  it("says that a segment is no segment, or one of a newer format", async () => {
    const path = join(directory, "log-w1-00000001.seg");
    writeFileSync(path, "this is a text that somebody has put there");
    await expect(readAll()).rejects.toMatchObject({
      code: "STORAGE_LOG_DAMAGED",
      details: { path, offset: 0 },
    });
    const header = encodeHeader({ incarnation: "w1", number: 1, createdAt: 0, seed: 1 });
    header.writeUInt16LE(2, 8);
    writeFileSync(path, header);
    await expect(readAll()).rejects.toMatchObject({
      code: "STORAGE_LOG_UNSUPPORTED",
      details: { path, format: 2 },
    });
  });
});

describe("reading one frame", () => {
  it("tells a place where none begins from one that is damaged", async () => {
    const { path, segment, offsets } = writeSegment(["first", "second"]);
    const at = (offset: number, name = segment) => readFrameAt(directory, { segment: name, offset });
    expect((await at(offsets[1] ?? 0)).toString()).toBe("second");
    for (const offset of [0, statSync(path).size, 1e9]) {
      await expect(at(offset)).rejects.toMatchObject({
        code: "STORAGE_LOG_NO_FRAME",
        details: { path, offset },
      });
    }
    await expect(at(40, "log-w9-00000001.seg")).rejects.toSatisfy(storageErrors.STORAGE_LOG_NO_FRAME.is);
    await expect(at((offsets[1] ?? 0) + 1)).rejects.toSatisfy(storageErrors.STORAGE_LOG_DAMAGED.is);
    await expect(at(40, "../../etc/passwd")).rejects.toSatisfy(storageErrors.STORAGE_BAD_NAME.is);
  });
});

describe("a log on a full disk", () => {
  it("keeps whole frames, says how many, and writes on when there is room", async ({ skip }) => {
    const disk = mountTinyDisk(1024);
    if (disk === undefined) return skip("no tiny disk");
    try {
      const ballast = join(disk.path, "ballast");
      writeFileSync(ballast, Buffer.alloc(400_000));
      const log = join(disk.path, "log");
      const writer = open({ directory: log, maxSegmentBytes: 200_000 });
      const kept: string[] = [];
      let failures = 0;
      let cutShort = 0;
      for (let flush = 0; flush < 100; flush++) {
        if (flush === 80) rmSync(ballast);
        const texts = Array.from({ length: 10 }, (_, i) => `${flush}.${i} ${"x".repeat(997 + i)}`);
        for (const text of texts) writer.append(Buffer.from(text));
        try {
          writer.flushSync();
          kept.push(...texts);
        } catch (thrown) {
          if (!storageErrors.STORAGE_LOG_FULL.is(thrown)) throw thrown;
          const { framesWritten, framesLost } = thrown.details;
          expect(Number(framesWritten) + Number(framesLost)).toBe(10);
          kept.push(...texts.slice(0, Number(framesWritten)));
          failures++;
          if (Number(framesWritten) > 0) cutShort++;
        }
      }
      writer.close();
      expect(failures).toBeGreaterThan(10);
      expect(cutShort).toBeGreaterThan(0);
      const { texts, tails } = await readAll({}, log);
      expect(texts).toEqual(kept);
      expect(tails).toEqual([]);
      expect(kept.at(-1)?.startsWith("99.9 ")).toBe(true);
    } finally {
      disk.unmount();
    }
  });

  it("opens without room and writes once there is some", async ({ skip }) => {
    const disk = mountTinyDisk(64);
    if (disk === undefined) return skip("no tiny disk");
    try {
      const ballast = join(disk.path, "ballast");
      expect(() => writeFileSync(ballast, Buffer.alloc(100_000))).toThrow("ENOSPC");
      const writer = open({ directory: disk.path });
      writer.append(Buffer.from("lost"));
      expect(() => writer.flushSync()).toThrow(
        expect.objectContaining({ code: "STORAGE_LOG_FULL", kind: "exhausted", retryable: true }),
      );
      expect(readdirSync(disk.path)).toEqual(["ballast"]);
      rmSync(ballast);
      writer.append(Buffer.from("kept"));
      writer.close();
      expect((await readAll({}, disk.path)).texts).toEqual(["kept"]);
    } finally {
      disk.unmount();
    }
  });
});
