import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { log1p as kernelLog1p, utcParts } from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import { type Expression, weekdays } from "./expression.ts";
import { evaluateExpression, fitPlan } from "./fit.ts";
import { all, type ColumnData, column, operation, tableOf, typesOf } from "./testing/expressions.ts";

const x = column("x");
const missing = Number.NaN;

/** The outputs of one feature fitted on a table, on the same or another table. */
function outputs(
  feature: Expression,
  train: ColumnData,
  options: { readonly on?: ColumnData; readonly target?: readonly number[] } = {},
): Record<string, number[]> {
  const table = tableOf(train);
  const target = options.target === undefined ? {} : { target: Float64Array.from(options.target) };
  const { plan } = fitPlan({ columns: typesOf(train), features: { f: feature } }, table, {
    ...target,
    seed: 1,
  });
  const matrix = compilePlan(plan).evaluateTable(options.on === undefined ? table : tableOf(options.on));
  return Object.fromEntries(matrix.columns.map(({ name }, at) => [name, [...matrix.values[at]!]]));
}

function numbers(feature: Expression, train: ColumnData, on?: ColumnData): number[] {
  return outputs(feature, train, on === undefined ? {} : { on }).f!;
}

describe("arithmetic", () => {
  const cases: readonly [string, Expression, readonly (number | null)[], readonly number[]][] = [
    ["add", operation("add", [x, 1]), [1, -1, null, 1.7e308], [2, 0, missing, 1.7e308]],
    ["add, where the sum is not finite", operation("add", [x, x]), [1e308, 1.7e308], [missing, missing]],
    ["subtract", operation("subtract", [5, x]), [2, 5], [3, 0]],
    ["multiply", operation("multiply", [x, x]), [3, 1e200], [9, missing]],
    ["divide", operation("divide", [1, x]), [4, 0, null], [0.25, missing, missing]],
    ["divide 0 by 0", operation("divide", [0, x]), [0], [missing]],
    ["minimum", operation("minimum", [x, 2]), [1, 3, null], [1, 2, missing]],
    ["maximum", operation("maximum", [x, 2]), [1, 3, null], [2, 3, missing]],
    ["negate", operation("negate", [x]), [1, 0, -2], [-1, 0, 2]],
    ["absolute", operation("absolute", [x]), [-1, 0, 2], [1, 0, 2]],
    ["log", operation("log", [x]), [1, 0, -1], [0, missing, missing]],
    ["log1p", operation("log1p", [x]), [0, 1, -1, -2], [0, kernelLog1p(1), missing, missing]],
    ["squareRoot", operation("squareRoot", [x]), [4, -1], [2, missing]],
    ["clip", operation("clip", [x], { low: 0, high: 2 }), [-1, 1, 3, null], [0, 1, 2, missing]],
    ["clip below only", operation("clip", [x], { low: 0 }), [-1, 9], [0, 9]],
    ["round", operation("round", [x], { digits: 0 }), [0.5, -0.5, 1.4], [1, 0, 1]],
    ["round to cents", operation("round", [x], { digits: 2 }), [1.005, 2.346, 1e300], [1, 2.35, 1e300]],
    ["round to hundreds", operation("round", [x], { digits: -2 }), [149, 150], [100, 200]],
    ["a constant", operation("add", [x, null]), [1], [missing]],
  ];
  it.each(cases)("%s", (_, feature, given, expected) => {
    expect(numbers(feature, { x: ["float", given] })).toEqual(expected);
  });
});

