import { describe, expect, it } from "vitest";
import { slicesOf } from "./slices.ts";

const shapeOf = (slices: ReturnType<typeof slicesOf>) =>
  slices.map(({ value, rows }) => [value, Array.from(rows)]);

describe("slicesOf", () => {
  it("gives every value its rows, the largest first, and missing values a slice of their own", () => {
    const values = {
      kind: "string" as const,
      codes: Int32Array.of(2, 0, -1, 0, 2, 0, 3),
      dictionary: ["ORD", "unused", "ATL", "JFK"],
    };
    expect(shapeOf(slicesOf({ column: "origin", values }))).toEqual([
      ["ORD", [1, 3, 5]],
      ["ATL", [0, 4]],
      ["(missing)", [2]],
      ["JFK", [6]],
    ]);
  });

  it("names flags, times and a few numbers by their values", () => {
    const values = { kind: "number" as const, values: Float64Array.of(1, 0, 1, Number.NaN) };
    expect(shapeOf(slicesOf({ column: "late", values, type: "bool" }))).toEqual([
      ["true", [0, 2]],
      ["(missing)", [3]],
      ["false", [1]],
    ]);
    expect(slicesOf({ column: "at", values, type: "timestamp" })[0]!.value).toBe("1970-01-01T00:00:00.001Z");
    const far = { kind: "number" as const, values: Float64Array.of(1e15) };
    expect(slicesOf({ column: "at", values: far, type: "timestamp" })[0]!.value).toBe(
      "1000000000000000 ms since 1970",
    );
    expect(slicesOf({ column: "n", values, type: "int" }).map(({ value }) => value)).toEqual([
      "1",
      "(missing)",
      "0",
    ]);
  });

  it("cuts many different numbers at their quartiles", () => {
    const values = { kind: "number" as const, values: Float64Array.from({ length: 101 }, (_, i) => 100 - i) };
    const slices = slicesOf({ column: "miles", values });
    expect(slices.map(({ value, rows }) => [value, rows.length])).toEqual([
      ["75 and above", 26],
      ["25 up to 50", 25],
      ["50 up to 75", 25],
      ["below 25", 25],
    ]);
  });

  it("survives quartiles that fall together", () => {
    const values = Float64Array.from({ length: 400 }, (_, i) => (i < 370 ? 0 : i));
    const slices = slicesOf({ column: "spend", values: { kind: "number", values } });
    expect(slices.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(400);
    expect(slices.map(({ value }) => value)).toEqual(["0 and above"]);
  });
});
