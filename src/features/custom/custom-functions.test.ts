import { describe, expect, it } from "vitest";
import { exp, pow, type Table } from "../../kernel/index.ts";
import { compilePlan } from "../compile.ts";
import { featuresErrors } from "../errors.ts";
import type { Expression } from "../expression.ts";
import { fitPlan } from "../fit.ts";
import { type CustomValue, openCustomFunctions } from "./custom-functions.ts";
import { checkPurity } from "./purity.ts";

const run = (body: string, ...values: CustomValue[]): unknown =>
  openCustomFunctions(`exports.f = ${body};`).find("f")(...values);

describe("custom code", () => {
  it("computes with what is the same everywhere", () => {
    expect(run("(x) => Math.exp(x) + Math.pow(x, 3)", 0.7)).toBe(exp(0.7) + pow(0.7, 3));
    expect(run("(text) => [...new Set(text)].sort().join('')", "banana")).toBe("abn");
    expect(run("(text) => JSON.stringify(new Map([[text, 1n]]).size)", "a")).toBe("1");
  });

  it("has neither clock nor chance, nor a way out", () => {
    for (const name of [
      ...["Date", "Intl", "performance", "crypto", "console", "process", "require", "fetch", "setTimeout"],
      ...[
        "globalThis",
        "global",
        "WebAssembly",
        "eval",
        "Function",
        "Promise",
        "queueMicrotask",
        "structuredClone",
      ],
      ...["SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry"],
    ])
      expect(run(`() => typeof ${name}`), name).toBe("undefined");
    for (const name of ["random", "sinh", "atan2", "hypot", "cbrt", "tan"])
      expect(run(`() => typeof Math.${name}`), name).toBe("undefined");
    expect(() => run("(text) => text.localeCompare('b')", "a")).toThrow("localeCompare is not a function");
    expect(() => run("() => (() => {}).constructor('return 1')()")).toThrow(/Code generation|disallowed/);
  });

  it("cannot change what others see of the realm", () => {
    expect(() => run("() => { Math.floor = () => 7; }")).toThrow(/read only|extensible/);
    expect(() => run("() => { counter = 1; }")).toThrow();
    expect(() => run("function () { this.x = 1; }")).toThrow();
  });

  it("that does not run, or lacks a function, is refused by name", () => {
    expect(() => openCustomFunctions("exports.f = ;")).toThrowError(/does not run/);
    expect(() => openCustomFunctions("throw new Error('no')")).toThrowError(/does not run: no/);
    expect(() => openCustomFunctions("exports.f = 1").find("f")).toThrowError(/no function "f"/);
    expect(() => openCustomFunctions("").find("constructor")).toThrowError(/no function "constructor"/);
  });
});

const columns = { a: "float", b: "category", on: "bool", at: "timestamp" } as const;
const table: Table = {
  rowCount: 4,
  columns: new Map([
    ["a", { kind: "number", values: Float64Array.of(1, 2.5, Number.NaN, 0) }],
    ["b", { kind: "string", codes: Int32Array.of(0, 1, -1, 0), dictionary: ["x", "yy"] }],
    ["on", { kind: "number", values: Float64Array.of(1, 0, Number.NaN, 1) }],
    ["at", { kind: "number", values: Float64Array.of(0, 1000, 2000, Number.NaN) }],
  ]),
};
const call = (returns: "number" | "flag" | "category", ...names: (keyof typeof columns)[]): Expression => ({
  op: "custom",
  function: "f",
  returns,
  args: names.map((name) => ({ op: "column", name })),
});
function evaluate(body: string, expression: Expression) {
  const functions = openCustomFunctions(`exports.f = ${body};`);
  const { plan } = fitPlan({ columns, features: { feature: expression } }, table, { seed: 1, functions });
  return { plan, kernel: compilePlan(plan, functions) };
}

