import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DerivedColumn, type WindowProgram, WindowState, windowProgram } from "../features/index.ts";
import type { Digest } from "../kernel/index.ts";
import { LiveWindows, type WindowSubject } from "./live-windows.ts";
import { PastWindows } from "./past-windows.ts";
import { writeSequencerStatus } from "./sequencer-status.ts";
import type { RowHappened } from "./stream-batch.ts";
import { StreamWriter } from "./stream-writer.ts";

const derived: readonly DerivedColumn[] = [
  {
    name: "asked",
    type: "float",
    from: {
      kind: "window",
      window: {
        time: "t",
        of: { from: "rows" },
        by: [{ op: "column", name: "user" }],
        overMs: 100_000,
        paneMs: 1_000,
        knownAfterMs: 0,
      },
      statistic: "count",
    },
  },
];
const program = windowProgram({
  inputs: [
    { name: "t", type: "timestamp", required: true },
    { name: "user", type: "category", required: true },
  ],
  derived,
}) as WindowProgram;
const NOWHERE = { predictions: new Map(), feedback: new Map() };

const subject = (name: string, more: Partial<WindowSubject> = {}): WindowSubject => ({
  model: "late",
  bundle: name.repeat(64) as Digest,
  program,
  derived: 1,
  seed: undefined,
  ...more,
});

const row = (t: number, user = "a", model = "late"): RowHappened => ({
  kind: "row",
  model,
  predictionId: "0".repeat(24),
  timeMs: t,
  record: { t, user },
});

async function openStream() {
  const directory = await mkdtemp(join(tmpdir(), "slipway-live-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const stream = join(directory, "stream");
  const checkpoints = join(directory, "windows");
  const sequencerStatus = join(directory, "sequencer.json");
  const writer = new StreamWriter({
    directory: stream,
    clock: () => 0,
    durability: "os",
    sequence: 0,
    marks: NOWHERE,
    maxSegmentBytes: 400,
  });
  onTestFinished(() => writer.close());
  const worker = (more = {}) =>
    new LiveWindows({ directory: stream, checkpoints, sequencerStatus, clock: () => 1_000, ...more });
  return { stream, checkpoints, sequencerStatus, writer, worker };
}

const asked = (windows: { resolve(record: object): number; readonly values: Float64Array }, t: number) => {
  windows.resolve({ t, user: "a" });
  return windows.values[0];
};

describe("the windows of a worker", () => {
  it("open behind every event there is, and follow from then on", async () => {
    const { writer, worker } = await openStream();
    writer.append([row(1), row(2)], NOWHERE);
    const live = worker();
    const windows = await live.open(subject("1"));
    expect(asked(windows, 10)).toBe(2);
    writer.append([row(3), row(3, "b"), row(3, "a", "other model")], NOWHERE);
    expect(asked(windows, 10)).toBe(2);
    expect(await live.poll()).toBe(3);
    expect(asked(windows, 10)).toBe(3);
    expect([windows.sequence, live.sequence]).toEqual([5, 5]);
  });

  it("of a version that joins later stand where the others stand", async () => {
    const { writer, worker } = await openStream();
    const live = worker();
    const first = await live.open(subject("1"));
    for (let t = 0; t < 50; t++) writer.append([row(t)], NOWHERE);
    await live.poll();
    const seed = new WindowState(program);
    for (let t = 0; t < 30; t++) seed.apply({ ...program.rowEvent({ t, user: "a" }) });
    seed.cover();
    const second = await live.open(subject("2", { seed: seed.toBytes() }));
    expect(second.sequence).toBe(first.sequence);
    expect([asked(first, 60), asked(second, 60)]).toEqual([50, 50]);
  });

  it("come back from their checkpoint, with the same bytes as without it", async () => {
    const { writer, worker, checkpoints } = await openStream();
    const before = worker();
    await before.open(subject("1"));
    for (let t = 0; t < 20; t++) writer.append([row(t * 100)], NOWHERE);
    await before.poll();
    before.close();
    for (let t = 20; t < 30; t++) writer.append([row(t * 100)], NOWHERE);
    const restored = await worker().open(subject("1"));
    const anew = await worker({ checkpoints: undefined }).open(subject("1"));
    expect(Buffer.from(restored.toBytes())).toEqual(Buffer.from(anew.toBytes()));
    expect(restored.sequence).toBe(30);

    const [name] = readdirSync(checkpoints);
    const bytes = readFileSync(join(checkpoints, name!));
    bytes[bytes.length - 70]! ^= 1;
    writeFileSync(join(checkpoints, name!), bytes);
    const repaired = await worker().open(subject("1"));
    expect(Buffer.from(repaired.toBytes())).toEqual(Buffer.from(anew.toBytes()));
  });

  it("pass over events that they cannot read and count them", async () => {
    const { writer, worker } = await openStream();
    const live = worker();
    const windows = await live.open(subject("1"));
    writer.append(
      [{ ...row(1), record: { t: 1 } }, { ...row(1), record: { t: 1, user: 3 } }, row(1)],
      NOWHERE,
    );
    await live.poll();
    expect([windows.skipped, asked(windows, 2)]).toEqual([2, 1]);
  });

  it("say how old they are when nobody sequences any more", async () => {
    const { sequencerStatus, writer, worker } = await openStream();
    let now = 5_000;
    const live = worker({ clock: () => now });
    expect(live.ageMs).toBe(0);
    await live.open(subject("1"));
    writer.append([row(1)], NOWHERE);
    const stopping = new AbortController();
    const following = live.follow(stopping.signal);
    writeSequencerStatus(sequencerStatus, { pid: 1, writtenAt: 6_000, readAt: 6_000, sequence: 1 });
    now = 6_500;
    while (live.ageMs !== 500) await new Promise((resolve) => setTimeout(resolve, 5));
    now = 60_000;
    expect(live.ageMs).toBe(54_000);
    stopping.abort();
    await following;
  });

  it("as they were can be had behind any event", async () => {
    const { stream, writer } = await openStream();
    for (let t = 0; t < 40; t += 4) writer.append([row(t), row(t + 1), row(t + 2), row(t + 3)], NOWHERE);
    const past = new PastWindows(stream, subject("1"));
    for (const sequence of [0, 3, 4, 17, 40, 2]) expect(asked((await past.at(sequence))!, 90)).toBe(sequence);
    expect(await past.at(41)).toBeUndefined();
  });

  it("stay as they were where events are missing", async () => {
    const { stream, writer, worker } = await openStream();
    for (let t = 0; t < 30; t++) writer.append([row(t)], NOWHERE);
    const live = worker();
    const windows = await live.open(subject("1"));
    const another = new StreamWriter({
      directory: stream,
      clock: () => 0,
      durability: "os",
      sequence: 35,
      marks: NOWHERE,
    });
    onTestFinished(() => another.close());
    another.append([row(40)], NOWHERE);
    await expect(live.poll()).rejects.toMatchObject({ code: "STREAM_GAP" });
    expect(windows.sequence).toBe(30);
  });
});
