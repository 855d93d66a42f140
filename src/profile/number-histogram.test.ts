import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binBounds, MAX_BINS, NumberHistogram } from "./number-histogram.ts";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const values = fc.oneof(
  fc.array(finite, { maxLength: 700 }),
  fc.array(fc.integer({ min: -300, max: 300 }), { maxLength: 700 }),
  fc.array(fc.double({ min: 15, max: 16, noNaN: true }), { maxLength: 700 }),
);

function histogramOf(numbers: readonly number[]): NumberHistogram {
  const histogram = new NumberHistogram();
  const words = new Int32Array(Float64Array.from(numbers).buffer);
  histogram.addDoubles(words, 0, numbers.length);
  return histogram;
}

describe("NumberHistogram", () => {
  it("is the same for the parts together as for the whole, whatever the parts and their order", () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const whole = histogramOf([...left, ...right]).toDocument();
        const merged = histogramOf(left);
        merged.merge(histogramOf(right).toDocument());
        expect(merged.toDocument()).toEqual(whole);
        const turned = histogramOf(right);
        turned.merge(histogramOf(left).toDocument());
        expect(turned.toDocument()).toEqual(whole);
        expect(histogramOf([...right, ...left]).toDocument()).toEqual(whole);
      }),
    );
  });

  it("puts each value in a bin whose bounds hold it, in ascending order, none overlapping", () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const { level, keys, counts } = histogramOf(numbers).toDocument();
        expect(keys.length).toBeLessThanOrEqual(MAX_BINS);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(numbers.length);
        const bounds = keys.map((key) => binBounds(level, key));
        for (const [index, { lower, upper }] of bounds.entries()) {
          expect(lower).toBeLessThanOrEqual(upper);
          if (index > 0) expect(bounds[index - 1]!.upper).toBeLessThan(lower);
          const inside = numbers.filter((value) => value >= lower && value <= upper).length;
          expect(inside).toBe(counts[index]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gives up to 512 different whole numbers bins of their own", () => {
    const numbers = Array.from({ length: 512 }, (_, i) => i - 100);
    const { level, keys } = histogramOf(numbers).toDocument();
    expect(
      keys.map((key) =>
        binBounds(level, key).lower >= 0 ? binBounds(level, key).lower : binBounds(level, key).upper,
      ),
    ).toEqual(numbers);
  });

  it("keeps bins narrow: at most 1/32 of their values for numbers spread over four orders of magnitude", () => {
    const { level } = histogramOf(Array.from({ length: 10_000 }, (_, i) => i + 1)).toDocument();
    expect(2 ** -level).toBeLessThanOrEqual(1 / 32);
  });
});
