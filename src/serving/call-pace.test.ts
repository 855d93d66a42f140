import { describe, expect, it } from "vitest";
import { admitCall } from "./admission.ts";
import { CallPace } from "./call-pace.ts";

/** Lets calls arrive at a rate at something that works on so many at once, and says what became of them. */
function simulate(given: {
  readonly lanes: number;
  readonly serviceMs: number;
  readonly everyMs: number;
  readonly calls: number;
}) {
  const pace = new CallPace();
  const lanes = new Array<number>(given.lanes).fill(0);
  const open: { endsAt: number; done: (endedAt: number) => void; tookMs: number }[] = [];
  const tookMs: number[] = [];
  let refused = 0;
  const finishUntil = (now: number): void => {
    open.sort((a, b) => a.endsAt - b.endsAt);
    while (open[0] !== undefined && open[0].endsAt <= now) {
      const call = open.shift()!;
      call.done(call.endsAt);
      tookMs.push(call.tookMs);
    }
  };
  for (let call = 0; call < given.calls; call++) {
    const now = call * given.everyMs;
    finishUntil(now);
    if (admitCall({ maxOpenCalls: 256, maxWaitMs: 50 }, pace, 30_000) !== undefined) {
      refused++;
      continue;
    }
    const lane = lanes.indexOf(Math.min(...lanes));
    const endsAt = Math.max(now, lanes[lane]!) + given.serviceMs;
    lanes[lane] = endsAt;
    open.push({ endsAt, done: pace.begin(now), tookMs: endsAt - now });
  }
  finishUntil(Number.POSITIVE_INFINITY);
  return { refused, tookMs, pace };
}

describe("calls that are answered later", () => {
  it("are all taken while they do not wait for each other, however many are open", () => {
    const { refused, tookMs } = simulate({ lanes: 64, serviceMs: 100, everyMs: 2, calls: 2_000 });
    expect(refused).toBe(0);
    expect(Math.max(...tookMs)).toBe(100);
  });

  it("are all taken in a burst at something whose speed is not known yet, as far as the limit of open calls goes", () => {
    expect(simulate({ lanes: 1, serviceMs: 5, everyMs: 0, calls: 256 }).refused).toBe(0);
    expect(simulate({ lanes: 1, serviceMs: 5, everyMs: 0, calls: 300 }).refused).toBe(44);
  });

  it.each([
    { lanes: 1, serviceMs: 10 },
    { lanes: 4, serviceMs: 40 },
    { lanes: 1, serviceMs: 1 },
  ])(
    "wait no longer than they may at five times what $lanes × $serviceMs ms can do",
    ({ lanes, serviceMs }) => {
      const everyMs = serviceMs / lanes / 5;
      const { refused, tookMs } = simulate({ lanes, serviceMs, everyMs, calls: 20_000 });
      const later = tookMs.slice(tookMs.length / 2);
      expect(refused / 20_000).toBeCloseTo(0.8, 1);
      expect(Math.max(...later)).toBeLessThan(Math.max(50, 3 * serviceMs) + 2 * serviceMs + 5);
      // Nothing is refused that could have been answered.
      expect(tookMs.length / 20_000).toBeGreaterThan(0.19);
    },
  );

  it("are taken again at once when the rush is over", () => {
    const { pace } = simulate({ lanes: 1, serviceMs: 10, everyMs: 2, calls: 1_000 });
    expect(pace.open).toBe(0);
    expect(pace.waitMs).toBe(0);
    expect(admitCall({ maxOpenCalls: 256, maxWaitMs: 50 }, pace, 30_000)).toBeUndefined();
    expect(admitCall({ maxOpenCalls: 256, maxWaitMs: 50 }, pace, 5)).toBe("deadline");
  });
});