describe("comparisons and conditionals", () => {
  const cases: readonly [string, Expression, readonly number[]][] = [
    ["above", operation("above", [x, 2]), [0, 0, 1, missing]],
    ["atLeast", operation("atLeast", [x, 2]), [0, 1, 1, missing]],
    ["below", operation("below", [x, 2]), [1, 0, 0, missing]],
    ["atMost", operation("atMost", [x, 2]), [1, 1, 0, missing]],
    ["equals", operation("equals", [x, 2]), [0, 1, 0, missing]],
    ["between", operation("between", [x, 2, 3]), [0, 1, 1, missing]],
    ["when", operation("when", [operation("above", [x, 1]), 7, x]), [1, 7, 7, missing]],
    ["when to missing", operation("when", [operation("equals", [x, 2]), null, x]), [1, missing, 3, missing]],
    ["isMissing", operation("isMissing", [x]), [0, 0, 0, 1]],
    ["missingIndicator", operation("missingIndicator", [x]), [0, 0, 0, 1]],
  ];
  it.each(cases)("%s", (_, feature, expected) => {
    expect(numbers(feature, { x: ["int", [1, 2, 3, null]] })).toEqual(expected);
  });

  it("and, or and not follow Kleene's three values", () => {
    const flags: ColumnData = {
      a: ["bool", [1, 1, 1, 0, 0, 0, null, null, null]],
      b: ["bool", [1, 0, null, 1, 0, null, 1, 0, null]],
    };
    const ab = [column("a"), column("b")];
    expect(numbers(operation("and", ab), flags)).toEqual([1, 0, missing, 0, 0, 0, missing, 0, missing]);
    expect(numbers(operation("or", ab), flags)).toEqual([1, 1, 1, 1, 0, missing, 1, missing, missing]);
    expect(numbers(operation("not", [column("a")]), flags).slice(2, 7)).toEqual([0, 1, 1, 1, missing]);
  });
});

describe("times", () => {
  it("are taken apart as the calendar of the kernel does", () => {
    const parts = ["year", "month", "dayOfMonth", "dayOfYear", "hourOfDay", "minuteOfHour"] as const;
    const anyTime = fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true });
    const nearDays = fc
      .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.constantFrom(-0.001, -1e-9, 0, 0.5, 3_599_999.9999))
      .map(([day, off]) => day * 86_400_000 + off);
    fc.assert(
      fc.property(fc.oneof(anyTime, nearDays), (ms) => {
        const expected = utcParts(ms);
        const data: ColumnData = { t: ["timestamp", [ms]] };
        const found = parts.map(
          (op) => evaluateExpression(operation(op, [column("t")]), typesOf(data), tableOf(data))[0],
        );
        const { year, month, day, dayOfYear, hour, minute } = expected;
        expect(found).toEqual([year, month, day, dayOfYear, hour, minute]);
        const weekday = outputs(operation("dayOfWeek", [column("t")]), data).f![0];
        expect(weekday).toBe(expected.weekday - 1);
      }),
      { numRuns: 40 },
    );
  });

  it("have distances to constants and to each other", () => {
    const data: ColumnData = {
      from: ["timestamp", [Date.UTC(2001, 4, 1), null]],
      to: ["timestamp", [Date.UTC(2001, 4, 2, 12), 0]],
    };
    const between = [column("to"), column("from")];
    expect(numbers(operation("hoursSince", between), data)).toEqual([36, missing]);
    const may: Expression = { op: "constantTime", time: "2001-05-01" };
    expect(numbers(operation("daysSince", [column("to"), may]), data)[0]).toBe(1.5);
  });

  it("beyond the calendar have no parts", () => {
    expect(numbers(operation("year", [column("t")]), { t: ["timestamp", [9e15, -9e15]] })).toEqual([
      missing,
      missing,
    ]);
  });
});

