import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inferenceErrors } from "../errors.ts";
import { createLinearEngine, decodeLinear, encodeLinear, type Linear, openEngine } from "../index.ts";
import { randomMatrix } from "../testing/random-forest.ts";
import { randomLinear } from "../testing/random-linear.ts";

const linear = randomLinear(5, 60);
const bytes = encodeLinear(linear);

/** The bytes with a checksum that fits them, as an attacker would write it. */
function sealed(changed: Uint8Array): Uint8Array {
  const end = changed.length - 4;
  new DataView(changed.buffer).setUint32(end, crc32(changed.subarray(0, end)), true);
  return changed;
}

function isDamaged(action: () => unknown): boolean {
  try {
    action();
  } catch (error) {
    if (inferenceErrors.INFERENCE_DAMAGED_MODEL.is(error)) return true;
    throw error;
  }
  return false;
}

/** A file of a model that breaks a rule: the arrays of `changed` put over those of the sound one. */
function broken(changed: Linear): Uint8Array {
  const target = bytes.slice();
  const view = new DataView(target.buffer);
  let at = Math.ceil((16 + view.getUint32(12, true)) / 8) * 8;
  for (const values of [[changed.intercept], changed.centre, changed.scale, changed.weights]) {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  for (const slot of changed.slots) {
    view.setInt32(at, slot, true);
    at += 4;
  }
  return sealed(target);
}

/** A file with this header and nothing else that is sound. */
function withHeader(header: string): Uint8Array {
  const json = new TextEncoder().encode(header);
  const target = new Uint8Array(16 + json.length + 100);
  target.set(new TextEncoder().encode("SLIPLINE"));
  new DataView(target.buffer).setUint32(8, 1, true);
  new DataView(target.buffer).setUint32(12, json.length, true);
  target.set(json, 16);
  return sealed(target);
}

describe("a linear file", () => {
  it("gives back the model it was written from, and the same bytes again", () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(0, 1, 50), (seed, weights) => {
        const original = randomLinear(seed, weights);
        const read = decodeLinear(encodeLinear(original));
        expect(read).toEqual(original);
        expect(Buffer.compare(encodeLinear(read), encodeLinear(original))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("is read from the middle of a larger buffer", () => {
    const larger = new Uint8Array(bytes.length + 11);
    larger.set(bytes, 5);
    expect(decodeLinear(larger.subarray(5, 5 + bytes.length))).toEqual(linear);
  });

  it("is refused when any byte has changed", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const changed = bytes.slice();
        changed[place] = changed[place]! ^ flip;
        expect(isDamaged(() => openEngine("linear", changed))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("is refused, or predicts safely, when bytes have changed and the checksum was made to fit", () => {
    const matrix = randomMatrix(1, linear.features, 20);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 5), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = bytes.slice();
          for (const [place, value] of changes) changed[place] = value;
          isDamaged(() => {
            const read = decodeLinear(sealed(changed));
            const columns = read.features;
            const values = matrix.values.slice(0, columns.length);
            const predictions = createLinearEngine(read).predictMatrix({ ...matrix, columns, values });
            expect(predictions.every((value) => Number.isFinite(value))).toBe(true);
          });
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("is refused when it ends early or late", () => {
    for (const length of [0, 7, 15, 16, 40, bytes.length - 1])
      expect(isDamaged(() => decodeLinear(bytes.slice(0, length)))).toBe(true);
    expect(isDamaged(() => decodeLinear(new Uint8Array([...bytes, 0])))).toBe(true);
  });

  it("says what is wrong with it", () => {
    const cases: [RegExp, (copy: Linear) => Partial<Linear>][] = [
      [/its intercept is NaN/, () => ({ intercept: Number.NaN })],
      [/weight 0 is 0/, ({ weights }) => ({ weights: weights.fill(0, 0, 1) })],
      [/weight 1 is Infinity/, ({ weights }) => ({ weights: weights.fill(Number.POSITIVE_INFINITY, 1, 2) })],
      [/weight 0 is that of slot -1/, ({ slots }) => ({ slots: slots.fill(-1, 0, 1) })],
      [/slot \d+ comes after slot/, ({ slots }) => ({ slots: slots.reverse() })],
      [/has centre NaN/, ({ centre }) => ({ centre: centre.fill(Number.NaN) })],
      [/has centre .* and scale 0/, ({ scale }) => ({ scale: scale.fill(0) })],
    ];
    const numbers = randomLinear(5, 60).features.map((feature, i) => ({
      ...feature,
      name: `${i}`,
    }));
    expect(numbers.some(({ kind }) => kind === "numeric")).toBe(true);
    for (const [message, change] of cases) {
      const copy: Linear = structuredClone(linear);
      const file = broken({ ...copy, ...change(copy) });
      expect(isDamaged(() => decodeLinear(file))).toBe(true);
      expect(() => decodeLinear(file)).toThrow(
        // Whichever feature the rule meets first.
        message.source.startsWith("has centre") ? /has centre|neither numeric nor/ : message,
      );
    }
  });

  it("takes no memory for what a hostile header promises", () => {
    const features = (cardinality: number): string =>
      `{"cardinality":${cardinality},"kind":"categorical","name":"x"}`;
    const cases: [string, RegExp][] = [
      [`{"features":[${features(3)}],"task":"binary","weights":2147483647}`, /its header asks for/],
      [`{"features":[${features(2 ** 32)}],"task":"binary","weights":0}`, /does not describe/],
      [`{"features":[],"task":"multiclass","weights":0}`, /does not describe/],
      ["not JSON", /not JSON/],
      [` {"features":[],"task":"binary","weights":0}`, /not canonical/],
    ];
    for (const [header, message] of cases) expect(() => decodeLinear(withHeader(header))).toThrow(message);
    const wide = {
      ...linear,
      features: [{ name: "x", kind: "categorical", cardinality: 0x7fffffff }],
    } as const;
    expect(() => encodeLinear(wide)).toThrow(/more than 268435456 slots/);
  });

  it("is not written from a model that breaks the rules", () => {
    expect(() => encodeLinear({ ...linear, intercept: 1e101 })).toThrow(
      expect.objectContaining({ code: "INFERENCE_BAD_LINEAR" }),
    );
  });
});
