import { describe, expect, it } from "vitest";
import type { ColumnType, Table } from "../kernel/index.ts";
import { createRandom } from "../kernel/index.ts";
import type { ColumnProfile } from "./column-profiler.ts";
import { compareColumns } from "./compare-columns.ts";
import { buildProfile } from "./profile.ts";

function profileOf(values: readonly (number | string)[], type: ColumnType): ColumnProfile {
  const texts = [...new Set(values.map(String))];
  const column =
    type === "category"
      ? {
          kind: "string" as const,
          codes: Int32Array.from(values, (v) => texts.indexOf(String(v))),
          dictionary: texts,
        }
      : { kind: "number" as const, values: Float64Array.from(values, Number) };
  const table: Table = { rowCount: values.length, columns: new Map([["x", column]]) };
  return buildProfile(table, { x: type }).columns[0]!;
}

const measured = (a: ColumnProfile, b: ColumnProfile): Record<string, number> =>
  Object.fromEntries(compareColumns(a, b).map(({ measure, value }) => [measure, value]));

describe("distances between profiles", () => {
  const random = createRandom("shift");
  const normal = (count: number, mean: number) =>
    Array.from({ length: count }, () => {
      let sum = mean - 6;
      for (let i = 0; i < 12; i++) sum += random.float();
      return sum;
    });

  it("are small between samples of one distribution and grow with the shift", () => {
    const reference = profileOf(normal(5000, 0), "float");
    const found = [0, 0.2, 1].map((mean) => measured(reference, profileOf(normal(5000, mean), "float")));
    expect(found[0]!.psi).toBeLessThan(0.02);
    expect(found[0]!["kolmogorov-smirnov"]).toBeLessThan(0.05);
    for (const measure of ["psi", "jensen-shannon", "kolmogorov-smirnov"]) {
      expect(found[1]![measure]).toBeGreaterThan(found[0]![measure]!);
      expect(found[2]![measure]).toBeGreaterThan(found[1]![measure]!);
    }
    expect(found[2]!["kolmogorov-smirnov"]).toBeCloseTo(0.383, 1);
  });

  it("see values below and above everything the reference has", () => {
    const reference = profileOf([3, 3, 3, 3], "int");
    for (const moved of [[9], [-4], [3, 3, 3, 400], [-1, 3, 3, 3]]) {
      const found = measured(reference, profileOf(moved, "int"));
      expect(found["jensen-shannon"], String(moved)).toBeGreaterThan(0.2);
      expect(found.psi, String(moved)).toBeGreaterThan(1);
    }
    expect(measured(reference, profileOf([9], "int"))).toMatchObject({
      "jensen-shannon": 1,
      "kolmogorov-smirnov": 1,
    });
  });

  it("count categories that only one side has", () => {
    const found = measured(
      profileOf(["a", "a", "b", "b"], "category"),
      profileOf(["a", "a", "a", "c"], "category"),
    );
    expect(found["l-infinity"]).toBe(0.5);
    expect(found["jensen-shannon"]).toBeGreaterThan(0.5);
  });

  it("are none where a side has no values, and name their convention", () => {
    expect(compareColumns(profileOf([], "int"), profileOf([1], "int"))).toEqual([]);
    const conventions = compareColumns(profileOf([1, 2], "int"), profileOf([1], "int"));
    expect(conventions.map(({ convention }) => convention)).toEqual([
      expect.stringContaining("base 2 over 2 bins"),
      expect.stringContaining("natural logarithm"),
      expect.stringContaining("2 fixed bins"),
    ]);
  });
});
