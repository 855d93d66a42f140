import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEAST_OBSERVED, ServicePace } from "./service-pace.ts";

function learnt(...observations: readonly (readonly [bytes: number, milliseconds: number])[]): ServicePace {
  const pace = new ServicePace();
  for (const [bytes, milliseconds] of observations) pace.observe(bytes, milliseconds);
  return pace;
}

/** As often as it takes to be known. */
function often(bytes: number, milliseconds: number): (readonly [bytes: number, milliseconds: number])[] {
  return Array.from({ length: LEAST_OBSERVED }, () => [bytes, milliseconds] as const);
}

describe("how long a version takes", () => {
  it("is nothing before enough is known, and then what it took", () => {
    expect(learnt().estimate(100)).toBe(0);
    expect(learnt(...often(100, 3).slice(1)).estimate(100)).toBe(0);
    expect(learnt(...often(100, 3)).estimate(100)).toBeCloseTo(3);
  });

  it("forgets the slow first requests of a process at once, and one slow request hardly shows", () => {
    const pace = learnt([100, 10], ...Array.from({ length: 15 }, () => [100, 0.02] as const));
    expect(pace.estimate(100)).toBeLessThan(0.1);
    pace.observe(100, 5);
    expect(pace.estimate(100)).toBeLessThan(0.2);
  });

  it("is hardly moved by one request that was interrupted, however long", () => {
    const pace = learnt(...often(100, 0.02), [100, 1_000]);
    expect(pace.estimate(100)).toBeLessThan(0.03);
  });

  it("is known for each size, and guessed from the nearest one", () => {
    const pace = learnt(...often(100, 0.02), ...often(1_000_000, 40));
    expect(pace.estimate(100)).toBeCloseTo(0.02);
    expect(pace.estimate(1_000_000)).toBeCloseTo(40);
    expect(pace.estimate(500)).toBeCloseTo(0.08);
    expect(pace.estimate(100_000)).toBeCloseTo(40);
  });

  it("lies between the shortest and the longest that was seen of a size", () => {
    fc.assert(
      fc.property(
        fc.nat(10_000_000),
        fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { minLength: LEAST_OBSERVED }),
        (bytes, times) => {
          const estimate = learnt(...times.map((time) => [bytes, time] as const)).estimate(bytes);
          expect(estimate).toBeGreaterThanOrEqual(Math.min(...times));
          expect(estimate).toBeLessThanOrEqual(Math.max(...times) + 1e-9);
        },
      ),
    );
  });
});
