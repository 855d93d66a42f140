import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideScaling, type LoadSample, type ScalingLimits, type WorkerLoad } from "./worker-scaling.ts";

const limits: ScalingLimits = {
  minWorkers: 1,
  maxWorkers: 4,
  busyCpu: 0.9,
  busyLoopDelayMs: 50,
  busyInFlight: 100,
  idleCpu: 0.5,
  scaleUpAfterMs: 2_000,
  scaleDownAfterMs: 60_000,
};
const quiet: WorkerLoad = { cpu: 0.1, loopDelayMs: 1, inFlight: 0 };
const busy: WorkerLoad = { cpu: 0.97, loopDelayMs: 4, inFlight: 3 };

/** One sample each half second. */
function samples(seconds: number, ...workers: readonly WorkerLoad[]): LoadSample[] {
  return Array.from({ length: seconds * 2 + 1 }, (_, at) => ({ at: 1_000 + at * 500, workers }));
}

describe("the number of workers", () => {
  it("grows by one when they are busy for the whole window, and the reason says which limit was passed", () => {
    expect(decideScaling(limits, samples(2, busy))).toEqual({
      action: "start",
      workers: 2,
      reason: "the workers used at least 97 % of a core each for 2 s (limit 90 %)",
    });
    expect(decideScaling(limits, samples(2, { ...quiet, loopDelayMs: 80 }))).toMatchObject({
      workers: 2,
      reason: "the event loops of the workers were at least 80 ms late for 2 s (limit 50 ms)",
    });
    expect(decideScaling(limits, samples(2, { ...quiet, inFlight: 250 }))).toMatchObject({
      workers: 2,
      reason: "the workers had at least 250 requests in hand each for 2 s (limit 100)",
    });
  });

  it("stays when the window is not full yet, or was interrupted by a quiet moment", () => {
    expect(decideScaling(limits, samples(1, busy))).toEqual({ action: "keep" });
    const interrupted = samples(4, busy).with(6, { at: 4_000, workers: [quiet] });
    expect(decideScaling(limits, interrupted)).toEqual({ action: "keep" });
    expect(decideScaling(limits, [])).toEqual({ action: "keep" });
  });

  it("grows only on the average: one busy worker beside an idle one is a matter of sharing", () => {
    expect(decideScaling(limits, samples(2, busy, quiet))).toEqual({ action: "keep" });
  });

  it("never exceeds the most, however busy they are", () => {
    expect(decideScaling(limits, samples(5, busy, busy, busy, busy))).toEqual({ action: "keep" });
  });

  it("shrinks by one when the others would be idle enough for the whole long window", () => {
    const calm = { ...quiet, cpu: 0.2 };
    expect(decideScaling(limits, samples(30, calm, calm))).toEqual({ action: "keep" });
    expect(decideScaling(limits, samples(60, calm, calm))).toEqual({
      action: "stop",
      workers: 1,
      reason: "one worker fewer would have used at most 40 % of a core each for 60 s (limit 50 %)",
    });
    expect(decideScaling(limits, samples(60, { ...calm, cpu: 0.3 }, { ...calm, cpu: 0.3 }))).toEqual({
      action: "keep",
    });
  });

  it("never falls below the fewest", () => {
    expect(decideScaling(limits, samples(120, quiet))).toEqual({ action: "keep" });
    expect(decideScaling({ ...limits, minWorkers: 2 }, samples(120, quiet, quiet))).toEqual({
      action: "keep",
    });
  });

  it("does not go up and down by turns under a steady load", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.integer({ min: 1, max: 4 }),
        (total, start) => {
          let count = start;
          const directions = new Set<string>();
          for (let step = 0; step < 12; step++) {
            const load = { ...quiet, cpu: Math.min(1, total / count) };
            const decision = decideScaling(limits, samples(61, ...Array.from({ length: count }, () => load)));
            if (decision.action === "keep") break;
            directions.add(decision.action);
            count = decision.workers;
          }
          expect(directions.size).toBeLessThan(2);
          expect(count).toBeGreaterThanOrEqual(limits.minWorkers);
          expect(count).toBeLessThanOrEqual(limits.maxWorkers);
        },
      ),
    );
  });
});
