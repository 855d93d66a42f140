import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Arrival,
  admit,
  DEFAULT_ADMISSION_LIMITS,
  type QueueState,
  retryAfterSeconds,
} from "./admission.ts";

const limits = DEFAULT_ADMISSION_LIMITS;
const queue: QueueState = { queued: 10, queuedBytes: 2_000, waitMs: 20, standingMs: 0 };
const arrival: Arrival = {
  bytes: 200,
  serviceMs: 2,
  remainingMs: 30_000,
  refusalMs: 0.03,
  canBeSlowed: true,
};

const milliseconds = fc.double({ min: 0, max: 100_000, noNaN: true });
const states = fc.record({
  queued: fc.nat(20_000),
  queuedBytes: fc.nat(100_000_000),
  waitMs: milliseconds,
  standingMs: milliseconds,
});
const arrivals = fc.record({
  bytes: fc.nat(10_000_000),
  serviceMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
  remainingMs: fc.double({ min: -1_000, max: 100_000, noNaN: true }),
  refusalMs: fc.double({ min: 0, max: 1, noNaN: true }),
  canBeSlowed: fc.boolean(),
});

describe("a request that cannot be answered at once", () => {
  it("waits while the wait is short, and is refused with a time to come back when it is long", () => {
    expect(admit(limits, queue, arrival)).toEqual({ outcome: "queued", slowDown: false });
    expect(admit(limits, { ...queue, waitMs: 51 }, arrival)).toEqual({
      outcome: "shed",
      reason: "expected-wait",
      retryAfterMs: 51,
    });
  });

  it("may wait less where the queue has been standing than in a burst", () => {
    const standing = { ...queue, standingMs: 1_000 };
    expect(admit(limits, { ...standing, waitMs: 19 }, arrival)).toMatchObject({ outcome: "queued" });
    expect(admit(limits, { ...standing, waitMs: 21 }, arrival)).toMatchObject({ reason: "expected-wait" });
  });

  it("waits behind one or two others however long those take", () => {
    expect(admit(limits, { ...queue, queued: 2, waitMs: 4_000 }, arrival)).toMatchObject({
      outcome: "queued",
    });
  });

  it("is refused when its answer would come after its deadline", () => {
    expect(admit(limits, queue, { ...arrival, remainingMs: 21 })).toMatchObject({ reason: "deadline" });
    expect(admit(limits, queue, { ...arrival, remainingMs: 23 })).toMatchObject({ outcome: "queued" });
  });

  it("is slowed down rather than refused where an answer costs as little as a refusal", () => {
    const long = { ...queue, waitMs: 80 };
    const cheap = { ...arrival, serviceMs: 0.02 };
    expect(admit(limits, long, cheap)).toEqual({ outcome: "queued", slowDown: true });
    expect(admit(limits, long, { ...cheap, canBeSlowed: false })).toMatchObject({ reason: "expected-wait" });
  });

  it("never makes the queue longer or heavier than it may be, nor waits for what cannot come in time", () => {
    fc.assert(
      fc.property(states, arrivals, (state, given) => {
        const admission = admit(limits, state, given);
        if (admission.outcome === "shed") {
          expect(admission.retryAfterMs).toBe(state.waitMs);
          return;
        }
        expect(state.queued).toBeLessThan(limits.maxQueued);
        expect(state.queuedBytes + given.bytes).toBeLessThanOrEqual(limits.maxQueuedBytes);
        expect(state.waitMs + given.serviceMs).toBeLessThanOrEqual(given.remainingMs);
      }),
    );
  });

  it("is never refused because of a shorter queue, or of more time", () => {
    fc.assert(
      fc.property(states, arrivals, fc.double({ min: 0, max: 1, noNaN: true }), (state, given, share) => {
        if (admit(limits, state, given).outcome === "shed") return;
        const shorter = {
          queued: Math.floor(state.queued * share),
          queuedBytes: Math.floor(state.queuedBytes * share),
          waitMs: state.waitMs * share,
          standingMs: state.standingMs * share,
        };
        expect(admit(limits, shorter, given).outcome).toBe("queued");
        expect(admit(limits, state, { ...given, remainingMs: given.remainingMs + 1_000 }).outcome).toBe(
          "queued",
        );
      }),
    );
  });

  it("is told to come back in whole seconds, at least one", () => {
    expect([0, 1, 1_000, 1_001, 59_500].map(retryAfterSeconds)).toEqual([1, 1, 1, 2, 60]);
  });
});
