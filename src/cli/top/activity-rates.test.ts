import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LATENCY_BUCKETS } from "../../telemetry/index.ts";
import { type Activity, ratesBetween } from "./activity-rates.ts";
import { activityWith, armWith } from "./testing/activity.ts";

const at = (seconds: number): string => new Date(1_700_000_000_000 + seconds * 1000).toISOString();

describe("rates between two looks", () => {
  it("are what was counted in between, by second, and latencies those of the same time", () => {
    const slow: number[] = Array.from({ length: LATENCY_BUCKETS + 1 }, (_, bucket) =>
      bucket === 20 ? 1_000 : 0,
    );
    const before = activityWith({
      at: at(0),
      arms: [armWith({ requests: 1_000, instances: 1_000, latencies: slow })],
    });
    const after = activityWith({
      at: at(2),
      arms: [armWith({ requests: 1_100, instances: 1_400, latencies: slow.with(7, 100) })],
      errors: [{ model: "late", code: "WIRE_NOT_JSON", requests: 6 }],
      log: { predictions: 1_100, bytes: 4_000, failedGroups: 0 },
    });
    const rates = ratesBetween(before, after);
    expect(rates).toMatchObject({ intervalMs: 2_000, requests: 50, errors: 3 });
    expect(rates.arms[0]).toMatchObject({ requests: 50, instances: 200 });
    expect(rates.arms[0]!.p99).toBeLessThanOrEqual(128e-6);
    expect(rates.refusals).toEqual([{ model: "late", code: "WIRE_NOT_JSON", requests: 3, total: 6 }]);
    expect(rates.log.bytes).toBe(2_000);
  });

  it("begin at nothing when the server was started anew in between", () => {
    const before = activityWith({ at: at(0), since: at(-100), arms: [armWith({ requests: 5 })] });
    const after = activityWith({ at: at(1), since: at(0.5), arms: [armWith({ requests: 7 })] });
    expect(ratesBetween(before, after).requests).toBe(7);
  });

  it("are never negative, whatever the two looks saw", () => {
    const activity: fc.Arbitrary<Activity> = fc
      .record({
        seconds: fc.nat(100),
        since: fc.nat(2),
        arms: fc.array(
          fc
            .record({ version: fc.nat(3), requests: fc.nat(), instances: fc.nat() })
            .map((arm) => armWith(arm)),
          { maxLength: 4 },
        ),
        requests: fc.nat(),
        bytes: fc.nat(),
      })
      .map(({ seconds, since, arms, requests, bytes }) =>
        activityWith({
          at: at(seconds),
          since: at(-since),
          arms,
          errors: [{ model: "", code: "HTTP_NO_SUCH_PATH", requests }],
          log: { predictions: 0, bytes, failedGroups: 0 },
        }),
      );
    fc.assert(
      fc.property(activity, activity, (before, after) => {
        const rates = ratesBetween(before, after);
        const all = [
          rates.requests,
          rates.errors,
          rates.log.bytes,
          ...rates.arms.map(({ instances }) => instances),
        ];
        for (const rate of all) expect(rate).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
