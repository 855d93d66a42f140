import fc from "fast-check";
import { digestOf } from "../../kernel/index.ts";
import type { FrameRow } from "../frame-row.ts";

/** A log as its writers would have written it: rows with growing sequences, and which of them begin a new segment. */
export interface LogPlan {
  readonly rows: readonly FrameRow[];
  readonly rotateAfter: number;
}

const HOUR = Date.parse("2026-03-01T10:00:00Z");
const INCARNATIONS = ["01jd3k0000aaaaaa", "01jd3k0000bbbbbb"];

/** Doubles of every kind, among them −0, NaN and those with few bits. */
const double = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, 1, -1, 0.1, Number.MAX_VALUE, Number.MIN_VALUE),
);

function doubles(length: number): fc.Arbitrary<Float64Array> {
  return fc
    .array(double, { minLength: length, maxLength: length })
    .map((values) => Float64Array.from(values));
}

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

const input = fc.oneof(
  { weight: 6, arbitrary: fc.json().map((text) => new Uint8Array(Buffer.from(text))) },
  { weight: 2, arbitrary: fc.string({ unit: "binary" }).map((text) => new Uint8Array(Buffer.from(text))) },
  // Not UTF-8.
  { weight: 1, arbitrary: bytes(7) },
);

const row: fc.Arbitrary<Omit<FrameRow, "sequence" | "id">> = fc
  .record({
    instances: fc.integer({ min: 1, max: 3 }),
    featureCount: fc.integer({ min: 0, max: 4 }),
    width: fc.integer({ min: 1, max: 3 }),
    derivedCount: fc.option(fc.integer({ min: 0, max: 3 })),
    hasPayload: fc.boolean(),
  })
  .chain(({ instances, featureCount, width, derivedCount, hasPayload }) => {
    const payload = <Kind>(arbitrary: fc.Arbitrary<Kind>): fc.Arbitrary<Kind | null> =>
      hasPayload ? arbitrary : fc.constant(null);
    return fc.record({
      time: fc.integer({ min: 0, max: 3 * 3_600_000 }).map((after) => HOUR + after),
      model: fc.constantFrom("late", "churn", "a.b-c_d"),
      version: fc.integer({ min: 1, max: 0xffffffff }),
      arm: fc.constantFrom("champion", "version", ""),
      bundle: fc.constantFrom(digestOf("one"), digestOf("two")),
      incarnation: fc.constantFrom(...INCARNATIONS),
      instances: fc.constant(instances),
      featureCount: fc.constant(featureCount),
      width: payload(fc.constant(width)),
      derivedCount: fc.constant(derivedCount),
      streamSequence: derivedCount === null ? fc.constant(null) : fc.nat(),
      features: payload(doubles(instances * featureCount)),
      outputs: payload(doubles(instances * width)),
      windowValues: payload(doubles(derivedCount === null ? 0 : instances * (1 + derivedCount))),
      input: payload(input),
      salt: payload(bytes(16)),
      payloadDigest: bytes(32),
      frame: fc.constant(null),
    });
  });

export const anyLog: fc.Arbitrary<LogPlan> = fc
  .record({
    rows: fc.array(row, { minLength: 1, maxLength: 40 }),
    rotateAfter: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ rows, rotateAfter }) => ({
    rows: rows.map((given, sequence) => ({ ...given, sequence, id: "" })),
    rotateAfter,
  }));
