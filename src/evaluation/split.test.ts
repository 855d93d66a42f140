import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StringColumn, Table, TableColumn } from "../kernel/index.ts";
import { byHash, byRandom, byTime, type SplitSpec } from "./spec.ts";
import { assignSplit, splitRole } from "./split.ts";

const { train, validate, evaluate, unused } = splitRole;

function tableOf(columns: Record<string, TableColumn>, rowCount: number): Table {
  return { rowCount, columns: new Map(Object.entries(columns)) };
}

function numbers(values: readonly number[]): TableColumn {
  return { kind: "number", values: Float64Array.from(values) };
}

function strings(values: readonly (string | null)[]): StringColumn {
  const dictionary = [...new Set(values.filter((value) => value !== null))];
  return {
    kind: "string",
    codes: Int32Array.from(values, (value) => (value === null ? -1 : dictionary.indexOf(value))),
    dictionary,
  };
}

const DAY = 86_400_000;
const day = (n: number) => Date.UTC(2001, 0, 1) + n * DAY;
const daily = (count: number) =>
  tableOf({ at: numbers(Array.from({ length: count }, (_, n) => day(n))) }, count);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "nothing thrown";
}

describe("a split by time", () => {
  it("trains before, evaluates from there until the end, and validates on the last of training", () => {
    const split = byTime({ evaluateFrom: "2001-01-09", until: "2001-01-12", validateShare: 0.25 });
    expect(Array.from(assignSplit(split, daily(13), "at"))).toEqual([
      ...new Array(6).fill(train),
      ...new Array(2).fill(validate),
      ...new Array(3).fill(evaluate),
      ...new Array(2).fill(unused),
    ]);
  });

  it("prefers its own column to the dataset's", () => {
    const table = tableOf({ at: numbers([day(0), day(1)]), other: numbers([day(1), day(0)]) }, 2);
    const split = byTime({ column: "other", evaluateFrom: "2001-01-02", validateShare: 0 });
    expect(Array.from(assignSplit(split, table, "at"))).toEqual([evaluate, train]);
  });

  it("by share takes about that share and never separates equal times, in whatever order the rows stand", () => {
    const times = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 60 });
    const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(times, share, share, (days, evaluateShare, validateShare) => {
        const distinct = new Set(days).size;
        fc.pre(distinct >= 2);
        const table = tableOf({ at: numbers(days.map(day)) }, days.length);
        const split = byTime({ evaluateFrom: { share: evaluateShare }, validateShare: 0 });
        const roles = assignSplit(split, table, "at");
        const evaluated = days.filter((_, row) => roles[row] === evaluate);
        const trained = days.filter((_, row) => roles[row] === train);
        expect(Math.max(...trained)).toBeLessThan(Math.min(...evaluated));
        const errorOf = (cut: number) =>
          Math.abs(days.filter((value) => value >= cut).length - evaluateShare * days.length);
        const cuts = [...new Set(days)].filter((cut) => cut > Math.min(...days));
        const best = Math.min(...cuts.map(errorOf));
        expect(errorOf(Math.min(...evaluated))).toBeCloseTo(best, 9);

        fc.pre(new Set(trained).size >= 2);
        const both = assignSplit({ ...split, validateShare }, table, "at");
        const validated = days.filter((_, row) => both[row] === validate);
        const left = days.filter((_, row) => both[row] === train);
        expect(Math.max(...left)).toBeLessThan(Math.min(...validated));
        expect(Math.max(...validated)).toBeLessThan(Math.min(...evaluated));
        expect(days.filter((_, row) => both[row] === evaluate)).toEqual(evaluated);
      }),
    );
  });

  it("the share is of the rows before `until`", () => {
    const split = byTime({ evaluateFrom: { share: 0.5 }, until: "2001-01-05", validateShare: 0 });
    expect(Array.from(assignSplit(split, daily(6), "at"))).toEqual([0, 0, 2, 2, 3, 3]);
  });

  it.each<[string, string, SplitSpec]>([
    ["before the first row", "EVALUATION_SPLIT_OUTSIDE_DATA", byTime({ evaluateFrom: "2000-12-01" })],
    ["at the first row", "EVALUATION_SPLIT_OUTSIDE_DATA", byTime({ evaluateFrom: "2001-01-01" })],
    ["after the last row", "EVALUATION_SPLIT_OUTSIDE_DATA", byTime({ evaluateFrom: "2001-02-01" })],
    [
      "at rows that `until` leaves out",
      "EVALUATION_SPLIT_OUTSIDE_DATA",
      byTime({ evaluateFrom: "2000-11-01", until: "2000-12-01" }),
    ],
    [
      "without room for validation",
      "EVALUATION_EMPTY_SPLIT",
      byTime({ evaluateFrom: "2001-01-02", validateShare: 0.5 }),
    ],
  ])("refuses to start %s", (_name, code, split) => {
    expect(codeOf(() => assignSplit(split, daily(10), "at"))).toBe(code);
  });

  it("says in which range the times lie", () => {
    const split = byTime({ evaluateFrom: "2005-01-01" });
    expect(() => assignSplit(split, daily(3), "at")).toThrow(
      "the rows run from 2001-01-01T00:00:00.000Z to 2001-01-03T00:00:00.000Z: no row is left to evaluate on",
    );
  });

  it("refuses rows that all have the same time, and says why", () => {
    const table = tableOf({ at: numbers([day(1), day(1), day(1)]) }, 3);
    expect(() => assignSplit(byTime({ evaluateFrom: { share: 0.2 } }), table, "at")).toThrow(
      /no rows for evaluation.*rows of equal time are never separated/,
    );
  });

  it("wants a time column, of times, without gaps", () => {
    const split = byTime({ evaluateFrom: "2001-01-02" });
    expect(codeOf(() => assignSplit(split, daily(3)))).toBe("EVALUATION_NO_TIME_COLUMN");
    expect(codeOf(() => assignSplit(split, daily(3), "when"))).toBe("EVALUATION_BAD_SPLIT_COLUMN");
    expect(codeOf(() => assignSplit(split, tableOf({ at: strings(["x"]) }, 1), "at"))).toBe(
      "EVALUATION_BAD_SPLIT_COLUMN",
    );
    const gaps = tableOf({ at: numbers([day(0), Number.NaN, day(2), Number.NaN]) }, 4);
    expect(() => assignSplit(split, gaps, "at")).toThrow("missing in 2 of 4 rows, first in row 2");
  });
});

