import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CompactedFile, Compaction } from "../serving/index.ts";
import { planRetention, type RetentionPolicy, summarise, withoutFiles } from "./retention.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

const file = fc
  .record({
    model: fc.constantFrom("late", "churn", "other"),
    age: fc.integer({ min: 0, max: 60 * DAY }),
    bytes: fc.integer({ min: 1, max: 1_000 }),
    predictions: fc.integer({ min: 1, max: 50 }),
  })
  .map(
    ({ model, age, bytes, predictions }): Omit<CompactedFile, "path"> => ({
      model,
      hour: NOW - age,
      requests: predictions,
      predictions,
      sampledOut: 0,
      bytes,
      firstTime: NOW - age - 1_000,
      lastTime: NOW - age,
      bundles: [],
      workers: [],
    }),
  );

const compactions = fc.array(fc.array(file, { maxLength: 6 }), { maxLength: 6 }).map((records) =>
  records.map(
    (files, at): Compaction => ({
      format: "slipway.compaction/1",
      number: at + 1,
      at: NOW,
      segments: [],
      bytes: 0,
      files: files.map((one, place) => ({ ...one, path: `${at}-${place}` })),
      seals: { path: `seals-${at}`, seals: 0, bytes: 1 },
    }),
  ),
);

const policy: fc.Arbitrary<RetentionPolicy> = fc.record({
  keepDays: fc
    .dictionary(fc.constantFrom("late", "churn"), fc.integer({ min: 1, max: 50 }))
    .map((days) => new Map(Object.entries(days))),
  maxBytes: fc.option(fc.integer({ min: 0, max: 6_000 }), { nil: undefined }),
  rawBytes: fc.integer({ min: 0, max: 2_000 }),
});

const bytesOf = (files: readonly CompactedFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

describe("retention", () => {
  it("removes what is too old, then the oldest until the rest fits, and nothing else", () => {
    fc.assert(
      fc.property(compactions, policy, (records, given) => {
        const removals = planRetention(records, given, NOW);
        const all = records.flatMap(({ files }) => files);
        const removed = new Set(removals.map((removal) => removal.file.path));
        expect(removed.size).toBe(removals.length);
        const kept = all.filter(({ path }) => !removed.has(path));
        const isOld = ({ model, lastTime }: CompactedFile): boolean =>
          lastTime < NOW - (given.keepDays.get(model) ?? Number.POSITIVE_INFINITY) * DAY;
        expect(kept.filter(isOld)).toEqual([]);
        expect(
          removals
            .filter(({ reason }) => reason === "age")
            .map(({ file: one }) => one)
            .every(isOld),
        ).toBe(true);
        const forRoom = removals.filter(({ reason }) => reason === "room").map(({ file: one }) => one);
        const taken = given.rawBytes + records.length + bytesOf(kept);
        if (given.maxBytes === undefined) expect(forRoom).toEqual([]);
        else if (kept.length > 0) expect(taken).toBeLessThanOrEqual(given.maxBytes);
        // The last one that went was needed, and nothing older stays.
        const last = forRoom.at(-1);
        if (last !== undefined) {
          expect(taken + last.bytes).toBeGreaterThan(given.maxBytes!);
          expect(kept.every(({ lastTime }) => lastTime >= last.lastTime)).toBe(true);
        }
        expect(summarise(removals).reduce((sum, { bytes }) => sum + bytes, 0)).toBe(
          bytesOf(removals.map((removal) => removal.file)),
        );
        const rest = records.flatMap((record) => withoutFiles(record, removed)?.files ?? []);
        expect(rest).toEqual(kept);
      }),
    );
  });
});
