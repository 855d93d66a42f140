import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelHolds } from "./model-holds.ts";

function closable() {
  let closed = 0;
  return {
    closed: () => closed,
    close: async () => {
      closed++;
    },
  };
}

describe("a model that nothing names any more", () => {
  it("is closed at once where nobody holds it", () => {
    const model = closable();
    new ModelHolds().retire(model);
    expect(model.closed()).toBe(1);
  });

  it("is closed once, when the last one lets go of it", () => {
    // 0 holds, 1 lets go of the oldest, 2 lets go of one that has let go already
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 }),
        fc.nat(40),
        (steps, retireAt) => {
          const holds = new ModelHolds();
          const model = closable();
          const held: (() => void)[] = [];
          const released: (() => void)[] = [];
          for (const [at, step] of steps.entries()) {
            if (at === retireAt) holds.retire(model);
            // Nothing finds a model that nothing names.
            if (step === 0 && at < retireAt) held.push(holds.hold(model));
            const release = step === 1 ? held.shift() : undefined;
            release?.();
            if (release !== undefined) released.push(release);
            if (step === 2) released[0]?.();
            expect(model.closed()).toBe(at >= retireAt && held.length === 0 ? 1 : 0);
          }
        },
      ),
    );
  });

  it("is closed with everything else although somebody holds it", async () => {
    const holds = new ModelHolds();
    const model = closable();
    const release = holds.hold(model);
    holds.retire(model);
    expect(holds.retired).toBe(1);
    await holds.close();
    release();
    expect(model.closed()).toBe(1);
  });
});
