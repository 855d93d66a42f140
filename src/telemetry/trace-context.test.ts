import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTraceparent, isSampled, parseTraceparent } from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("traceparent", () => {
  it("says trace, parent and whether it is sampled", () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled: true,
    });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.sampled).toBe(false);
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-03-what-the-future-will-be-like`)?.sampled).toBe(true);
  });

  it.each([
    undefined,
    "",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
  ])("that is not well-formed is as none: %s", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it("is read back as it was written", () => {
    const hex = (length: number) =>
      fc
        .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })
        .filter((text) => !/^0+$/.test(text));
    fc.assert(
      fc.property(fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() }), (context) => {
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
      }),
    );
  });
});

describe("a sampler", () => {
  const parentOf = (sampled: boolean) => ({ traceId: TRACE, spanId: SPAN, sampled });

  it("based on the parent does as the parent does, and decides by itself without one", () => {
    for (const sampled of [true, false]) {
      for (const sampler of [
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
      ] as const)
        expect(isSampled({ sampler, ratio: 0.5 }, { parent: parentOf(sampled), traceId: TRACE })).toBe(
          sampled,
        );
    }
    const rootless = { parent: undefined, traceId: TRACE };
    expect(isSampled({ sampler: "parentbased_always_on", ratio: 0 }, rootless)).toBe(true);
    expect(isSampled({ sampler: "parentbased_always_off", ratio: 1 }, rootless)).toBe(false);
    expect(isSampled({ sampler: "always_on", ratio: 0 }, { parent: parentOf(false), traceId: TRACE })).toBe(
      true,
    );
    expect(isSampled({ sampler: "always_off", ratio: 1 }, { parent: parentOf(true), traceId: TRACE })).toBe(
      false,
    );
  });

  it("by ratio takes all at 1, none at 0, and a higher ratio takes what a lower one takes", () => {
    const traceIds = fc.string({
      unit: fc.constantFrom(..."0123456789abcdef"),
      minLength: 32,
      maxLength: 32,
    });
    const ratios = fc.double({ min: 0, max: 1, noNaN: true });
    const takes = (traceId: string, ratio: number) =>
      isSampled({ sampler: "traceidratio", ratio }, { parent: undefined, traceId });
    fc.assert(
      fc.property(traceIds, ratios, ratios, (traceId, one, other) => {
        expect([takes(traceId, 0), takes(traceId, 1)]).toEqual([false, true]);
        if (takes(traceId, Math.min(one, other))) expect(takes(traceId, Math.max(one, other))).toBe(true);
      }),
    );
    const taken = Array.from({ length: 1_000 }, (_, at) =>
      takes(`${TRACE.slice(0, 20)}${(at * 281_474_976_711).toString(16).padStart(12, "0")}`, 0.25),
    ).filter(Boolean);
    expect(taken).toHaveLength(250);
  });
});
