import { describe, expect, it } from "vitest";
import type { FeatureBins } from "./bins.ts";
import { planMemory } from "./gbdt-memory.ts";
import { quantisationFor } from "./quantisation.ts";

const numeric = (valueBins: number): FeatureBins => ({
  feature: 0,
  kind: "numeric",
  bounds: new Float64Array(valueBins),
  codes: new Int32Array(0),
  valueBins,
  hasMissing: true,
});
const shape = {
  validateRows: 100,
  weighted: true,
  validateWeighted: false,
  leaves: 31,
  threads: 2,
  outputs: 1,
};

describe("the memory of a training", () => {
  it("gives every part a place of its own", () => {
    const features = [255, 3, 2, 9, 40, 255, 7, 8, 17, 100].map(numeric);
    const layout = planMemory({ ...shape, features, rows: 1001 });
    const { train, validate } = layout;
    const starts = Object.values({ ...layout, ...train, validateScore: validate?.score }).filter(
      (value): value is number => typeof value === "number" && value >= 64,
    );
    for (const start of starts) expect(start).toBeLessThan(layout.pages * 65_536);
    expect(layout.groups.map(({ first, count }) => [first, count])).toEqual([
      [0, 8],
      [8, 2],
    ]);
    expect(layout.groups[1]).toMatchObject({ firstBin: layout.firstBins[8], offsets: [0, 18] });
    expect(layout.histogramBytes).toBeGreaterThanOrEqual(
      features.reduce((sum, { valueBins }) => sum + valueBins + 1, 0) * 16,
    );
    expect(validate?.weight).toBe(0);
  });

  it("is refused beyond what 32-bit addresses reach, with what would help", () => {
    const plan = () => planMemory({ ...shape, features: [numeric(255)], rows: 100_000_000 });
    expect(plan).toThrow(/training on 100000000 rows × 1 features with 31 leaves needs .* GB/);
    const wide = () =>
      planMemory({
        ...shape,
        leaves: 4096,
        features: Array.from({ length: 3000 }, () => numeric(255)),
        rows: 10,
      });
    expect(wide).toThrow(/4096 leaves/);
  });
});

describe("quantisation", () => {
  it("keeps every sum within 52 bits and the packed integer within 63", () => {
    for (const rows of [1, 2, 1000, 2 ** 20 - 1, 2 ** 20, 2 ** 26]) {
      const { gradientBits, hessianBits, countShift } = quantisationFor(rows);
      expect(rows * 2 ** gradientBits).toBeLessThanOrEqual(2 ** 52);
      expect(rows * 2 ** hessianBits).toBeLessThanOrEqual(2 ** Math.min(52, countShift));
      expect(BigInt(rows) << BigInt(countShift)).toBeLessThan(2n ** 63n);
      expect(countShift).toBeGreaterThanOrEqual(32);
      expect(hessianBits).toBeGreaterThanOrEqual(8);
    }
  });
});
