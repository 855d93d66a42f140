import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareComputed } from "./compare-prediction.ts";

const anyDouble = fc.double();

describe("comparing a logged with a recomputed prediction", () => {
  it("finds what is the same bit for bit equal", () => {
    fc.assert(
      fc.property(fc.array(anyDouble), fc.array(anyDouble, { minLength: 1 }), (features, outputs) => {
        const computed = () => ({
          features: Float64Array.from(features),
          outputs: Float64Array.from(outputs),
        });
        expect(compareComputed(computed(), computed())).toEqual({ equal: true });
      }),
    );
  });

  it("names the first feature with another bit", () => {
    fc.assert(
      fc.property(fc.array(anyDouble, { minLength: 1 }), fc.nat(), fc.nat(63), (values, place, bit) => {
        const index = place % values.length;
        const changed = Float64Array.from(values);
        const words = new BigUint64Array(changed.buffer);
        words[index] = words[index]! ^ (1n << BigInt(bit));
        const before = { features: Float64Array.from(values), outputs: Float64Array.of(0) };
        expect(compareComputed(before, { features: changed, outputs: Float64Array.of(0) })).toEqual({
          equal: false,
          what: "feature",
          index,
        });
      }),
    );
  });

  it("names another number of outputs, and any output with another bit", () => {
    const computed = (...outputs: number[]) => ({
      features: new Float64Array(0),
      outputs: Float64Array.from(outputs),
    });
    expect(compareComputed(computed(1, 2), computed(1))).toEqual({ equal: false, what: "output-count" });
    expect(compareComputed(computed(1, 2), computed(1, 2.5))).toEqual({ equal: false, what: "output" });
  });

  it("tells 0 from −0, in features and in the output", () => {
    const zero = { features: Float64Array.of(0), outputs: Float64Array.of(0) };
    expect(compareComputed(zero, { features: Float64Array.of(-0), outputs: Float64Array.of(0) }).equal).toBe(
      false,
    );
    expect(compareComputed(zero, { features: Float64Array.of(0), outputs: Float64Array.of(-0) })).toEqual({
      equal: false,
      what: "output",
    });
  });

  it("takes NaN for the same missing value", () => {
    const missing = { features: Float64Array.of(Number.NaN), outputs: Float64Array.of(1) };
    expect(
      compareComputed(missing, { features: Float64Array.of(Number.NaN), outputs: Float64Array.of(1) }).equal,
    ).toBe(true);
  });

  it("says when the numbers of features differ", () => {
    const one = { features: Float64Array.of(1), outputs: Float64Array.of(1) };
    expect(compareComputed(one, { features: Float64Array.of(1, 2), outputs: Float64Array.of(1) })).toEqual({
      equal: false,
      what: "feature-count",
    });
  });
});
