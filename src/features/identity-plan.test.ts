import { describe, expect, it } from "vitest";
import { compilePlan } from "./compile.ts";
import { identityPlan } from "./identity-plan.ts";

describe("the plan of columns as they are", () => {
  const kernel = compilePlan(
    identityPlan([
      { name: "size of [it]", type: "float" },
      { name: "__proto__", type: "int" },
      { name: "colour", type: "category", categories: ["red", "green"] },
    ]),
  );
  const features = (given: Record<string, unknown>): number[] => {
    const out = new Float64Array(3);
    kernel.evaluateRecord(given, out);
    return [...out];
  };
  const record = (size: unknown, colour: unknown): Record<string, unknown> =>
    JSON.parse(JSON.stringify({ "size of [it]": size, colour }).replace("{", '{"__proto__": 7, '));

  it("passes numbers on, under any name, and codes categories by their place", () => {
    expect(features(record(2.5, "green"))).toEqual([2.5, 7, 1]);
    expect(kernel.outputs).toEqual([
      { name: "size of [it]", kind: "numeric", cardinality: 0 },
      { name: "__proto__", kind: "numeric", cardinality: 0 },
      { name: "colour", kind: "categorical", cardinality: 2 },
    ]);
  });

  it("wants every column, and takes null for a missing value", () => {
    expect(features(record(null, null))).toEqual([Number.NaN, 7, Number.NaN]);
    expect(() => features({ "size of [it]": 1, colour: "red" })).toThrowError(
      expect.objectContaining({ code: "FEATURES_MISSING_FIELD" }),
    );
  });

  it("has no code for other texts", () => {
    expect(features(record(1, "blue"))[2]).not.toBeGreaterThanOrEqual(0);
  });
});
