import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compilePlan, derivedColumns, fitPlan, streamTable, windowProgram } from "../features/index.ts";
import { canonicalJson, SlipwayError, type Table, type TableColumn } from "../kernel/index.ts";
import { csv, dataset, featureSpecOf, loadProject, type ModelSpec, model } from "./index.ts";
import { classes } from "./target.ts";

const HOUR = 3_600_000;

const trips = dataset({
  source: csv("trips.csv"),
  columns: {
    date: "timestamp",
    delay: { type: "int", known: "after" },
    cancelled: { type: "bool", known: "after" },
    price: { type: "float", required: false },
    origin: "category",
    weekend: "bool",
    title: "text",
  },
  time: "date",
});
const timeless = dataset({ source: csv("x.csv"), columns: { x: "float", y: "bool" } });

/** Plain JavaScript: no types to stop it. */
// biome-ignore lint/suspicious/noExplicitAny: that is what plain JavaScript has
type Plain = any;
const feature = (make: (c: Plain, past: Plain) => unknown, from: unknown = trips): ModelSpec => {
  const plainModel = model as (options: unknown) => ModelSpec;
  const target = from === trips ? (row: Plain) => row.delay.above(15) : (row: Plain) => row.y;
  return plainModel({ from, target, features: (c: Plain, past: Plain) => ({ f: make(c, past) }) });
};
const made = (make: (c: Plain, past: Plain) => unknown) => feature(make).features.f;

function refusal(act: () => unknown): SlipwayError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("it was accepted");
}

