import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleDraw } from "./sampling.ts";

const tail = fc.stringMatching(/^[0-9a-hjkmnp-tv-z]{6}$/);
const sequence = fc.integer({ min: 0, max: 2 ** 40 - 1 });

describe("the draw of a prediction id", () => {
  it("lies from 0 to below 1 and is always the same", () => {
    fc.assert(
      fc.property(tail, sequence, (incarnationTail, at) => {
        const draw = sampleDraw({ incarnationTail, sequence: at });
        expect(draw).toBeGreaterThanOrEqual(0);
        expect(draw).toBeLessThan(1);
        expect(sampleDraw({ incarnationTail, sequence: at })).toBe(draw);
      }),
    );
  });

  it("is below a share for that share of the requests of any worker, also of every other request", () => {
    const workers = ["000001", "zzzzzz", "7hq2kd", "7hq2ke"];
    for (const incarnationTail of workers) {
      for (const step of [1, 2, 1024, 2 ** 32]) {
        for (const share of [0.01, 0.1, 0.5]) {
          const requests = 20_000;
          let kept = 0;
          for (let at = 0; at < requests; at++)
            if (sampleDraw({ incarnationTail, sequence: at * step }) < share) kept++;
          // Five standard deviations.
          const spread = 5 * Math.sqrt(share * (1 - share) * requests);
          expect(Math.abs(kept - share * requests)).toBeLessThan(spread);
        }
      }
    }
  });
});
