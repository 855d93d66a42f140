import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnType, Table } from "../../kernel/index.ts";
import type { DerivedColumn } from "../derivation.ts";
import type { Expression } from "../expression.ts";
import { column, operation, tableOf } from "../testing/expressions.ts";
import { streamTable } from "./window-columns.ts";
import { type WindowProgram, windowProgram } from "./window-program.ts";
import type { WindowSpec } from "./window-spec.ts";
import { WindowState } from "./window-state.ts";

const inputs: readonly { name: string; type: ColumnType; required: boolean }[] = [
  { name: "t", type: "timestamp", required: true },
  { name: "user", type: "category", required: true },
  { name: "place", type: "category", required: false },
  { name: "n", type: "int", required: true },
  { name: "price", type: "float", required: true },
];
const delay = { name: "delay", type: "int" } as const;
const cancelled = { name: "cancelled", type: "bool" } as const;

const price: Expression = operation("multiply", [column("price"), 2]);
const late: Expression = operation("above", [column("delay"), column("n")]);
const bothKnown: Expression = operation("and", [late, operation("not", [column("cancelled")])]);

const keys: readonly (readonly Expression[])[] = [
  [],
  [column("user")],
  [column("user"), column("place")],
  [operation("cross", [column("user"), column("place")], { maxCategories: 1, minCount: 1 })],
  [operation("fillMissing", [column("place")], { with: { constant: "none" } }), column("n")],
  [operation("dayOfWeek", [column("t")]), operation("above", [column("price"), 0])],
  [operation("hashed", [column("user")], { buckets: 3 })],
];
const sources: readonly WindowSpec["of"][] = [
  { from: "rows" },
  { from: "value", expression: price },
  { from: "label", expression: late, columns: [delay] },
  { from: "label", expression: bothKnown, columns: [delay, cancelled] },
];

const specs = fc.record({
  time: fc.constant("t"),
  of: fc.constantFrom(...sources),
  by: fc.constantFrom(...keys),
  overMs: fc.constantFrom(40, 1000),
  paneMs: fc.constantFrom(7, 20),
  knownAfterMs: fc.constantFrom(0, 5, 60),
});
const statistics = fc.constantFrom("count", "sum", "mean", "minimum", "maximum", "hoursSinceLast");
const programs = fc.array(fc.tuple(specs, statistics), { minLength: 1, maxLength: 4 }).map(
  (given): WindowProgram =>
    windowProgram({
      inputs,
      derived: given.map(([window, statistic], at): DerivedColumn => {
        return { name: `${at}`, type: "float", from: { kind: "window", window, statistic } };
      }),
    })!,
);

const text = fc.option(fc.constantFrom("a", "b", "", "1:a", "\ud800", "\ufffd"), { freq: 8 });
const rows = fc.array(
  fc.record({
    t: fc.option(fc.integer({ min: 0, max: 300 }), { freq: 20 }),
    user: text,
    place: text,
    n: fc.option(fc.integer({ min: -2, max: 2 }), { freq: 8 }),
    price: fc.option(fc.double({ noNaN: true, min: -10, max: 10 }), { freq: 8 }),
    delay: fc.option(fc.integer({ min: -3, max: 3 }), { freq: 5 }),
    cancelled: fc.option(fc.boolean(), { freq: 5 }),
  }),
  { maxLength: 40 },
);
type Row = {
  readonly [Name in "t" | "user" | "place" | "n" | "price" | "delay" | "cancelled"]:
    | string
    | number
    | boolean
    | null;
};

function tableFrom(given: readonly Row[]): Table {
  const cells = (name: keyof Row) =>
    given.map((row) => (typeof row[name] === "boolean" ? Number(row[name]) : row[name]));
  return tableOf({
    t: ["timestamp", cells("t")],
    user: ["category", cells("user")],
    place: ["category", cells("place")],
    n: ["int", cells("n")],
    price: ["float", cells("price")],
    delay: ["int", cells("delay")],
    cancelled: ["bool", cells("cancelled")],
  });
}

const byTime = (a: Row, b: Row): number =>
  Number(a.t ?? Number.POSITIVE_INFINITY) - Number(b.t ?? Number.POSITIVE_INFINITY) || 0;

function recordOf({ t, user, place, n, price: paid }: Row): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ t, user, n, price: paid, ...(place === null ? {} : { place }) }));
}

