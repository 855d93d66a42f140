import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestOfJson, type Table, type TableColumn } from "../kernel/index.ts";
import { CategoryProfiler, type ColumnProfile, NumberProfiler } from "./column-profiler.ts";
import { buildProfile, mergeProfiles, type Profile } from "./profile.ts";

const TYPES = { n: "float", k: "category", t: "text" } as const;

interface Row {
  n: number | null;
  k: string | null;
  t: string | null;
}

function tableOf(rows: readonly Row[]): Table {
  const strings = (name: "k" | "t"): TableColumn => {
    const dictionary = [...new Set(rows.flatMap((row) => row[name] ?? []))];
    const codes = Int32Array.from(rows, (row) => (row[name] === null ? -1 : dictionary.indexOf(row[name])));
    return { kind: "string", codes, dictionary };
  };
  return {
    rowCount: rows.length,
    columns: new Map<string, TableColumn>([
      ["n", { kind: "number", values: Float64Array.from(rows, (row) => row.n ?? Number.NaN) }],
      ["k", strings("k")],
      ["t", strings("t")],
    ]),
  };
}

const profileOf = (rows: readonly Row[]): Profile => buildProfile(tableOf(rows), TYPES);

const row: fc.Arbitrary<Row> = fc.record({
  n: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0)),
  k: fc.option(fc.constantFrom("a", "b", "ünï", "", "a longer one")),
  t: fc.option(fc.string({ unit: "grapheme", maxLength: 20 })),
});
const rows = fc.array(row, { maxLength: 60 });

function moments(profile: Profile): (number | null)[] {
  return profile.columns.flatMap((column) => {
    if (column.kind === "number") return [column.mean, column.m2];
    return column.kind === "text" ? [column.length.mean, column.length.m2] : [];
  });
}

/** A profile without what is equal only up to rounding. */
function exact(profile: Profile): unknown {
  return JSON.parse(JSON.stringify(profile), (key, value) =>
    key === "mean" || key === "m2" ? undefined : value,
  );
}

describe("mergeProfiles", () => {
  it("gives the profile of all rows, whatever the grouping", () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const whole = profileOf([...a, ...b, ...c]);
        const left = mergeProfiles(mergeProfiles(profileOf(a), profileOf(b)), profileOf(c));
        const right = mergeProfiles(profileOf(a), mergeProfiles(profileOf(b), profileOf(c)));
        expect(exact(left)).toEqual(exact(whole));
        expect(exact(right)).toEqual(exact(whole));
        for (const [index, moment] of moments(whole).entries()) {
          for (const merged of [left, right]) {
            const other = moments(merged)[index];
            if (moment === null || other === null) expect(other).toBe(moment);
            else expect(Math.abs(other! - moment)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(moment)));
          }
        }
      }),
    );
  });

  it("refuses profiles of other columns and damaged ones", () => {
    const one = profileOf([{ n: 1, k: "a", t: "x" }]);
    const other = buildProfile(tableOf([]), { n: "int", k: "category", t: "text" });
    expect(() => mergeProfiles(one, other)).toThrow(/n \(float\) does not match n \(int\)/);
    expect(() => mergeProfiles(one, { ...one, columns: one.columns.slice(1) })).toThrow(
      /3 columns, the other 2/,
    );
    const number = one.columns[0] as Extract<ColumnProfile, { kind: "number" }>;
    const damaged: Profile = {
      ...one,
      columns: [{ ...number, histogram: { level: 99, keys: [1], counts: [1] } }, ...one.columns.slice(1)],
    };
    expect(() => mergeProfiles(one, damaged)).toThrow(/histogram/);
  });
});

