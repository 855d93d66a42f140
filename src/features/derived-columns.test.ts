import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestOfJson, type Table } from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import type { DerivedColumn } from "./derivation.ts";
import { fitPlan } from "./fit.ts";
import { type FeaturePlan, planFormat } from "./plan.ts";
import { createPlanBuilder } from "./plan-builder.ts";
import { column } from "./testing/expressions.ts";
import type { WindowSpec } from "./windows/window-spec.ts";

const columns = { date: "timestamp", origin: "category", price: "float" } as const;

const window: WindowSpec = {
  time: "date",
  of: {
    from: "label",
    expression: { op: "above", args: [column("delay"), column("price")] },
    columns: [{ name: "delay", type: "int" }],
  },
  by: [column("origin"), { op: "hourOfDay", args: [column("date")] }],
  overMs: 10_800_000,
  paneMs: 300_000,
  knownAfterMs: 3_600_000,
};
const late: DerivedColumn = {
  name: "late",
  type: "float",
  from: { kind: "window", window, statistic: "mean" },
};
const flown: DerivedColumn = {
  name: "flown",
  type: "float",
  from: { kind: "window", window: { ...window, of: { from: "rows" } }, statistic: "count" },
};

/** late + price, log1p(flown), and the price alone. */
function somePlan(): FeaturePlan {
  const builder = createPlanBuilder(columns, []);
  const price = builder.slot({ read: "number", column: builder.column("price") });
  const first = builder.slot({ read: "derived", derived: builder.derived(late) });
  const second = builder.slot({ read: "derived", derived: builder.derived(flown) });
  const numeric = (name: string, value: number) => builder.output({ kind: "numeric", name, value });
  numeric("sum", builder.step("add", [first, price]));
  numeric("log", builder.step("log1p", [second]));
  numeric("price", price);
  return JSON.parse(canonicalJson(builder.build()));
}

function recordOf(price: number | null): Record<string, unknown> {
  return { price, date: "2001-01-01", origin: "ATL" };
}

