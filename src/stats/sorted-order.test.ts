import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../kernel/index.ts";
import { sortedOrder } from "./sorted-order.ts";

function byComparison(values: Float64Array): number[] {
  return Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
}

describe("sortedOrder", () => {
  it("orders any doubles, infinities and both zeros included, keeping equal ones in place", () => {
    const double = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -0, 1, Number.NEGATIVE_INFINITY));
    fc.assert(
      fc.property(fc.float64Array({ noNaN: true }), fc.array(double), (some, others) => {
        const values = Float64Array.from([...some, ...others]);
        expect(Array.from(sortedOrder(values))).toEqual(byComparison(values));
      }),
    );
  });

  it("does so for long arrays, whose order is found by radix", () => {
    const random = createRandom("radix");
    const kinds: (() => number)[] = [
      () => random.float(),
      () => (random.float() - 0.5) * 1e300,
      () => random.integer(3) - 1,
      () => (random.integer(2) === 0 ? 0 : -0),
      () => (random.float() - 0.5) * 1e-310,
      () => 0.25,
    ];
    for (const draw of kinds) {
      const values = Float64Array.from({ length: 5000 }, draw);
      expect(Array.from(sortedOrder(values))).toEqual(byComparison(values));
    }
  });

  it("has nothing to do for no values", () => {
    expect(sortedOrder(new Float64Array(0))).toHaveLength(0);
  });
});
