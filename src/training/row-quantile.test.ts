import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantileOf, weightedQuantileOf } from "./row-quantile.ts";

const values = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 60 });
const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });

describe("the quantile of a leaf's rows", () => {
  it("lies between the two neighbours of its place in the sorted values", () => {
    fc.assert(
      fc.property(values, share, (given, of) => {
        const sorted = given.toSorted((a, b) => a - b);
        const place = (given.length - 1) * of;
        const low = sorted[Math.floor(place)]!;
        const high = sorted[Math.ceil(place)]!;
        const expected = low + (high - low) * (place - Math.floor(place));
        expect(quantileOf(Float64Array.from(given), of)).toBeCloseTo(expected, 9);
      }),
    );
  });

  it("with weights is the first value beyond that share of the weight", () => {
    fc.assert(
      fc.property(values, share, fc.infiniteStream(fc.integer({ min: 0, max: 8 })), (given, of, stream) => {
        const weights = given.map((_, i) => (i === 0 ? 1 : stream.next().value) / 8);
        const found = weightedQuantileOf(Float64Array.from(given), Float64Array.from(weights), of);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const upTo = (value: number) =>
          given.reduce((sum, own, i) => sum + (own <= value ? weights[i]! : 0), 0);
        expect(given).toContain(found);
        expect(upTo(found)).toBeGreaterThan(total * of);
        for (const smaller of given.filter((value) => value < found))
          expect(upTo(smaller)).toBeLessThanOrEqual(total * of);
      }),
    );
  });
});
