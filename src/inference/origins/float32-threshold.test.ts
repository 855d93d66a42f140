import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atMostInFloat32, belowInFloat32 } from "./float32-threshold.ts";

const threshold = fc.oneof(
  fc.float({ noNaN: true }),
  fc
    .constantFrom(0, -0, 1, 1e-45, -1e-45, 3.4028234663852886e38, -3.4028234663852886e38, 0.1)
    .map(Math.fround),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

/** Doubles near a float32, where rounding decides. */
const near = (center: number) =>
  fc
    .tuple(fc.integer({ min: -4, max: 4 }), fc.double({ min: -1, max: 1, noNaN: true }))
    .map(([steps, share]) => center * (1 + (steps + share) * 2 ** -24) + (steps + share) * 2 ** -150);

describe("comparing doubles with a moved threshold", () => {
  it("is comparing float32 with the threshold", () => {
    fc.assert(
      fc.property(
        threshold.chain((t) => fc.tuple(fc.constant(t), fc.oneof(near(t), fc.double({ noNaN: true })))),
        ([t, x]) => {
          expect(x <= atMostInFloat32(t)).toBe(Math.fround(x) <= t);
          const below = belowInFloat32(t);
          expect(below === undefined ? false : x <= below).toBe(Math.fround(x) < t);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("has nothing below −∞", () => {
    expect(belowInFloat32(Number.NEGATIVE_INFINITY)).toBeUndefined();
  });
});
