import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf, systemClock } from "../kernel/index.ts";
import {
  COMPACTED,
  listRawSegments,
  PREDICTION_LOG,
  readCompactions,
  readPredictionLog,
} from "../serving/index.ts";
import { listSegments, openSegmentWriter } from "../storage/index.ts";
import { type CompactionStep, compactSegments } from "./compact.ts";
import { CompactedLog } from "./compacted-log.ts";
import { type FrameRow, frameOfRow } from "./frame-row.ts";
import { removeAbandoned, removeCompacted, removeFiles } from "./log-files.ts";
import { planRetention } from "./retention.ts";

const INCARNATION = "01jd3k0000aaaaaa";
const START = Date.parse("2026-03-01T10:59:50Z");

const row = (sequence: number): FrameRow => ({
  id: "",
  time: START + sequence * 1000,
  model: sequence % 3 === 0 ? "churn" : "late",
  version: 1,
  arm: "champion",
  bundle: digestOf(`bundle ${sequence % 2}`),
  incarnation: INCARNATION,
  sequence,
  instances: 1,
  featureCount: 1,
  width: 1,
  derivedCount: null,
  streamSequence: null,
  features: Float64Array.of(sequence),
  outputs: Float64Array.of(-sequence),
  windowValues: new Float64Array(0),
  input: Buffer.from(`[{"n":${sequence}}]`),
  salt: new Uint8Array(16),
  payloadDigest: new Uint8Array(32).fill(7),
  frame: null,
});

/** A log of 40 predictions in several segments. */
async function openLog() {
  const directory = await mkdtemp(join(tmpdir(), "slipway-compact-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const writer = openSegmentWriter({
    directory,
    prefix: PREDICTION_LOG,
    incarnation: INCARNATION,
    clock: () => 0,
    maxSegmentBytes: 2_000,
  });
  for (let n = 0; n < 40; n++) {
    writer.append(frameOfRow(row(n)));
    writer.flushSync();
  }
  writer.close();
  const names = async (): Promise<string[]> =>
    (await listRawSegments(directory)).segments.map(({ segment }) => segment);
  const sequences = async (): Promise<number[]> => {
    const compacted = new CompactedLog(directory);
    const found: number[] = [];
    for await (const frame of readPredictionLog(directory, {}, { compacted })) found.push(frame.sequence);
    await compacted.close();
    return found.sort((a, b) => a - b);
  };
  const compact = async (more: Partial<Parameters<typeof compactSegments>[0]> = {}) =>
    compactSegments({ directory, segments: await names(), clock: systemClock, ...more });
  return { directory, names, sequences, compact };
}

const ALL = Array.from({ length: 40 }, (_, n) => n);

describe("a compaction", () => {
  it.each<CompactionStep>(["write", "verify", "commit"])(
    "that ends before it could %s changes nothing",
    async (at) => {
      const { directory, names, sequences, compact } = await openLog();
      const before = await names();
      const stop = (step: CompactionStep): void => {
        if (step === at) throw new Error("killed");
      };
      await expect(compact({ onStep: stop })).rejects.toThrow("killed");
      expect(await names()).toEqual(before);
      expect(await sequences()).toEqual(ALL);
      expect(await removeCompacted(directory)).toBe(0);
      expect(await compact()).toMatchObject({ number: 1 });
      expect(await removeCompacted(directory)).toBe(before.length);
      expect(await sequences()).toEqual(ALL);
    },
  );

  it("counts from its record on: the segments that are still there are read no more", async () => {
    const { directory, names, sequences, compact } = await openLog();
    await compact();
    expect((await listSegments(directory)).length).toBeGreaterThan(3);
    expect(await names()).toEqual([]);
    expect(await sequences()).toEqual(ALL);
    expect(await compact()).toBeUndefined();
    const [record] = await readCompactions(directory);
    expect(record!.files.map(({ path }) => path.replace(/\/[^/]*$/, ""))).toEqual([
      "predictions/model=churn/date=2026-03-01/hour=10",
      "predictions/model=late/date=2026-03-01/hour=10",
      "predictions/model=late/date=2026-03-01/hour=11",
      "predictions/model=churn/date=2026-03-01/hour=11",
    ]);
  });

  it("takes the place of no other: of two at once, one wins and the other leaves nothing behind", async () => {
    const { directory, names, sequences, compact } = await openLog();
    const segments = await names();
    const outcomes = await Promise.allSettled([compact({ segments }), compact({ segments })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const refused = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(refused.reason.code).toBe("COMPACTION_CONFLICT");
    const [record] = await readCompactions(directory);
    const files = (await readdir(join(directory, COMPACTED), { recursive: true })).filter((name) =>
      name.endsWith(".parquet"),
    );
    expect(files.length).toBe(record!.files.length + 1);
    expect(await sequences()).toEqual(ALL);
  });

  it("stops at a damaged segment, which stays", async () => {
    const { directory, names, compact } = await openLog();
    const before = await names();
    const path = join(directory, before[1]!);
    const bytes = await readFile(path);
    bytes.fill(0xff, 300, 320);
    await writeFile(path, bytes);
    await expect(compact()).rejects.toMatchObject({ code: "STORAGE_LOG_DAMAGED" });
    expect(await names()).toEqual(before);
  });

  it("says which of its files is gone", async () => {
    const { directory, sequences, compact } = await openLog();
    const record = await compact();
    await rm(join(directory, COMPACTED, record!.files[0]!.path));
    await expect(sequences()).rejects.toMatchObject({ code: "COMPACTION_FILE_DAMAGED" });
  });

  it("leaves nothing but what is wanted when files are removed for their age", async () => {
    const { directory, sequences, compact } = await openLog();
    await compact();
    await removeCompacted(directory);
    const plan = async (days: number) =>
      planRetention(
        await readCompactions(directory),
        { keepDays: new Map([["late", days]]), maxBytes: undefined, rawBytes: 0 },
        START + 86_400_000 + 11_000,
      );
    const removals = await plan(1);
    expect(removals.map(({ file }) => [file.model, file.predictions])).toEqual([["late", 6]]);
    await removeFiles(directory, removals);
    expect(await sequences()).toEqual(ALL.filter((n) => n >= 10 || n % 3 === 0));
    expect(await plan(1)).toEqual([]);
    const all = planRetention(
      await readCompactions(directory),
      { keepDays: new Map(), maxBytes: 0, rawBytes: 0 },
      START,
    );
    await removeFiles(directory, all);
    expect(await sequences()).toEqual([]);
    expect(await readdir(join(directory, COMPACTED))).toEqual(["seals"]);
  });

  it("that was killed leaves files that are removed when they are old", async () => {
    const { directory, sequences, compact } = await openLog();
    const record = await compact();
    const orphan = join(directory, COMPACTED, "predictions/model=late/orphan.parquet");
    await writeFile(orphan, "half");
    expect(await removeAbandoned(directory, systemClock)).toBe(0);
    const old = new Date(systemClock() - 7_200_000);
    await utimes(orphan, old, old);
    await utimes(join(directory, COMPACTED, record!.files[0]!.path), old, old);
    expect(await removeAbandoned(directory, systemClock)).toBe(1);
    expect(await sequences()).toEqual(ALL);
  });
});