describe("derived columns", () => {
  const kernel = compilePlan(somePlan());

  it("are no fields of a record, but what they are made of is", () => {
    expect(kernel.derived).toEqual([late, flown]);
    expect(kernel.inputs.map(({ name }) => name).sort()).toEqual(["date", "origin", "price"]);
    const out = new Float64Array(3);
    expect(() => kernel.evaluateRecord({ price: 1 }, out, [0, 0])).toThrowError(
      expect.objectContaining({ code: "FEATURES_MISSING_FIELD" }),
    );
  });

  it("give a record beside its values the very bits of the row of a table that has them as columns", () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, 1e308, Number.POSITIVE_INFINITY));
    const rows = fc.array(fc.tuple(number, number, number), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, (given) => {
        const values = (at: 0 | 1 | 2) => Float64Array.from(given, (row) => row[at]);
        const table: Table = {
          rowCount: given.length,
          columns: new Map(
            ["price", "late", "flown"].map((name, at) => [
              name,
              { kind: "number", values: values(at as 0 | 1 | 2) },
            ]),
          ),
        };
        const matrix = kernel.evaluateTable(table);
        const out = new Float64Array(3);
        for (const [row, [price, ...derived]] of given.entries()) {
          kernel.evaluateRecord(recordOf(Number.isFinite(price) ? price : null), out, derived);
          const expected = Float64Array.from(matrix.values, (column) => column[row]!);
          expect(new BigUint64Array(out.buffer)).toEqual(new BigUint64Array(expected.buffer));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("must all be given, by whoever evaluates a record or a table", () => {
    const bad = expect.objectContaining({ code: "FEATURES_BAD_TABLE" });
    const out = new Float64Array(3);
    expect(() => kernel.evaluateRecord(recordOf(1), out)).toThrowError(bad);
    expect(() => kernel.evaluateRecord(recordOf(1), out, [1])).toThrowError(bad);
    const price = { kind: "number", values: Float64Array.of(1) } as const;
    expect(() => kernel.evaluateTable({ rowCount: 1, columns: new Map([["price", price]]) })).toThrowError(
      bad,
    );
    const text = { kind: "string", codes: Int32Array.of(0), dictionary: ["x"] } as const;
    const columns = new Map<string, typeof price | typeof text>([
      ["price", price],
      ["late", text],
      ["flown", price],
    ]);
    expect(() => kernel.evaluateTable({ rowCount: 1, columns })).toThrowError(bad);
  });

  it("leave plans without them as they were", () => {
    const data = { x: { kind: "number", values: Float64Array.of(1, 2) } } as const;
    const { plan } = fitPlan(
      { columns: { x: "float" }, features: { x: { op: "log1p", args: [column("x")] } } },
      { rowCount: 2, columns: new Map(Object.entries(data)) },
      { seed: 1 },
    );
    expect(digestOfJson(plan)).toBe(
      digestOfJson({
        format: planFormat,
        columns: [{ name: "x", type: "float" }],
        dictionaries: [],
        slots: [{ read: "number", column: 0 }],
        steps: [{ op: "log1p", args: [0] }],
        outputs: [{ kind: "numeric", name: "x", value: 1 }],
      }),
    );
  });

  const windowWith = (change: object): object => ({
    ...late,
    from: { ...late.from, window: { ...window, ...change } },
  });
  const label = (change: object): object => windowWith({ of: { ...window.of, ...change } });
  const broken: readonly [string, object][] = [
    ["a name that a column has", { ...late, name: "price" }],
    ["a name twice", { ...late, name: "flown" }],
    ["another type", { ...late, type: "category" }],
    ["more members", { ...late, run: "globalThis.escaped=1" }],
    ["no origin", { name: "late", type: "float" }],
    ["an origin that is unknown", { ...late, from: { kind: "__proto__" } }],
    ["a statistic that is unknown", { ...late, from: { ...late.from, statistic: "constructor" } }],
    ["a time that is no time", windowWith({ time: "price" })],
    ["a time that every object has", windowWith({ time: "constructor" })],
    ["a key that is no column", windowWith({ by: [column("gate")] })],
    ["a key that is a time", windowWith({ by: [column("date")] })],
    [
      "a key that is learned",
      windowWith({ by: [{ op: "bucketized", args: [column("price")], buckets: 4 }] }),
    ],
    ["a key of a label", windowWith({ by: [column("delay")] })],
    ["a key with arguments for a column", windowWith({ by: [{ ...column("origin"), args: [null] }] })],
    ["too many keys", windowWith({ by: Array(9).fill(column("origin")) })],
    ["no length", windowWith({ overMs: 0 })],
    ["panes that are longer", windowWith({ paneMs: 20_000_000 })],
    ["far too many panes", windowWith({ paneMs: 1 })],
    ["half a millisecond", windowWith({ paneMs: 0.5 })],
    ["a label known before it happened", windowWith({ knownAfterMs: -1 })],
    ["a label of nothing known later", label({ columns: [] })],
    ["a label of a column known before", label({ columns: [{ name: "price", type: "float" }] })],
    ["a label that is not read", label({ expression: column("price") })],
    [
      "a label that is a category",
      label({ columns: [{ name: "delay", type: "category" }], expression: column("delay") }),
    ],
    ["a label from elsewhere", label({ from: "shell" })],
    ["rows with a value", label({ from: "rows" })],
    ["a label that is the target somehow", label({ target: "yes" })],
    ["rows that are the target", windowWith({ of: { from: "rows", target: true } })],
  ];
  it.each(broken)("of a foreign plan are refused with %s", (_, change) => {
    const plan = { ...somePlan(), derived: [change, flown] } as unknown as FeaturePlan;
    expect(() => compilePlan(plan)).toThrowError(expect.objectContaining({ code: "FEATURES_BAD_PLAN" }));
  });

  it.each([7, -1, 0.5, "0", null])("of a foreign plan are not read at %j", (place) => {
    const plan = somePlan();
    const slots = plan.slots.map((slot) => (slot.read === "derived" ? { ...slot, derived: place } : slot));
    expect(() => compilePlan({ ...plan, slots } as FeaturePlan)).toThrowError(
      expect.objectContaining({ code: "FEATURES_BAD_PLAN" }),
    );
  });
});
