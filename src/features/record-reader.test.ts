import { describe, expect, it } from "vitest";
import { type ColumnType, SlipwayError } from "../kernel/index.ts";
import { compilePlan, type FeatureKernel } from "./compile.ts";
import type { Expression, FeatureSpec } from "./expression.ts";
import { fitPlan } from "./fit.ts";
import { column, operation } from "./testing/expressions.ts";

/** A kernel with one output for each column, 1 where it is missing. */
function missingOf(
  columns: Readonly<Record<string, ColumnType>>,
  optional: readonly string[] = [],
): FeatureKernel {
  const features: Record<string, Expression> = {};
  for (const [at, name] of Object.keys(columns).entries())
    features[`f${at}`] = operation("isMissing", [column(name)]);
  const spec: FeatureSpec = { columns, features, optional };
  return compilePlan(fitPlan(spec, { rowCount: 0, columns: new Map() }, { seed: 1 }).plan);
}

function read(kernel: FeatureKernel, record: unknown): number[] {
  const out = new Float64Array(kernel.outputs.length).fill(-7);
  kernel.evaluateRecord(record as Record<string, unknown>, out);
  return [...out];
}

function refusal(kernel: FeatureKernel, record: unknown): SlipwayError {
  try {
    read(kernel, record);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("the record was accepted");
}

describe("a record", () => {
  it.each([
    ["int", 5, ["5", 5.5, true, {}, []]],
    ["int", -9007199254740994, [Number.POSITIVE_INFINITY]],
    ["float", 5.5, ["5.5", false, Number.POSITIVE_INFINITY, [1]]],
    ["bool", false, [0, 1, "true"]],
    ["timestamp", "2001-05-01T06:00:00Z", ["yesterday", "2001-13-01", true]],
    ["timestamp", 988_675_200_000, [{}]],
    ["category", "ATL", [1, true, ["ATL"]]],
    ["text", "", [0, {}]],
  ] as const)("has %s fields as %j or null and nothing else", (type, good, bad) => {
    const kernel = missingOf({ x: type });
    expect(read(kernel, { x: good })).toEqual([0]);
    expect(read(kernel, { x: null })).toEqual([1]);
    for (const value of bad) {
      const error = refusal(kernel, { x: value });
      expect(error.code).toBe("FEATURES_BAD_FIELD");
      expect(error.details).toMatchObject({
        field: "x",
        expected: expect.any(String),
        got: expect.any(String),
      });
      expect(error.message).toMatch(/^field "x" must be .+ or null, got /);
    }
  });

  it("must have every field, if only as null, and may have others", () => {
    const kernel = missingOf({ x: "int", y: "category" });
    expect(read(kernel, { y: "a", x: 1, more: [{}] })).toEqual([0, 0]);
    const error = refusal(kernel, { x: 1 });
    expect(error.code).toBe("FEATURES_MISSING_FIELD");
    expect(error.details).toEqual({ field: "y", expected: "a string", got: "nothing" });
  });

  it("may leave out optional fields", () => {
    const kernel = missingOf({ x: "int", y: "category", z: "text" }, ["y", "z"]);
    expect(read(kernel, { x: 1 })).toEqual([0, 1, 1]);
    expect(kernel.inputs.map(({ name, required }) => [name, required])).toEqual([
      ["x", true],
      ["y", false],
      ["z", false],
    ]);
  });

  it("must be an object", () => {
    const kernel = missingOf({ x: "int" });
    for (const record of [null, "x", 5]) expect(refusal(kernel, record).code).toBe("FEATURES_BAD_FIELD");
    expect(refusal(kernel, []).code).toBe("FEATURES_MISSING_FIELD");
  });

  it("that is refused leaves the result as it was", () => {
    const kernel = missingOf({ x: "int", y: "int" });
    const out = Float64Array.of(3, 4);
    expect(() => kernel.evaluateRecord({ x: 1, y: "2" }, out)).toThrow(/field "y"/);
    expect([...out]).toEqual([3, 4]);
  });

  it("is read only as far as it goes itself, not what every object inherits", () => {
    const names = ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty"];
    const columns = Object.fromEntries(names.map((name) => [name, "category" as const]));
    const kernel = missingOf(columns);
    expect(refusal(kernel, {}).details.field).toBe("__proto__");
    const record = JSON.parse(`{${names.map((name) => `"${name}":"x"`).join(",")}}`);
    expect(read(kernel, record)).toEqual([0, 0, 0, 0, 0]);
  });

  it("is told what it sent, shortened and printable", () => {
    const error = refusal(missingOf({ x: "int" }), { x: `\ud800${"long ".repeat(100)}` });
    expect(error.details.got).toMatch(/^the string "\ufffdlong .{1,60}…"$/);
  });

  it("needs room for its result", () => {
    expect(() =>
      missingOf({ x: "int", y: "int" }).evaluateRecord({ x: 1, y: 1 }, new Float64Array(1)),
    ).toThrow(/needs 2 places/);
  });
});