describe("the guide's project", () => {
  it("is one", async () => {
    const guide = await readFile(new URL("../../docs/guide/time-aware-features.md", import.meta.url), "utf8");
    const [, code] = /```ts\n(.*?)```/s.exec(guide)!;
    const folder = await mkdtemp(join(tmpdir(), "slipway-guide-"));
    try {
      await writeFile(join(folder, "slipway.config.ts"), code!);
      const { models } = await loadProject(folder);
      expect(Object.keys(models.get("late")!.features)).toContain("lateOnRoute");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("the past", () => {
  it("is windows as plain data, over the time of the dataset", () => {
    const origin = { op: "column", name: "origin" };
    expect(made((c, past) => past.rows.count({ by: c.origin, over: "3h" }))).toEqual({
      op: "window",
      statistic: "count",
      window: {
        time: "date",
        of: { from: "rows" },
        by: [origin],
        overMs: 3 * HOUR,
        paneMs: HOUR / 12,
        knownAfterMs: 0,
      },
    });
    expect(made((_, past) => past.target.rate({ over: "1.5d", knownAfter: "90s" }))).toEqual({
      op: "window",
      statistic: "mean",
      window: {
        time: "date",
        of: {
          from: "label",
          expression: {
            op: "above",
            args: [
              { op: "column", name: "delay" },
              { op: "constant", value: 15 },
            ],
          },
          columns: [{ name: "delay", type: "int" }],
          target: true,
        },
        by: [],
        overMs: 36 * HOUR,
        paneMs: HOUR,
        knownAfterMs: 90_000,
      },
    });
  });

  it("collects what is known with the row, and what is known later with its labels", () => {
    const of = (make: (c: Plain, past: Plain) => unknown) => {
      const expression = made(make);
      return expression?.op === "window" ? expression.window.of : undefined;
    };
    const over = { over: "1h" };
    const later = { over: "1h", knownAfter: "1h" };
    expect(of((_, past) => past.column("price").mean(over))?.from).toBe("value");
    expect(of((_, past) => past.value((c: Plain) => c.price.multiply(2)).mean(over))?.from).toBe("value");
    expect(of((_, past) => past.column("cancelled").rate(later))).toMatchObject({
      from: "label",
      columns: [{ name: "cancelled", type: "bool" }],
    });
    expect(
      of((_, past) => past.label((row: Plain) => row.delay.above(row.price).and(row.cancelled)).rate(later)),
    ).toMatchObject({
      from: "label",
      columns: [
        { name: "delay", type: "int" },
        { name: "cancelled", type: "bool" },
      ],
    });
  });

  it("of a target that declares nothing to be known later has all it is made of as labels", () => {
    const spec = model({
      from: dataset({ source: csv("x.csv"), columns: { t: "timestamp", x: "float", y: "bool" }, time: "t" }),
      target: (row) => row.y,
      features: (c, past) => ({ x: c.x, rate: past.target.rate({ over: "1h", knownAfter: "1h" }) }),
    });
    expect(spec.features.rate).toMatchObject({ window: { of: { columns: [{ name: "y", type: "bool" }] } } });
  });

  it.each<[string, (c: Plain, past: Plain) => unknown, string, RegExp]>([
    ["no options", (_, past) => past.rows.count(), "PROJECT_BAD_MODEL", /options are missing/],
    [
      "no length",
      (_, past) => past.rows.count({}),
      "PROJECT_BAD_MODEL",
      /over must be a duration, it is missing/,
    ],
    ["another unit", (_, past) => past.rows.count({ over: "3w" }), "PROJECT_BAD_MODEL", /not "3w"/],
    [
      "no time at all",
      (_, past) => past.rows.count({ over: "0.5s" }),
      "PROJECT_BAD_MODEL",
      /from 1s to 36500d/,
    ],
    [
      "another option",
      (_, past) => past.rows.count({ over: "1h", for: 1 }),
      "PROJECT_BAD_MODEL",
      /no option "for"/,
    ],
    [
      "a key of text",
      (_, past) => past.rows.count({ over: "1h", by: "origin" }),
      "PROJECT_BAD_MODEL",
      /must be a column/,
    ],
    [
      "a time as key",
      (c, past) => past.rows.count({ over: "1h", by: c.date }),
      "FEATURES_BAD_EXPRESSION",
      /is a time/,
    ],
    [
      "a learned key",
      (c, past) => past.rows.count({ over: "1h", by: c.price.bucketized(5) }),
      "FEATURES_BAD_EXPRESSION",
      /bucketized\(\), which is learned/,
    ],
    [
      "a learned value",
      (_, past) => past.value((c: Plain) => c.price.standardized()).mean({ over: "1h" }),
      "FEATURES_BAD_EXPRESSION",
      /standardized\(\), which is learned/,
    ],
    ["rows as numbers", (_, past) => past.rows.mean({ over: "1h" }), "PROJECT_WRONG_KIND", /has no mean/],
    [
      "a flag's maximum",
      (_, past) => past.column("weekend").maximum({ over: "1h" }),
      "PROJECT_WRONG_KIND",
      /no maximum/,
    ],
    ["a category", (_, past) => past.column("origin"), "PROJECT_BAD_MODEL", /only numbers and flags/],
    [
      "a column that is not there",
      (_, past) => past.column("prise"),
      "PROJECT_UNKNOWN_COLUMN",
      /no column "prise"/,
    ],
    ["a value that is none", (_, past) => past.value(() => 5), "PROJECT_BAD_MODEL", /only numbers and flags/],
    ["no function", (_, past) => past.value("price"), "PROJECT_BAD_MODEL", /takes a function/],
    [
      "a label known now",
      (_, past) => past.label((r: Plain) => r.price),
      "PROJECT_BAD_MODEL",
      /known with the row/,
    ],
    [
      "a value known later",
      (_, past) => past.value((r: Plain) => r.delay),
      "PROJECT_LEAK",
      /known only after/,
    ],
    [
      "a label known when?",
      (_, past) => past.target.rate({ over: "1h" }),
      "PROJECT_LEAK",
      /knownAfter is missing/,
    ],
    [
      "a window in a window",
      (_, past) => past.value(() => past.rows.count({ over: "1h" })).mean({ over: "1h" }),
      "FEATURES_BAD_EXPRESSION",
      /window within a window/,
    ],
  ])("refuses %s", (_, make, code, message) => {
    const error = refusal(() => feature(make));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it("does not exist without a time, nor in targets and weights", () => {
    expect(refusal(() => feature((_, past) => past.rows, timeless)).message).toMatch(
      /the dataset has no time/,
    );
    let smuggled: Plain;
    feature((c, past) => {
      smuggled = past.rows.count({ over: "1h" });
      return c.price;
    });
    const plainModel = model as (options: unknown) => ModelSpec;
    const features = (c: Plain) => ({ price: c.price });
    expect(refusal(() => plainModel({ from: trips, target: () => smuggled, features })).message).toMatch(
      /the past is for features only/,
    );
  });

  it("has no average of classes", () => {
    const plainModel = model as (options: unknown) => ModelSpec;
    const features = (_: Plain, past: Plain) => ({ kinds: past.target });
    for (const target of [(row: Plain) => row.origin, (row: Plain) => classes(row.delay as never)]) {
      expect(refusal(() => plainModel({ from: trips, target, features })).message).toMatch(
        /classes cannot be averaged/,
      );
    }
  });

  it("is computed before anything is learned from it", () => {
    const spec = model({
      from: trips,
      target: (row) => row.delay.above(15),
      features: (c, past) => {
        const before = past.rows.count({ by: c.origin, over: "3h" });
        return {
          before,
          standard: before.log1p().standardized(),
          late: past.target.rate({ over: "3h", knownAfter: "1h" }).fillMissing("mean"),
        };
      },
    });
    const features = featureSpecOf(spec);
    expect(JSON.parse(canonicalJson(features))).toEqual(features);
    const columns = new Map<string, TableColumn>([
      ["date", { kind: "number", values: Float64Array.of(0, HOUR, 2 * HOUR) }],
      ["delay", { kind: "number", values: Float64Array.of(60, 0, 0) }],
      ["origin", { kind: "string", codes: Int32Array.of(0, 0, 0), dictionary: ["ATL"] }],
    ]);
    const table: Table = { rowCount: 3, columns };
    const inputs = Object.entries(features.columns).map(([name, type]) => ({ name, type, required: true }));
    const derived = derivedColumns(Object.values(features.features), features.columns);
    expect(derived.map(({ name }) => name)).toEqual([
      "count(rows) by origin over 3h",
      "mean(above(delay, 15)) over 3h after 1h",
    ]);
    const stream = streamTable(windowProgram({ inputs, derived })!, table);
    for (const [place, column] of stream.columns) columns.set(derived[place]!.name, column);
    const { plan } = fitPlan(features, table, { target: Float64Array.of(1, 0, 0), seed: 1 });
    const kernel = compilePlan(plan);
    expect(kernel.derived).toEqual(derived);
    expect(kernel.inputs.map(({ name }) => name).sort()).toEqual(["date", "origin"]);
    const [before, standard, late] = kernel.evaluateTable(table).values;
    expect([...before!]).toEqual([0, 1, 2]);
    expect([...standard!].reduce((sum, value) => sum + value)).toBeCloseTo(0, 12);
    expect([...late!]).toEqual([0.75, 1, 0.5]);
  });
});