describe("what is learned from numbers", () => {
  it("standardizes by mean and deviation of the training rows", () => {
    const found = numbers(
      operation("standardized", [x]),
      { x: ["float", [1, 3, null]] },
      { x: ["float", [2, 5, null]] },
    );
    expect(found).toEqual([0, 3, missing]);
  });

  it("standardizes what is always the same to 0", () => {
    expect(
      numbers(operation("standardized", [x]), { x: ["float", [4, 4]] }, { x: ["float", [4, 9]] }),
    ).toEqual([0, 0]);
  });

  it("standardizes numbers whose squares overflow", () => {
    const found = numbers(operation("standardized", [x]), { x: ["float", [1e308, -1e308]] });
    expect(found).toEqual([1, -1]);
  });

  it("buckets between quantiles", () => {
    const train = Array.from({ length: 100 }, (_, at) => at);
    const on: ColumnData = { x: ["float", [-5, 24, 25, 50, 99, 1000, null]] };
    expect(numbers(operation("bucketized", [x], { buckets: 4 }), { x: ["float", train] }, on)).toEqual([
      0,
      0,
      1,
      2,
      3,
      3,
      missing,
    ]);
  });

  it("gives each value its own bucket where there are few, and one bucket where there is nothing", () => {
    const bucketized = operation("bucketized", [x], { buckets: 10 });
    expect(numbers(bucketized, { x: ["float", [5, 1, 5, 3]] })).toEqual([2, 0, 2, 1]);
    expect(numbers(bucketized, { x: ["float", [null]] }, { x: ["float", [7]] })).toEqual([0]);
  });

  it("has no empty buckets where one value fills several quantiles", () => {
    const train = [...new Array<number>(90).fill(0), ...Array.from({ length: 10 }, (_, at) => at + 1)];
    const found = numbers(operation("bucketized", [x], { buckets: 5 }), { x: ["float", train] });
    expect(new Set(found).size).toBe(Math.max(...found) + 1);
  });

  const filled: readonly [string, object | string, number][] = [
    ["a constant", { constant: -1 }, -1],
    ["the mean", "mean", 3],
    ["the median", "median", 2],
    ["the most frequent value", "mostFrequent", 1],
  ];
  it.each(filled)("fills missing numbers with %s", (_, fill, expected) => {
    const train: ColumnData = { x: ["float", [7, 1, 3, 1, null]] };
    expect(numbers(operation("fillMissing", [x], { with: fill }), train)[4]).toBe(expected);
  });

  it("takes the smallest of the most frequent values", () => {
    const fill = operation("fillMissing", [x], { with: "mostFrequent" });
    expect(numbers(fill, { x: ["float", [9, 2, 9, 2, 5, null]] })[5]).toBe(2);
  });

  it("fills flags", () => {
    const train: ColumnData = { x: ["bool", [1, 1, 0, null]] };
    expect(numbers(operation("fillMissing", [x], { with: "mostFrequent" }), train)[3]).toBe(1);
    expect(numbers(operation("fillMissing", [x], { with: { constant: false } }), train)[3]).toBe(0);
  });

  it("says which feature has nothing to learn from", () => {
    const fill = operation("fillMissing", [x], { with: "mean" });
    expect(() => numbers(fill, { x: ["float", [null]] })).toThrow(/feature "f": fillMissing\("mean"\)/);
  });

  it("learns from what other operations give, inner ones first", () => {
    const feature = operation("standardized", [
      operation("fillMissing", [operation("log1p", [x])], { with: "mean" }),
    ]);
    expect(numbers(feature, { x: ["float", [0, null]] })).toEqual([0, 0]);
  });
});

