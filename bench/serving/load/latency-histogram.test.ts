import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "./latency-histogram.ts";

describe("LatencyHistogram", () => {
  it("answers quantiles within a step of those of the sorted list", () => {
    const latency = fc.double({ min: 0, max: 3_999, noNaN: true });
    const share = fc.constantFrom(0.001, 0.5, 0.99, 0.999, 1);
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), share, (latencies, q) => {
        const histogram = new LatencyHistogram();
        for (const one of latencies) histogram.add(one);
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
        expect(histogram.total).toBe(latencies.length);
        expect(histogram.quantile(q)).toBeGreaterThanOrEqual(exact);
        expect(histogram.quantile(q)).toBeLessThanOrEqual(exact + 0.0101);
      }),
    );
  });

  it("knows nothing before anything was added, and takes the longest for 4 s", () => {
    const histogram = new LatencyHistogram();
    expect(histogram.quantile(0.5)).toBeNaN();
    histogram.add(60_000);
    expect(histogram.quantile(0.5)).toBe(4_000);
  });
});
