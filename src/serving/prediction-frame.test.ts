import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/index.ts";
import {
  completeHeader,
  decodePrediction,
  decodeSeal,
  encodeSeal,
  frameBytes,
  headerTemplate,
  PAYLOAD_PREFIX_BYTES,
  peekFrame,
  SALT_BYTES,
} from "./prediction-frame.ts";
import { newIncarnation, PredictionIds } from "./prediction-id.ts";

const incarnation = newIncarnation(() => 986_000_000_000);

interface Sample {
  readonly model: string;
  readonly version: number;
  readonly features: readonly (readonly number[])[];
  /** As many for each instance. */
  readonly outputs: readonly number[];
  readonly input: string;
}

/** The frame of a request, put together as the log does it. */
function frameOf(sample: Sample): Buffer {
  const featureCount = sample.features[0]?.length ?? 0;
  const instances = sample.features.length;
  const width = sample.outputs.length / instances;
  const header = headerTemplate({
    incarnation,
    model: sample.model,
    version: sample.version,
    bundle: digestOf(sample.model),
    arm: "champion",
    featureCount,
  });
  const input = Buffer.from(sample.input);
  const length = frameBytes({
    headerBytes: header.length,
    instances,
    featureCount,
    width,
    inputBytes: input.length,
  });
  const bytes = Buffer.alloc(length, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.set(header);
  view.setUint32(header.length + SALT_BYTES, input.length, true);
  view.setUint32(header.length + SALT_BYTES + 4, width - 1, true);
  let at = header.length + PAYLOAD_PREFIX_BYTES;
  for (const value of [...sample.features.flat(), ...sample.outputs]) {
    view.setFloat64(at, value, true);
    at += 8;
  }
  bytes.set(input, at);
  const payloadDigest = hash("sha256", bytes.subarray(header.length), "latin1");
  completeHeader({ bytes, view }, { instances, time: 986_000_000_123, sequence: 77, payloadDigest });
  return bytes;
}

const samples: fc.Arbitrary<Sample> = fc
  .record({
    instances: fc.integer({ min: 1, max: 5 }),
    featureCount: fc.nat(6),
    width: fc.integer({ min: 1, max: 4 }),
  })
  .chain(({ instances, featureCount, width }) =>
    fc.record({
      model: fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,60}$/),
      version: fc.integer({ min: 1, max: 0xffffffff }),
      features: fc.array(fc.array(fc.double(), { minLength: featureCount, maxLength: featureCount }), {
        minLength: instances,
        maxLength: instances,
      }),
      outputs: fc.array(fc.double(), { minLength: instances * width, maxLength: instances * width }),
      input: fc.json(),
    }),
  );

describe("a prediction's frame", () => {
  it("gives back what went into it", () => {
    fc.assert(
      fc.property(samples, fc.nat(16), (sample, offset) => {
        // Frames begin at any offset of a segment.
        const frame = Buffer.concat([Buffer.alloc(offset), frameOf(sample)]).subarray(offset);
        const prediction = decodePrediction(frame);
        expect(prediction).toMatchObject({
          id: new PredictionIds(incarnation).write(986_000_000_123, 77),
          time: 986_000_000_123,
          sequence: 77,
          incarnation,
          model: sample.model,
          version: sample.version,
          bundle: digestOf(sample.model),
          arm: "champion",
          instances: sample.features.length,
        });
        expect(prediction.payload?.width).toBe(sample.outputs.length / sample.features.length);
        expect(prediction.payload?.intact).toBe(true);
        expect(prediction.payload?.input.toString()).toBe(sample.input);
        expect(Array.from(prediction.payload!.features)).toEqual(sample.features.flat());
        expect(Array.from(prediction.payload!.outputs)).toEqual(sample.outputs);
      }),
      { numRuns: 40 },
    );
  });

  const sample: Sample = { model: "late", version: 1, features: [[1, 2]], outputs: [0.5], input: "[{}]" };

  it("without its payload is a forgotten prediction", () => {
    const frame = frameOf(sample);
    const prediction = decodePrediction(frame.subarray(0, frame.readUInt16LE(2)));
    expect(prediction.payload).toBeUndefined();
    expect(prediction).toMatchObject({ model: "late", instances: 1 });
  });

  it("shows when its payload has been altered", () => {
    const frame = frameOf(sample);
    frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
    expect(decodePrediction(frame).payload?.intact).toBe(false);
  });

  it("is refused, not misread, when it is cut short or changed anywhere", () => {
    const frame = frameOf(sample);
    for (let length = 0; length < frame.length; length++) {
      if (length === frame.readUInt16LE(2)) continue;
      expect(() => decodePrediction(frame.subarray(0, length))).toThrow("bad frame");
    }
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(frame);
        changed.writeUInt8(byte, at);
        try {
          decodePrediction(changed);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "SERVING_BAD_FRAME" });
        }
      }),
    );
  });
});

describe("a seal", () => {
  it("gives back what went into it", () => {
    const seal = {
      incarnation,
      firstSequence: 5,
      predictions: 3,
      before: Buffer.alloc(32, 1),
      after: Buffer.alloc(32, 2),
    };
    expect(decodeSeal(encodeSeal(seal))).toEqual(seal);
    expect(peekFrame(encodeSeal(seal))).toMatchObject({ kind: 2, sequence: 5 });
  });
});
