import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  jensenShannonDistance,
  kolmogorovSmirnovOfBins,
  largestShareDifference,
  populationStability,
  sampleDistances,
} from "./distances.ts";

const counts = fc
  .array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 30 })
  .map((pairs) => [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const)
  .filter((pair) => pair.every((list) => list.some((count) => count > 0)));

const distances = [
  jensenShannonDistance,
  kolmogorovSmirnovOfBins,
  largestShareDifference,
  populationStability,
] as const;

describe("distances of counts", () => {
  it("are 0 between a distribution and itself, whatever its size, and alike in both directions", () => {
    fc.assert(
      fc.property(counts, ([a, b]) => {
        for (const distance of distances) {
          expect(
            distance(
              a,
              a.map((count) => count * 3),
            ),
          ).toBeCloseTo(0, 7);
          expect(distance(a, b)).toBeCloseTo(distance(b, a), 12);
          expect(distance(a, b)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("are 1 between distributions that share nothing, but for the stability index", () => {
    expect(distances.slice(0, 3).map((distance) => distance([5, 0], [0, 9]))).toEqual([1, 1, 1]);
    expect(populationStability([5, 0], [0, 9])).toBeGreaterThan(18);
  });
});

describe("distances of samples", () => {
  const sample = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

  it("find the largest gap between the distribution functions", () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const below = (values: number[], limit: number) =>
          values.filter((value) => value <= limit).length / values.length;
        const largest = Math.max(...[...a, ...b].map((limit) => Math.abs(below(a, limit) - below(b, limit))));
        const found = sampleDistances(Float64Array.from(a), Float64Array.from(b));
        expect(found.kolmogorovSmirnov).toBeCloseTo(largest, 12);
      }),
    );
  });

  it("take each value as a bin where the reference has few", () => {
    const few = sampleDistances(Float64Array.of(0, 0, 1, 1), Float64Array.of(1, 0, 7, 1));
    expect(few.bins).toBe(3);
    expect(few.psi).toBeCloseTo(populationStability([2, 2, 0], [1, 2, 1]), 12);
  });
});
