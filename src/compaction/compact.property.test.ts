import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../kernel/index.ts";
import {
  decodePrediction,
  PREDICTION_LOG,
  type PredictionFrame,
  readPredictionLog,
} from "../serving/index.ts";
import { listSegments, openSegmentWriter } from "../storage/index.ts";
import { compactSegments } from "./compact.ts";
import { CompactedLog } from "./compacted-log.ts";
import { frameOfRow, rowOfFrame } from "./frame-row.ts";
import { removeCompacted } from "./log-files.ts";
import { anyLog, type LogPlan } from "./testing/random-log.ts";

const byId = (a: PredictionFrame, b: PredictionFrame): number => (a.id < b.id ? -1 : 1);

function writeLog(directory: string, { rows, rotateAfter }: LogPlan): void {
  for (const incarnation of new Set(rows.map((row) => row.incarnation))) {
    const writer = openSegmentWriter({
      directory,
      prefix: PREDICTION_LOG,
      incarnation,
      clock: () => 0,
      maxSegmentBytes: rotateAfter * 300,
    });
    for (const row of rows) {
      if (row.incarnation !== incarnation) continue;
      writer.append(frameOfRow(row));
      writer.flushSync();
    }
    writer.close();
  }
}

describe("a row of a frame", () => {
  it("makes the frame again, byte for byte", () => {
    fc.assert(
      fc.property(anyLog, ({ rows }) => {
        for (const row of rows) {
          const frame = frameOfRow(row);
          expect(frameOfRow(rowOfFrame(frame).row).equals(frame)).toBe(true);
        }
      }),
    );
  });
});

describe("a compacted log", () => {
  it("holds every frame of its segments byte for byte, in its place, and finds each by id", async () => {
    await fc.assert(
      fc.asyncProperty(anyLog, async (plan) => {
        const directory = await mkdtemp(join(tmpdir(), "slipway-compaction-"));
        const compacted = new CompactedLog(directory);
        try {
          writeLog(directory, plan);
          const segments = (await listSegments(directory)).map(({ segment }) => segment);
          const record = await compactSegments({ directory, segments, clock: systemClock });
          const rows = plan.rows.map((row) => decodePrediction(frameOfRow(row)));
          const held: PredictionFrame[] = [];
          for await (const frame of readPredictionLog(directory, {}, { compacted })) held.push(frame);
          expect(held.sort(byId)).toEqual([...rows].sort(byId));
          expect(await removeCompacted(directory)).toBe(segments.length);
          expect(record!.files.reduce((sum, file) => sum + file.predictions, 0)).toBe(
            rows.reduce((sum, { instances }) => sum + instances, 0),
          );
          for (const expected of rows) {
            const found = await compacted.find({
              time: expected.time,
              incarnationTail: expected.incarnation.slice(-6),
              sequence: expected.sequence,
              instance: undefined,
            });
            expect(found).toEqual(expected);
          }
        } finally {
          await compacted.close();
          await rm(directory, { recursive: true, force: true });
        }
      }),
      { numRuns: 15 },
    );
  });
});
