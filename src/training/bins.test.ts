import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom, type FeatureColumn } from "../kernel/index.ts";
import { binsOfCodes, type FeatureBins, findBins } from "./bins.ts";

const OPTIONS = { feature: 0, maxBins: 255, minRowsPerLeaf: 20, seed: 1 };
const NUMERIC: FeatureColumn = { name: "x", kind: "numeric", cardinality: 0 };

function binOf(bins: FeatureBins, value: number): number {
  if (bins.kind === "categorical") return binsOfCodes(bins)[value] ?? bins.valueBins;
  return Number.isNaN(value) ? bins.valueBins : bins.bounds.findIndex((bound) => value <= bound);
}

function binsOf(bins: FeatureBins, values: Float64Array): number[] {
  return [...values].map((value) => binOf(bins, value));
}

const anyNumber = fc.oneof(
  fc.double(),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.NaN, Number.MAX_VALUE),
);

describe("numeric bins", () => {
  it("order values, and hold (bound before, bound]", () => {
    fc.assert(
      fc.property(
        fc.array(anyNumber, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 2, max: 255 }),
        (list, maxBins) => {
          const values = Float64Array.from(list);
          const bins = findBins(NUMERIC, values, { ...OPTIONS, maxBins, minRowsPerLeaf: 1 });
          expect(bins.valueBins).toBe(bins.bounds.length);
          expect(bins.valueBins + (bins.hasMissing ? 1 : 0)).toBeLessThanOrEqual(maxBins + 1);
          expect(bins.bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
          for (let i = 1; i < bins.bounds.length; i++)
            expect(bins.bounds[i]!).toBeGreaterThan(bins.bounds[i - 1]!);
          for (const [i, bin] of binsOf(bins, values).entries()) {
            if (Number.isNaN(values[i])) {
              expect(bin).toBe(bins.valueBins);
              continue;
            }
            expect(values[i]!).toBeLessThanOrEqual(bins.bounds[bin]!);
            if (bin > 0) expect(values[i]!).toBeGreaterThan(bins.bounds[bin - 1]!);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("give each of a few values its own", () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => (i % 40) - 20);
    const found = binsOf(findBins(NUMERIC, values, OPTIONS), values);
    expect(new Set(found).size).toBe(40);
    const million = Float64Array.from({ length: 300_000 }, (_, i) => i % 97);
    expect(new Set(binsOf(findBins(NUMERIC, million, OPTIONS), million)).size).toBe(97);
  });

  it("hold about the same number of rows when there are many values, frequent ones alone", () => {
    const random = createRandom(1);
    const values = Float64Array.from({ length: 60_000 }, () =>
      random.integer(4) === 0 ? 5 : random.float() * 10,
    );
    const bins = findBins(NUMERIC, values, OPTIONS);
    const counts = new Map<number, number>();
    for (const bin of binsOf(bins, values)) counts.set(bin, (counts.get(bin) ?? 0) + 1);
    const sizes = [...counts.values()].sort((a, b) => b - a);
    expect(bins.valueBins).toBeGreaterThan(250);
    expect(sizes[0]).toBeGreaterThan(14_000);
    expect(sizes[1]).toBeLessThan(400);
  });

  it("keep zero apart from small values on either side", () => {
    const values = Float64Array.from({ length: 900 }, (_, i) =>
      i % 3 === 0 ? 0 : i % 3 === 1 ? 1e-9 : -1e-9,
    );
    expect(new Set(binsOf(findBins(NUMERIC, values, OPTIONS), values)).size).toBe(3);
  });

  it("are one when nothing can be split", () => {
    for (const constant of [4, Number.NaN]) {
      const bins = findBins(NUMERIC, new Float64Array(50).fill(constant), OPTIONS);
      expect(bins).toMatchObject({ valueBins: 1, hasMissing: false });
    }
  });
});

describe("categorical bins", () => {
  it("go to the most frequent codes; the others share the bin of missing values", () => {
    const values = Float64Array.from([7, 7, 7, 2, 2, 9, Number.NaN, 0, 0, 0, 0]);
    const bins = findBins({ name: "c", kind: "categorical", cardinality: 10 }, values, {
      ...OPTIONS,
      maxBins: 3,
    });
    expect([...bins.codes]).toEqual([0, 7, 2]);
    expect(bins).toMatchObject({ valueBins: 3, hasMissing: true });
    expect(binsOf(bins, values)).toEqual([1, 1, 1, 2, 2, 3, 3, 0, 0, 0, 0]);
    expect(binsOf(bins, Float64Array.of(5, 999, -1))).toEqual([3, 3, 3]);
  });
});