describe("categories", () => {
  const train: ColumnData = { x: ["category", ["b", "a", "b", "c", null, "b", "a"]] };
  const on: ColumnData = { x: ["category", ["a", "b", "c", "new", null]] };

  it("used directly are coded by frequency, unseen and missing ones are missing", () => {
    expect(numbers(x, train, on)).toEqual([1, 0, 2, missing, missing]);
  });

  it("are limited to the most frequent ones", () => {
    const two = operation("limited", [x], { maxCategories: 2, minCount: 1 });
    expect(numbers(two, train, on)).toEqual([1, 0, missing, missing, missing]);
    const often = operation("limited", [x], { maxCategories: 9, minCount: 3 });
    expect(numbers(often, train, on)).toEqual([missing, 0, missing, missing, missing]);
  });

  it("become one output each", () => {
    expect(outputs(operation("oneHot", [x], { maxCategories: 2, minCount: 1 }), train, { on })).toEqual({
      "f=b": [0, 1, 0, 0, 0],
      "f=a": [1, 0, 0, 0, 0],
    });
  });

  it("have an order by name, or the one that is given", () => {
    expect(numbers(operation("ordinal", [x], all), train, on)).toEqual([0, 1, 2, missing, missing]);
    const given = operation("ordinal", [x], { ...all, order: ["new", "c", "a"] });
    expect(numbers(given, train, on)).toEqual([2, missing, 1, 0, missing]);
  });

  it("are encoded by their share of the rows that have one", () => {
    expect(numbers(operation("frequencyEncoded", [x], all), train, on)).toEqual([
      2 / 6,
      3 / 6,
      1 / 6,
      0,
      missing,
    ]);
  });

  it("are compared with names", () => {
    expect(numbers(operation("is", [x], { value: "a" }), train, on)).toEqual([1, 0, 0, 0, missing]);
    expect(numbers(operation("isOneOf", [x], { values: ["new", "b"] }), train, on)).toEqual([
      0,
      1,
      0,
      1,
      missing,
    ]);
    expect(numbers(operation("isMissing", [x]), train, on)).toEqual([0, 0, 0, 0, 1]);
  });

  it("are filled with a constant or with the most frequent one", () => {
    const frequent = operation("fillMissing", [x], { with: "mostFrequent" });
    expect(numbers(frequent, train, on)).toEqual([1, 0, 2, missing, 0]);
    const constant = operation("fillMissing", [x], { with: { constant: "none" } });
    expect(numbers(operation("is", [constant], { value: "none" }), train, on)).toEqual([0, 0, 0, 0, 1]);
    const hashed = (inner: Expression): Expression => operation("hashed", [inner], { buckets: 1000 });
    const none: ColumnData = { x: ["category", ["none"]] };
    expect(numbers(hashed(constant), train, on)[4]).toBe(numbers(hashed(x), train, none)[0]);
  });

  it("cross: combinations seen in training have a code, others are unseen", () => {
    const pairs: ColumnData = {
      x: ["category", ["a", "a", "b", null]],
      y: ["category", ["1", "2", "1", "1"]],
    };
    const cross = operation("cross", [x, column("y")], all);
    const other: ColumnData = {
      x: ["category", ["a", "b", "b", "a"]],
      y: ["category", ["1", "1", "2", null]],
    };
    expect(numbers(cross, pairs, other)).toEqual([0, 2, missing, missing]);
    expect(Object.keys(outputs(operation("oneHot", [cross], all), pairs))).toEqual([
      'f=["a","1"]',
      'f=["a","2"]',
      'f=["b","1"]',
    ]);
  });

  it("hash the same on every machine, alone and crossed, and depend on the order of a cross", () => {
    const data: ColumnData = {
      x: ["category", ["ATL", "é🙂", "", null]],
      y: ["category", ["ORD", "ORD", "ORD", "ORD"]],
    };
    const buckets = 16_777_216;
    const hashed = (...args: readonly Expression[]): number[] =>
      numbers(
        operation("hashed", args.length === 1 ? args : [operation("cross", args, all)], { buckets }),
        data,
      );
    expect(hashed(x)).toEqual(HASHED);
    expect(hashed(x, column("y"))[0]).not.toBe(hashed(column("y"), x)[0]);
    expect(hashed(x, column("y"))[3]).toBe(missing);
  });

  it("of many buckets are encoded without a table of all of them", () => {
    const hashed = operation("hashed", [x], { buckets: 16_777_216 });
    expect(numbers(operation("frequencyEncoded", [hashed], all), train, on)).toEqual([
      2 / 6,
      3 / 6,
      1 / 6,
      0,
      missing,
    ]);
    expect(numbers(operation("limited", [hashed], all), train).filter((code) => code >= 0)).toHaveLength(6);
  });

  it("of weekdays have their names", () => {
    const week: ColumnData = { x: ["timestamp", [Date.UTC(2001, 4, 1), Date.UTC(2001, 4, 6)]] };
    const day = operation("dayOfWeek", [x]);
    expect(numbers(operation("is", [day], { value: "tuesday" }), week)).toEqual([1, 0]);
    expect(numbers(operation("ordinal", [day], { ...all, order: [...weekdays].reverse() }), week)).toEqual([
      5, 0,
    ]);
    expect(() => numbers(operation("is", [day], { value: "Tuesday" }), week)).toThrow(
      /not a day of the week/,
    );
  });
});