describe("a split by hash", () => {
  const keys = fc.array(fc.string({ maxLength: 4 }), { minLength: 200, maxLength: 400 });

  it("gives all rows of a key one role, whatever other rows there are", () => {
    fc.assert(
      fc.property(keys, fc.array(fc.string({ maxLength: 4 })), (some, others) => {
        const split = byHash({ key: "id", evaluateShare: 0.4, validateShare: 0.3 });
        const before = assignSplit(split, tableOf({ id: strings(some) }, some.length));
        const shuffled = [...others, ...some.toReversed()];
        const after = assignSplit(split, tableOf({ id: strings(shuffled) }, shuffled.length));
        for (const [row, key] of some.entries()) expect(after[shuffled.indexOf(key)]).toBe(before[row]);
      }),
      { numRuns: 20 },
    );
  });

  it("treats a number as its text", () => {
    const ids = Array.from({ length: 300 }, (_, i) => i * 7);
    const split = byHash({ key: "id" });
    const asNumbers = assignSplit(split, tableOf({ id: numbers(ids) }, 300));
    expect(assignSplit(split, tableOf({ id: strings(ids.map(String)) }, 300))).toEqual(asNumbers);
  });

  it("keeps the shares asked for", () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => i);
    const roles = assignSplit(
      byHash({ key: "id", evaluateShare: 0.25, validateShare: 0.2 }),
      tableOf({ id: numbers(ids) }, 20_000),
    );
    const shareOf = (role: number) => roles.filter((value) => value === role).length / roles.length;
    expect(shareOf(evaluate)).toBeCloseTo(0.25, 1.5);
    expect(shareOf(validate)).toBeCloseTo(0.15, 1.5);
  });

  it("refuses missing keys and columns that are not there", () => {
    const split = byHash({ key: "id" });
    expect(codeOf(() => assignSplit(split, daily(3)))).toBe("EVALUATION_BAD_SPLIT_COLUMN");
    expect(() => assignSplit(split, tableOf({ id: strings(["a", null, "b"]) }, 3))).toThrow(
      expect.objectContaining({
        code: "EVALUATION_SPLIT_VALUE_MISSING",
        details: { column: "id", missing: 1, rows: 3, firstRow: 2 },
      }),
    );
  });

  it("says that one key cannot be on both sides", () => {
    expect(() => assignSplit(byHash({ key: "id" }), tableOf({ id: strings(["a", "a"]) }, 2))).toThrow(
      /rows of equal key are never separated/,
    );
  });
});

describe("a random split", () => {
  it("gives rows the same roles when more are appended", () => {
    const split = byRandom({ seed: 9, evaluateShare: 0.3 });
    const before = assignSplit(split, daily(500));
    expect(assignSplit(split, daily(800)).subarray(0, 500)).toEqual(before);
    expect(assignSplit({ ...split, seed: 10 }, daily(500))).not.toEqual(before);
    const evaluated = before.filter((role) => role === evaluate).length;
    expect(Math.abs(evaluated - 150)).toBeLessThan(50);
  });

  it("refuses to leave nothing", () => {
    expect(codeOf(() => assignSplit(byRandom(), daily(0)))).toBe("EVALUATION_EMPTY_SPLIT");
    expect(codeOf(() => assignSplit(byRandom(), daily(1)))).toBe("EVALUATION_EMPTY_SPLIT");
  });
});