describe("a profile", () => {
  it("says what there was", () => {
    const profile = profileOf([
      { n: 1, k: "b", t: "é" },
      { n: 4, k: "a", t: null },
      { n: null, k: "b", t: "xyz" },
      { n: 1, k: null, t: "xyz" },
    ]);
    expect(profile.rowCount).toBe(4);
    expect(profile.columns[0]).toMatchObject({
      missing: 1,
      count: 3,
      min: 1,
      max: 4,
      mean: 2,
      m2: 6,
      distinct: 2,
    });
    expect(profile.columns[1]).toMatchObject({
      missing: 1,
      count: 3,
      distinct: 2,
      top: [
        { value: "b", count: 2 },
        { value: "a", count: 1 },
      ],
      other: 0,
      undercount: 0,
    });
    expect(profile.columns[2]).toMatchObject({
      missing: 1,
      distinct: 2,
      length: { count: 3, min: 2, max: 3 },
    });
  });

  it("has no numbers where there are no values, and none that JSON cannot say", () => {
    const profile = profileOf([
      { n: 1e308, k: null, t: null },
      { n: -1e308, k: null, t: null },
      { n: 1e308, k: null, t: null },
    ]);
    expect(profile.columns[0]).toMatchObject({ min: -1e308, max: 1e308, m2: null });
    expect(() => canonicalJson(profile)).not.toThrow();
    expect(profileOf([]).columns[0]).toMatchObject({ count: 0, min: null, max: null, mean: null, m2: null });
  });

  it("is the same document on every machine", () => {
    const many = Array.from({ length: 70_000 }, (_, i) => ({
      n: i % 10 === 0 ? null : ((i * 7919) % 100_003) / 7,
      k: `k${(i * i) % 31}`,
      t: "x".repeat(i % 23),
    }));
    expect(digestOfJson(profileOf(many))).toBe(
      "0662b28d5a42d5056379f9c30e8ecd231ae3277f2ee78f549f7e630b11398c82",
    );
  });
});

describe("NumberProfiler", () => {
  it("gives the same bits whatever the portions in which the rows come", () => {
    const values = Float64Array.from({ length: 140_000 }, (_, i) =>
      i % 9 === 4 ? 0 : ((i * 7919) % 10_007) / 3,
    );
    const nulls = Uint32Array.from({ length: 140_000 / 9 }, (_, i) => i * 9 + 4);
    const inPortions = (size: number): ColumnProfile => {
      const profiler = new NumberProfiler("n", "float");
      for (let from = 0; from < values.length; from += size) {
        const own = nulls.filter((row) => row >= from && row < from + size).map((row) => row - from);
        profiler.add({ values: values.slice(from, from + size), nulls: own });
      }
      return profiler.profile();
    };
    const whole = inPortions(values.length);
    expect(whole.missing).toBe(nulls.length);
    for (const size of [65_536, 2048, 50_001]) expect(inPortions(size)).toEqual(whole);
  });
});

describe("categories beyond what is counted at a time", () => {
  it("are given up from the rare end, and the frequent ones stay with a known undercount", () => {
    const profiler = new CategoryProfiler("id");
    const dictionary = Array.from({ length: 150_000 }, (_, i) => `user ${i}`);
    for (let start = 0; start < dictionary.length; start += 50_000) {
      const texts = dictionary
        .slice(start, start + 50_000)
        .flatMap((text, i) => (i % 100 === 0 ? [text, "late riser"] : [text]));
      const bytes = new TextEncoder().encode(texts.join(""));
      profiler.add({
        lengths: Uint32Array.from(texts, (text) => text.length),
        bytes: new DataView(bytes.buffer),
        nulls: new Uint32Array(),
      });
    }
    const profile = profiler.profile();
    expect(profile.count).toBe(151_500);
    expect(profile.top[0]).toEqual({ value: "late riser", count: 1500 });
    expect(profile.undercount).toBeGreaterThan(0);
    expect(profile.undercount).toBeLessThan(10);
    expect(profile.top).toHaveLength(1000);
    expect(profile.other).toBe(151_500 - profile.top.reduce((sum, { count }) => sum + count, 0));
    expect(Math.abs(profile.distinct - 150_001)).toBeLessThan(12_000);
  });
});