describe("target encoding", () => {
  const train: ColumnData = { x: ["category", ["a", "a", "b", null, "a", "b", "c", "c"]] };
  const target = [1, 0, 1, 1, 1, 0, 0, 0];
  const encoded = operation("targetEncoded", [x], { ...all, smoothing: 2 });

  it("draws the mean of a category towards the overall mean; unseen ones have the overall mean", () => {
    const on: ColumnData = { x: ["category", ["a", "b", "c", null, "new"]] };
    const prior = 4 / 8;
    const value = (sum: number, count: number): number => (sum + 2 * prior) / (count + 2);
    expect(outputs(encoded, train, { on, target }).f).toEqual([
      value(2, 3),
      value(1, 2),
      value(0, 2),
      value(1, 1),
      prior,
    ]);
  });

  it("shows no training row its own target", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", null), fc.integer({ min: 0, max: 9 })), {
          minLength: 8,
          maxLength: 40,
        }),
        fc.nat(),
        (rows, pick) => {
          const data: ColumnData = { x: ["category", rows.map(([text]) => text)] };
          const row = pick % rows.length;
          const encode = (targets: readonly number[]): number => {
            const options = { target: Float64Array.from(targets), seed: 3 };
            const { plan, folds } = fitPlan(
              { columns: typesOf(data), features: { f: encoded } },
              tableOf(data),
              options,
            );
            return compilePlan(plan).evaluateTable(tableOf(data), { folds }).values[0]![row]!;
          };
          const targets = rows.map(([, y]) => y);
          // With rows in one fold only there is nothing else to go by.
          const { folds } = fitPlan({ columns: {}, features: {} }, tableOf(data), { seed: 3 });
          fc.pre(new Set(folds).size > 1);
          expect(encode(targets.with(row, 1000))).toBe(encode(targets));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("counts weights and leaves out rows without a target", () => {
    const data: ColumnData = { x: ["category", ["a", "a", "a"]] };
    const options = {
      target: Float64Array.of(1, 0, Number.NaN),
      weights: Float64Array.of(3, 1, 100),
      seed: 1,
    };
    const plain = operation("targetEncoded", [x], { ...all, smoothing: 0 });
    const { plan } = fitPlan({ columns: typesOf(data), features: { f: plain } }, tableOf(data), options);
    expect(compilePlan(plan).evaluateTable(tableOf(data)).values[0]![0]).toBe(0.75);
  });

  it("needs a target", () => {
    expect(() => numbers(encoded, train)).toThrow(/there is no target/);
  });
});

describe("texts", () => {
  const data: ColumnData = { x: ["text", ["Hello, hello world!", "", null, "naïve 🙂 ÉTÉ", "日本 語"]] };

  it("have lengths in code points and words", () => {
    expect(numbers(operation("length", [x]), data)).toEqual([19, 0, missing, 11, 4]);
    expect(numbers(operation("wordCount", [x]), data)).toEqual([3, 0, missing, 3, 2]);
  });

  it("count their words, in lower case, in a vector", () => {
    const found = outputs(operation("wordsHashed", [x], { buckets: 64 }), data);
    const sums = [0, 1, 2, 3, 4].map((row) =>
      Object.values(found).reduce((sum, values) => sum + values[row]!, 0),
    );
    expect(sums).toEqual([3, 0, 0, 3, 2]);
    expect(Math.max(...Object.values(found).map((values) => values[0]!))).toBe(2);
    const lower = outputs(operation("wordsHashed", [x], { buckets: 64 }), { x: ["text", ["naïve 🙂 été"]] });
    for (const [name, values] of Object.entries(lower)) expect(found[name]![3]).toBe(values[0]);
  });
});

/** FNV-1a over UTF-8 and the finaliser of MurmurHash3, computed in Python. */
const HASHED: readonly number[] = [16230157, 7153434, 4094987, Number.NaN];
