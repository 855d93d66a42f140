import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Circuit, CLOSED, mayCall, nextCircuit } from "./circuit.ts";

const limits = { failures: 3, openMs: 1_000 };
const following = (circuit: Circuit, events: readonly ("began" | "answered" | "failed")[], nowMs = 0) =>
  events.reduce((now, event) => nextCircuit(now, event, { nowMs, limits }), circuit);

describe("the circuit of an address", () => {
  it("opens after failures in a row, and an answer between them starts the count anew", () => {
    expect(following(CLOSED, ["failed", "failed", "answered", "failed", "failed"])).toEqual({
      state: "closed",
      failures: 2,
    });
    expect(following(CLOSED, ["failed", "failed", "failed"], 5)).toEqual({ state: "open", untilMs: 1_005 });
  });

  it("lets one call through when its time is over, and closes or opens by it", () => {
    const open = following(CLOSED, ["failed", "failed", "failed"]);
    expect(mayCall(open, 999)).toBe(false);
    expect(mayCall(open, 1_000)).toBe(true);
    const probing = following(open, ["began"], 1_000);
    expect(mayCall(probing, 9_999_999)).toBe(false);
    expect(following(probing, ["answered"], 1_100)).toEqual(CLOSED);
    expect(following(probing, ["failed"], 1_100)).toEqual({ state: "open", untilMs: 2_100 });
  });

  it("whatever happens: never lets calls through while it is open, and heals once a call is answered", () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 800 }),
      event: fc.constantFrom("call", "answered", "failed" as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let circuit = CLOSED;
        let nowMs = 0;
        let failuresInARow = 0;
        for (const { waitMs, event } of steps) {
          nowMs += waitMs;
          if (event === "call") {
            if (mayCall(circuit, nowMs)) circuit = nextCircuit(circuit, "began", { nowMs, limits });
            continue;
          }
          failuresInARow = event === "failed" ? failuresInARow + 1 : 0;
          circuit = nextCircuit(circuit, event, { nowMs, limits });
          if (event === "answered") expect(circuit).toEqual(CLOSED);
          if (failuresInARow < limits.failures && failuresInARow > 0 && circuit.state === "closed")
            expect(mayCall(circuit, nowMs)).toBe(true);
          if (failuresInARow >= limits.failures) expect(circuit.state).not.toBe("closed");
          if (circuit.state === "open") expect(mayCall(circuit, circuit.untilMs - 1)).toBe(false);
        }
      }),
    );
  });
});
