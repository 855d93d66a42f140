import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/index.ts";
import { inferenceErrors } from "./errors.ts";
import type { Forest } from "./forest.ts";
import { createForestEngine, decodeForest, encodeForest, openEngine } from "./index.ts";
import { randomForest, randomMatrix } from "./testing/random-forest.ts";

const forest = randomForest(11, { trees: 5, mostLeaves: 9 });
const bytes = encodeForest(forest);

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

/** A file whose arrays break a rule: written around the check that `encodeForest` makes. */
function broken(change: (arrays: { [Name in keyof Forest]: Forest[Name] }) => void): Uint8Array {
  const copy = structuredClone(forest) as Forest;
  change(copy);
  // Both forests have arrays of the same lengths, so that the changed ones can be put over the sound ones.
  const target = bytes.slice();
  const view = new DataView(target.buffer);
  let at = Math.ceil((16 + view.getUint32(12, true)) / 8) * 8;
  view.setFloat64(at, copy.base, true);
  at += 8;
  for (const values of [copy.nodeThreshold, copy.leafValue, copy.leafCover]) {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  const integers = [
    copy.treeNodes,
    copy.treeLeaves,
    copy.nodeFeature,
    copy.nodeLeft,
    copy.nodeRight,
    copy.nodeCategories,
  ];
  for (const values of integers) {
    for (const value of values) {
      view.setInt32(at, value, true);
      at += 4;
    }
  }
  at += 4 * copy.categoryWords.length;
  target.set(copy.nodeMissingLeft, at);
  return sealed(target);
}

describe("a forest file", () => {
  it("gives back the forest it was written from, and the same bytes again", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 8 }), (seed, trees) => {
        const original = randomForest(seed, { trees, mostLeaves: 40 });
        const written = encodeForest(original);
        const read = decodeForest(written);
        expect(read).toEqual(original);
        expect(digestOf(encodeForest(read))).toBe(digestOf(written));
      }),
      { numRuns: 60 },
    );
  });

  it("is read from the middle of a larger buffer", () => {
    const larger = new Uint8Array(bytes.length + 11);
    larger.set(bytes, 5);
    expect(decodeForest(larger.subarray(5, 5 + bytes.length))).toEqual(forest);
  });

  it("is refused when any byte has changed", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const changed = bytes.slice();
        changed[place] = changed[place]! ^ flip;
        expect(isDamaged(() => openEngine("forest", changed))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("is refused, or predicts safely, when bytes have changed and the checksum was made to fit", () => {
    const matrix = randomMatrix(1, forest.features, 30);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 5), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = bytes.slice();
          for (const [place, value] of changes) changed[place] = value;
          isDamaged(() => {
            const read = decodeForest(sealed(changed));
            const values = matrix.values.slice(0, read.features.length);
            const predictions = createForestEngine(read).predictMatrix({
              ...matrix,
              columns: read.features,
              values,
            });
            expect(predictions.every((value) => Number.isFinite(value))).toBe(true);
          });
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("is refused when it ends early or late", () => {
    for (const length of [0, 7, 15, 16, 40, bytes.length - 1])
      expect(isDamaged(() => decodeForest(bytes.slice(0, length)))).toBe(true);
    expect(isDamaged(() => decodeForest(new Uint8Array([...bytes, 0])))).toBe(true);
  });

  it("says what is wrong with it", () => {
    const node = forest.nodeFeature.length - 1;
    const cases: [RegExp, (copy: Forest) => void][] = [
      [/asks for feature 99/, (copy) => copy.nodeFeature.fill(99, node, node + 1)],
      [/asks for feature -1/, (copy) => copy.nodeFeature.fill(-1, node, node + 1)],
      [/no threshold \(NaN\)/, (copy) => copy.nodeThreshold.fill(Number.NaN, node, node + 1)],
      [/leaf 0 has value Infinity/, (copy) => copy.leafValue.fill(Number.POSITIVE_INFINITY, 0, 1)],
      [/leaf 0 has cover -1/, (copy) => copy.leafCover.fill(-1, 0, 1)],
      [/does not come after it/, (copy) => copy.nodeLeft.fill(0, 0, 1)],
      [/does not exist/, (copy) => copy.nodeLeft.fill(1000, 0, 1)],
      [/does not exist/, (copy) => copy.nodeRight.fill(-1000, 0, 1)],
      [/shares its child/, (copy) => copy.nodeRight.fill(copy.nodeLeft[0]!, 0, 1)],
      [/tree node offsets/, (copy) => copy.treeNodes.fill(-5, 1, 2)],
      [/category offsets/, (copy) => copy.nodeCategories.fill(1_000_000, 1, 2)],
      [/unknown flag/, (copy) => copy.nodeMissingLeft.fill(2, 0, 1)],
    ];
    for (const [message, change] of cases) {
      expect(() => decodeForest(broken(change))).toThrow(message);
      expect(isDamaged(() => decodeForest(broken(change)))).toBe(true);
    }
    expect(() =>
      decodeForest(sealed(new TextEncoder().encode("not a forest at all, but long enough"))),
    ).toThrow("does not begin like a forest file");
  });

  it("is not written from a forest that breaks the rules", () => {
    expect(() => encodeForest({ ...forest, base: Number.NaN })).toThrow(
      "the forest cannot be written: its base is NaN",
    );
    const [feature] = forest.features;
    expect(() => encodeForest({ ...forest, features: [feature!, ...forest.features] })).toThrow(
      "two features",
    );
  });
});