/** As a server would: each row asks, then is told to the windows; its labels come one by one, in their own time. */
function online(program: WindowProgram, given: readonly Row[], state = new WindowState(program)): bigint[][] {
  return given.map((row) => {
    const event = program.rowEvent(recordOf(row));
    const seen = new Float64Array(program.columns.length);
    state.read(event, seen);
    state.apply(JSON.parse(JSON.stringify(event)));
    const known: Record<string, unknown> = { unknown: 1, n: 7 };
    for (const arrived of ["unknown", "delay", "cancelled"] as const) {
      if (arrived !== "unknown") known[arrived] = row[arrived];
      const atMs = Number(row.t ?? 0);
      const label = program.labelEvent(recordOf(row), { labels: known, arrived, atMs });
      if (label !== undefined) state.apply(JSON.parse(JSON.stringify(label)));
    }
    return bits(seen);
  });
}

describe("the rows of a table as a stream", () => {
  it("see the very bits that records and feedback sent one by one see", () => {
    fc.assert(
      fc.property(programs, rows, (program, given) => {
        const sorted = [...given].sort(byTime);
        const { columns, state } = streamTable(program, tableFrom(sorted));
        const offline = sorted.map((_, row) =>
          bits(Float64Array.from(program.columns, (__, place) => columns.get(place)!.values[row]!)),
        );
        const live = new WindowState(program);
        expect(online(program, sorted, live)).toEqual(offline);
        expect(live.toBytes()).toEqual(state.toBytes());
      }),
      { numRuns: 300 },
    );
  });

  it("are sent older ones first, those of one time as they stand", () => {
    fc.assert(
      fc.property(programs, rows, (program, given) => {
        const order = given
          .map((row, at) => ({ row, at }))
          .sort((a, b) => byTime(a.row, b.row) || a.at - b.at);
        const shuffled = streamTable(program, tableFrom(given)).columns;
        const sorted = streamTable(program, tableFrom(order.map(({ row }) => row)), {
          order: "as given",
        }).columns;
        for (const [place, { values }] of sorted) {
          expect([...values]).toEqual(order.map(({ at }) => shuffled.get(place)!.values[at]));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("know nothing of what is known later: another future or another answer changes nothing before it", () => {
    const future = fc.record({ at: fc.nat(39), rest: rows });
    fc.assert(
      fc.property(programs, rows, future, (program, given, { at, rest }) => {
        const sorted = [...given].sort(byTime).filter(({ t }) => t !== null);
        const now = sorted[at % Math.max(1, sorted.length)];
        fc.pre(now !== undefined);
        const until = sorted.indexOf(now);
        const timeMs = Number(now.t);
        // Answers of rows whose labels are not known by now are others, and so is everything that comes later.
        const unknown = (row: Row): boolean =>
          program.windows.every(
            ({ spec }) => spec.of.from !== "label" || Number(row.t) + spec.knownAfterMs > timeMs,
          );
        const other = sorted
          .slice(0, until + 1)
          .map((row, place) =>
            unknown(row) || place === until
              ? { ...row, delay: 3 - Number(row.delay ?? 1), cancelled: null }
              : row,
          );
        const later = rest.filter(({ t }) => Number(t) > timeMs).sort(byTime);
        const seen = (all: readonly Row[]): number[] =>
          [...streamTable(program, tableFrom(all)).columns.values()].map(({ values }) => values[until]!);
        expect(seen([...other, ...later])).toEqual(seen(sorted));
      }),
      { numRuns: 200 },
    );
  });

  it("go on from a past that was kept", () => {
    fc.assert(
      fc.property(programs, rows, fc.nat(40), (program, given, cut) => {
        const sorted = [...given].sort(byTime);
        const { columns } = streamTable(program, tableFrom(sorted));
        const { state } = streamTable(program, tableFrom(sorted.slice(0, cut)));
        const kept = WindowState.fromBytes(program, state.toBytes());
        const rest = streamTable(program, tableFrom(sorted.slice(cut)), { state: kept }).columns;
        for (const [place, { values }] of rest) {
          expect([...values]).toEqual([...columns.get(place)!.values.subarray(cut)]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("must have the columns; labels only where nobody says that they may be missing", () => {
    const window: WindowSpec = {
      time: "t",
      of: sources[2]!,
      by: keys[1]!,
      overMs: 1000,
      paneMs: 20,
      knownAfterMs: 0,
    };
    const derived: DerivedColumn = {
      name: "late",
      type: "float",
      from: { kind: "window", window, statistic: "count" },
    };
    const program = windowProgram({ inputs, derived: [derived] })!;
    const table = tableFrom([
      { t: 1, user: "a", place: null, n: 0, price: 1, delay: 5, cancelled: null },
      { t: 2, user: "a", place: null, n: 0, price: 1, delay: 5, cancelled: null },
    ]);
    const without = (name: string): Table => ({
      ...table,
      columns: new Map([...table.columns].filter(([other]) => other !== name)),
    });
    expect([...streamTable(program, table).columns.get(0)!.values]).toEqual([0, 1]);
    const unlabelled = streamTable(program, without("delay"), { labels: "optional" });
    expect([...unlabelled.columns.get(0)!.values]).toEqual([0, 0]);
    for (const name of ["t", "user", "delay"]) {
      expect(() => streamTable(program, without(name))).toThrowError(
        expect.objectContaining({ code: "FEATURES_BAD_TABLE" }),
      );
    }
  });
});

describe("windows of a plan", () => {
  it("that are equal are one, and none are nothing", () => {
    const window: WindowSpec = {
      time: "t",
      of: { from: "rows" },
      by: keys[1]!,
      overMs: 1000,
      paneMs: 20,
      knownAfterMs: 0,
    };
    const count = { name: "a", type: "float", from: { kind: "window", window, statistic: "count" } } as const;
    const since = { ...count, name: "b", from: { ...count.from, statistic: "hoursSinceLast" } } as const;
    const program = windowProgram({ inputs, derived: [since, count] })!;
    expect(windowProgram({ inputs, derived: [count, since] })!.windows).toEqual(program.windows);
    expect(program.windows).toEqual([{ spec: window, statistics: ["count", "hoursSinceLast"] }]);
    expect(windowProgram({ inputs, derived: [] })).toBeUndefined();
  });

  it("over the target take feedback about it or about its columns, whichever comes first, once", () => {
    const of = { from: "label", expression: bothKnown, columns: [delay, cancelled], target: true } as const;
    const window: WindowSpec = { time: "t", of, by: [], overMs: 1000, paneMs: 20, knownAfterMs: 0 };
    const count = { name: "a", type: "float", from: { kind: "window", window, statistic: "count" } } as const;
    const program = windowProgram({ inputs, derived: [count] })!;
    expect(program.labels).toEqual([delay, cancelled]);
    const record = { t: 1, user: "a", n: 0, price: 1 };
    const said = (labels: Record<string, unknown>, arrived: string, earlier: readonly string[] = []) =>
      program.labelEvent(record, { labels, arrived, earlier, atMs: 5 })?.values;
    expect(said({ delay: 3 }, "delay")).toBeUndefined();
    expect(said({ delay: 3, cancelled: false }, "cancelled", ["delay"])).toEqual([1]);
    expect(said({ target: true }, "target")).toEqual([1]);
    expect(said({ target: 0 }, "target")).toEqual([0]);
    expect(said({ target: null }, "target")).toBeUndefined();
    expect(said({ delay: 3, target: false }, "target", ["delay"])).toEqual([0]);
    expect(said({ target: true }, "target", ["delay", "cancelled"])).toBeUndefined();
    expect(said({ delay: 3, cancelled: false }, "cancelled", ["target", "delay"])).toBeUndefined();
    expect(() => said({ target: "late" }, "target")).toThrowError(
      expect.objectContaining({
        code: "FEATURES_BAD_FIELD",
        details: expect.objectContaining({ field: "target" }),
      }),
    );
  });

  it("refuse records without what they need", () => {
    const window: WindowSpec = {
      time: "t",
      of: { from: "rows" },
      by: keys[2]!,
      overMs: 1000,
      paneMs: 20,
      knownAfterMs: 0,
    };
    const count = { name: "a", type: "float", from: { kind: "window", window, statistic: "count" } } as const;
    const program = windowProgram({ inputs, derived: [count] })!;
    const code = (record: Record<string, unknown>, wanted: string): void =>
      expect(() => program.rowEvent(record)).toThrowError(expect.objectContaining({ code: wanted }));
    code({ t: 1 }, "FEATURES_MISSING_FIELD");
    code({ user: "a" }, "FEATURES_MISSING_FIELD");
    code({ t: 1, user: 5 }, "FEATURES_BAD_FIELD");
    expect(program.rowEvent({ t: 1, user: "a" }).keys).toEqual([null]);
    expect(program.rowEvent({ t: 1, user: "a", place: "b" }).keys).toEqual(["1:a1:b"]);
  });
});

function bits(values: Float64Array): bigint[] {
  return [...new BigUint64Array(values.buffer)];
}
