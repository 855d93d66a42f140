import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { momentsOf, mostFrequentOf, quantileBounds, sortedValues } from "./statistics.ts";

const anyValues = fc
  .array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
    minLength: 1,
    maxLength: 200,
  })
  .map((values) => Float64Array.from(values, (value) => value + 0));

describe("moments", () => {
  it("are finite for all finite numbers, and the mean lies between the extremes", () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { mean, deviation } = momentsOf(values);
        const sorted = values.slice().sort();
        const slack = 1e-9 * Math.max(Math.abs(sorted[0]!), Math.abs(sorted.at(-1)!));
        expect(mean >= sorted[0]! - slack && mean <= sorted.at(-1)! + slack).toBe(true);
        expect(Number.isFinite(deviation) && deviation >= 0).toBe(true);
      }),
    );
  });

  it("do not see what is missing", () => {
    expect(momentsOf(Float64Array.of(Number.NaN, 2, 4, Number.NaN))).toEqual({
      count: 2,
      mean: 3,
      deviation: 1,
    });
    expect(momentsOf(Float64Array.of(Number.NaN))).toEqual({ count: 0, mean: 0, deviation: 0 });
  });
});

describe("order statistics", () => {
  it("of many values come from a sample that is the same each time", () => {
    const values = Float64Array.from({ length: 20_000 }, (_, row) => (row * 7919) % 20_000);
    const sample = sortedValues(values, 2000);
    expect(Math.abs(sample.length - 2000)).toBeLessThan(200);
    expect(sample).toEqual(sortedValues(values, 2000));
    expect(Math.abs(sample[sample.length >>> 1]! - 10_000)).toBeLessThan(1000);
    expect(sortedValues(values, 20_000)).toEqual(values.slice().sort());
  });

  it("bound at most as many buckets as asked for, rising, with a value in each", () => {
    fc.assert(
      fc.property(anyValues, fc.integer({ min: 2, max: 20 }), (values, buckets) => {
        const sorted = sortedValues(values);
        const bounds = quantileBounds(sorted, buckets);
        expect(bounds.length).toBeLessThan(buckets);
        const edges = [Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY];
        for (let at = 1; at < edges.length; at++) {
          expect(sorted.some((value) => value >= edges[at - 1]! && value < edges[at]!)).toBe(true);
        }
      }),
    );
  });

  it("find the most frequent value", () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const countOf = (wanted: number): number => values.filter((value) => value === wanted).length;
        const best = mostFrequentOf(sortedValues(values));
        for (const value of values) {
          const isMore = countOf(value) > countOf(best);
          const isSmaller = countOf(value) === countOf(best) && value < best;
          expect(isMore || isSmaller).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });
});
