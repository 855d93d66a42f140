import { describe, expect, it } from "vitest";
import {
  createDigester,
  createRandom,
  type Digest,
  digestOfJson,
  type FeatureMatrix,
} from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import type { Expression, FeatureSpec } from "./expression.ts";
import { evaluateExpression, fitPlan } from "./fit.ts";
import { all, type ColumnData, column, operation, tableOf, typesOf } from "./testing/expressions.ts";

const data: ColumnData = {
  x: ["float", [1, 2, 3, null]],
  c: ["category", ["a", "b", "a", null]],
  t: ["timestamp", [0, 1, 2, 3]],
  words: ["text", ["a b", "c", null, ""]],
};

function codeOf(features: Readonly<Record<string, Expression>>, change: Partial<FeatureSpec> = {}): string {
  try {
    fitPlan({ columns: typesOf(data), features, ...change }, tableOf(data), { seed: 1 });
  } catch (thrown) {
    if (typeof thrown === "object" && thrown !== null && "code" in thrown) return String(thrown.code);
    throw thrown;
  }
  return "fitted";
}

describe("fitPlan", () => {
  it("refuses what is not a feature, naming the feature", () => {
    expect(codeOf({ when: column("t") })).toBe("FEATURES_BAD_EXPRESSION");
    expect(codeOf({ what: column("words") })).toBe("FEATURES_BAD_EXPRESSION");
    expect(() =>
      fitPlan(
        { columns: typesOf(data), features: { late: operation("log", [column("c")]) } },
        tableOf(data),
        { seed: 1 },
      ),
    ).toThrow('feature "late": log(): argument 1 must be a number, column "c" is a category');
  });

  it.each(["", " padded", "a=b", "a[0]", "line\nbreak", "1st", "x".repeat(101)])(
    "refuses %j as the name of a feature",
    (name) => {
      expect(codeOf({ [name]: column("x") })).toBe("FEATURES_BAD_NAME");
    },
  );

  it("refuses columns that are not declared, or not there", () => {
    expect(codeOf({ f: column("nothing") })).toBe("FEATURES_UNKNOWN_COLUMN");
    expect(codeOf({ f: column("toString") })).toBe("FEATURES_UNKNOWN_COLUMN");
    const wider = { ...typesOf(data), more: "float", other: "category" } as const;
    expect(codeOf({ f: operation("standardized", [column("more")]) }, { columns: wider })).toBe(
      "FEATURES_BAD_TABLE",
    );
    expect(codeOf({ f: column("other") }, { columns: wider })).toBe("FEATURES_BAD_TABLE");
    expect(codeOf({ f: operation("standardized", [column("c")]) }, { columns: { c: "float" } })).toBe(
      "FEATURES_BAD_TABLE",
    );
  });

  it.each<[string, unknown]>([
    ["an unknown operation", { op: "constructor" }],
    ["no operation", {}],
    ["nothing", null],
    ["an unknown option", { op: "log", args: [column("x")], base: 2 }],
    ["a missing option", { op: "bucketized", args: [column("x")] }],
    ["an option out of range", { op: "bucketized", args: [column("x")], buckets: 1 }],
    ["too many arguments", { op: "log", args: [column("x"), column("x")] }],
    ["arguments that are no list", { op: "log", args: { 0: column("x"), length: 1 } }],
    ["limits that cross", { op: "clip", args: [column("x")], low: 2, high: 1 }],
    ["a fill of another kind", { op: "fillMissing", args: [column("x")], with: { constant: "a" } }],
    ["a time that is none", { op: "hoursSince", args: [column("t"), { op: "constantTime", time: "soon" }] }],
    [
      "names where there are none",
      { op: "is", args: [operation("hashed", [column("c")], { buckets: 4 })], value: "a" },
    ],
  ])("refuses an expression with %s", (_, expression) => {
    const code = codeOf({ f: expression as Expression });
    expect(["FEATURES_BAD_EXPRESSION", "FEATURES_UNKNOWN_OPERATION"]).toContain(code);
  });

  it("refuses expressions nested without end", () => {
    let deep: Expression = column("x");
    for (let level = 0; level < 10_000; level++) deep = operation("negate", [deep]);
    expect(codeOf({ f: deep })).toBe("FEATURES_BAD_EXPRESSION");
  });

  it("refuses targets and weights of another length", () => {
    const spec = { columns: typesOf(data), features: { f: column("x") } };
    for (const given of [{ target: new Float64Array(3) }, { weights: new Float64Array(5) }]) {
      expect(() => fitPlan(spec, tableOf(data), { ...given, seed: 1 })).toThrow(/for 4 rows/);
    }
  });

  it("computes what features share only once", () => {
    const log = operation("log1p", [column("x")]);
    const features = { a: log, b: operation("standardized", [log]), c: operation("above", [log, 1]) };
    const { plan } = fitPlan({ columns: typesOf(data), features }, tableOf(data), { seed: 1 });
    expect(plan.steps.filter(({ op }) => op === "log1p")).toHaveLength(1);
    expect(plan.columns.map(({ name }) => name)).toEqual(["x"]);
  });

  it("draws folds from the seed alone", () => {
    const fold = (seed: number): number[] => [
      ...fitPlan({ columns: {}, features: {} }, { rowCount: 1000, columns: new Map() }, { seed }).folds,
    ];
    expect(fold(1)).toEqual(fold(1));
    expect(fold(1)).not.toEqual(fold(2));
    expect([...new Set(fold(1))].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it("takes names with quotes, code and line ends for what they are", () => {
    const name = '"];throw new Error("out");//\u2028\n`$x`';
    const odd: ColumnData = { [name]: ["category", ["a", "b"]] };
    const spec = { columns: typesOf(odd), features: { f: column(name) } };
    const kernel = compilePlan(fitPlan(spec, tableOf(odd), { seed: 1 }).plan);
    const out = new Float64Array(1);
    kernel.evaluateRecord({ [name]: "b" }, out);
    expect(out[0]).toBe(1);
  });
});

describe("evaluateExpression", () => {
  it("gives numbers and flags of all rows, NaN where missing", () => {
    const late = operation("above", [column("x"), 1]);
    expect([...evaluateExpression(late, typesOf(data), tableOf(data))]).toEqual([0, 1, 1, Number.NaN]);
    const isA = operation("is", [column("c")], { value: "a" });
    expect([...evaluateExpression(isA, typesOf(data), tableOf(data))]).toEqual([1, 0, 1, Number.NaN]);
  });

  it("refuses what is learned and what is no number", () => {
    const evaluate = (expression: Expression) => () =>
      evaluateExpression(expression, typesOf(data), tableOf(data));
    expect(evaluate(operation("standardized", [column("x")]))).toThrow(/learned from training rows/);
    expect(evaluate(column("c"))).toThrow(/must be a number or a flag/);
    expect(evaluate(column("t"))).toThrow(/must be a number or a flag/);
  });
});

describe("numbers that are digested", () => {
  it("are the same on every machine and version", () => {
    const random = createRandom("golden features");
    const draw = (count: number, cell: () => number | string | null) => Array.from({ length: count }, cell);
    const rows = 3000;
    const golden: ColumnData = {
      x: ["float", draw(rows, () => (random.integer(20) === 0 ? null : (random.float() - 0.3) * 1000))],
      t: ["timestamp", draw(rows, () => random.float() * 4e12 - 2e12)],
      c: ["category", draw(rows, () => ["ATL", "ORD", "é", null][random.integer(4)] ?? null)],
      w: ["text", draw(rows, () => ["Hello World", "naïve ÉTÉ", "", null][random.integer(4)] ?? null)],
    };
    const x = column("x");
    const c = column("c");
    const features: Record<string, Expression> = {
      log: operation("log1p", [x]),
      root: operation("squareRoot", [operation("absolute", [x])]),
      standard: operation("standardized", [operation("log", [x])]),
      bucket: operation("bucketized", [x], { buckets: 16 }),
      filled: operation("fillMissing", [x], { with: "mean" }),
      ratio: operation("divide", [x, operation("round", [x], { digits: 1 })]),
      hour: operation("hourOfDay", [column("t")]),
      days: operation("daysSince", [column("t"), { op: "constantTime", time: "2001-01-01" }]),
      weekday: operation("oneHot", [operation("dayOfWeek", [column("t")])], all),
      encoded: operation("targetEncoded", [c], { ...all, smoothing: 10 }),
      share: operation("frequencyEncoded", [c], all),
      cross: operation("cross", [c, operation("bucketized", [x], { buckets: 3 })], all),
      hashed: operation("hashed", [operation("cross", [c, operation("dayOfWeek", [column("t")])], all)], {
        buckets: 97,
      }),
      words: operation("wordsHashed", [column("w")], { buckets: 8 }),
    };
    const target = Float64Array.from({ length: rows }, () => random.integer(2));
    const { plan, folds } = fitPlan({ columns: typesOf(golden), features }, tableOf(golden), {
      target,
      seed: 7,
    });
    expect(digestOfJson(plan)).toBe(GOLDEN.plan);
    expect(digestOfMatrix(compilePlan(plan).evaluateTable(tableOf(golden), { folds }))).toBe(GOLDEN.matrix);
  });
});

function digestOfMatrix({ values }: FeatureMatrix): Digest {
  const digester = createDigester();
  for (const column of values)
    digester.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  return digester.digest();
}

/** Change these only together with the name of an operation: stored plans must keep giving the same bits. */
const GOLDEN = {
  plan: "6ef60088b9dc59f215f414182bd40d10f082fdf1304d3ce4a5a095c35cd423fd",
  matrix: "8b12eeff5c7548f9e8f8acb18f2880b514c86140475d72e7bb5826fa3d121f8c",
};
