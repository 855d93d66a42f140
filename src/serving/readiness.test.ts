import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOT_READY, nextReadiness } from "./readiness.ts";

const models = (...ready: boolean[]) => ready.map((own, at) => ({ name: `m${at}`, ready: own }));

describe("readiness", () => {
  it("comes only when every configured model answers", () => {
    const joinsServing = false;
    const first = nextReadiness(NOT_READY, { statuses: models(true, false), joinsServing });
    expect(first).toEqual({ ready: false, unready: ["m1"] });
    expect(nextReadiness(first, { statuses: models(true, true), joinsServing })).toEqual({
      ready: true,
      unready: [],
    });
    expect(nextReadiness(NOT_READY, { statuses: [], joinsServing }).ready).toBe(true);
  });

  it("is not taken away by a model that was added later and does not load, but by the loss of all", () => {
    const ready = nextReadiness(NOT_READY, { statuses: models(true), joinsServing: false });
    const later = nextReadiness(ready, { statuses: models(true, false), joinsServing: false });
    expect(later).toEqual({ ready: true, unready: ["m1"] });
    expect(nextReadiness(later, { statuses: models(false, false), joinsServing: false }).ready).toBe(false);
  });

  it("of a worker beside ready ones is as theirs: the one that replaces a worker does not ask for more", () => {
    expect(nextReadiness(NOT_READY, { statuses: models(true, false), joinsServing: true }).ready).toBe(true);
    expect(nextReadiness(NOT_READY, { statuses: models(false), joinsServing: true }).ready).toBe(false);
  });

  it("always holds when all answer and never when none does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.boolean(), { maxLength: 5 }), { minLength: 1 }),
        fc.boolean(),
        (history, joinsServing) => {
          let readiness = NOT_READY;
          for (const ready of history) {
            readiness = nextReadiness(readiness, { statuses: models(...ready), joinsServing });
            if (ready.every(Boolean)) expect(readiness.ready).toBe(true);
            else if (!ready.some(Boolean)) expect(readiness.ready).toBe(false);
          }
        },
      ),
    );
  });
});