describe("a custom function", () => {
  it("is given what the columns hold, null where it is missing, and gives null for missing", () => {
    const seen = "(...values) => values.every((value) => value === null) ? null : JSON.stringify(values)";
    const { plan, kernel } = evaluate(seen, call("category", "a", "b", "on", "at"));
    expect(plan.dictionaries[0]).toEqual([
      '[0,"x",true,null]',
      '[1,"x",true,0]',
      '[2.5,"yy",false,1000]',
      "[null,null,null,2000]",
    ]);
    const out = new Float64Array(1);
    kernel.evaluateRecord({ a: null, b: null, on: null, at: null }, out);
    expect(out[0]).toBeNaN();
    kernel.evaluateRecord({ a: 1, b: "x", on: true, at: "1970-01-01T00:00:00Z" }, out);
    expect(out[0]).toBe(1);
  });

  it("of numbers knows one missing number and no −0, and of flags true, false and missing", () => {
    const odd = "(a) => (a === 1 ? Infinity : a === 2.5 ? -0 : a === null ? undefined : 3)";
    const [numbers] = evaluate(odd, call("number", "a")).kernel.evaluateTable(table).values;
    expect([...numbers!]).toEqual([Number.NaN, 0, Number.NaN, 3]);
    expect(Object.is(numbers![1], 0)).toBe(true);
    const [flags] = evaluate("(on) => (on === null ? null : !on)", call("flag", "on")).kernel.evaluateTable(
      table,
    ).values;
    expect([...flags!]).toEqual([0, 1, Number.NaN, 0]);
  });

  it("can be what other operations begin with", () => {
    const filled: Expression = {
      op: "is",
      args: [{ op: "fillMissing", args: [call("category", "b")], with: { constant: "none" } }],
      value: "none",
    };
    const [values] = evaluate("(b) => b", filled).kernel.evaluateTable(table).values;
    expect([...values!]).toEqual([0, 0, 1, 0]);
  });

  it("that throws or gives something else is an error that names it and the row", () => {
    const failing = (body: string, expression: Expression) => () => evaluate(body, expression);
    expect(failing("(a) => a.valueOf()", call("number", "a"))).toThrowError(
      /custom function "f": .*\(row 3\)/,
    );
    expect(failing("() => 'text'", call("number", "a"))).toThrowError(
      /gave a text, not a number or null \(row 1\)/,
    );
    expect(failing("() => 1", call("flag", "a"))).toThrowError(/gave a number, not true, false or null/);
    expect(failing("() => ({ then() {} })", call("category", "a"))).toThrowError(/must not be async/);
    try {
      evaluate("() => []", call("number", "a"));
    } catch (thrown) {
      expect(featuresErrors.FEATURES_CUSTOM_FAILED.is(thrown) && thrown.details).toMatchObject({
        ...{ function: "f", firstRow: 1 },
      });
    }
    const { plan } = evaluate("(a) => (a === 99 ? a.b.c : a)", call("number", "a"));
    const kernel = compilePlan(plan, openCustomFunctions("exports.f = (a) => (a === 99 ? a.b.c : a);"));
    const out = Float64Array.of(5);
    expect(() => kernel.evaluateRecord({ a: 99 }, out)).toThrowError(/custom function "f"/);
    expect(out[0]).toBe(5);
  });

  it("is called with the code of the plan and never without", () => {
    const { plan } = evaluate("(a) => a", call("number", "a"));
    expect(() => compilePlan(plan)).toThrowError(/no custom code has come with it/);
    expect(() => compilePlan(plan, openCustomFunctions("exports.g = 1"))).toThrowError(/no function "f"/);
  });

  it("of a table that has a column of its result's name computes it all the same", () => {
    const functions = openCustomFunctions("exports.f = (a) => a;");
    const { plan } = evaluate("(a) => a", call("number", "a"));
    const name = plan.custom![0]!.name;
    const spoofed = new Map([
      ...table.columns,
      [name, { kind: "number", values: new Float64Array(4) } as const],
    ]);
    const [values] = compilePlan(plan, functions).evaluateTable({ rowCount: 4, columns: spoofed }).values;
    expect([...values!]).toEqual([1, 2.5, Number.NaN, 0]);
  });
});

describe("the purity check", () => {
  const check = (code: string) => () =>
    checkPurity(code, { expressions: [call("number", "a")], columns, table });

  it("passes what depends on its arguments alone, memory of them included", () => {
    expect(check("exports.f = (a) => (a === null ? null : a * 2);")).not.toThrow();
    expect(
      check(
        "const known = new Map(); exports.f = (a) => { if (!known.has(a)) known.set(a, (a ?? 0) + 1); return known.get(a); };",
      ),
    ).not.toThrow();
  });

  it("finds what depends on earlier rows", () => {
    expect(check("let n = 0; exports.f = (a) => n++;")).toThrowError(
      /custom function "f" gives different results for the same arguments \(row 1\)/,
    );
    expect(
      check("let last = null; exports.f = (a) => { const was = last; last = a; return was; };"),
    ).toThrowError(/different results/);
  });
});
