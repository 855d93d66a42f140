import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CollectedWindow } from "./keyed-window.ts";
import type { WindowEvent } from "./window-event.ts";
import { paneMsOf, type WindowSpec, type WindowStatistic, windowStatistics } from "./window-spec.ts";
import { type WindowPlaces, WindowState } from "./window-state.ts";

const HOUR = 3_600_000;

function specOf(change: Partial<WindowSpec> = {}): WindowSpec {
  return { time: "t", of: { from: "rows" }, by: [], overMs: 50, paneMs: 10, knownAfterMs: 0, ...change };
}

/** All statistics of each window. */
function placesOf(specs: readonly WindowSpec[]): WindowPlaces {
  const windows = specs.map((spec): CollectedWindow => ({ spec, statistics: windowStatistics }));
  const columns = windows.flatMap((_, window) =>
    windowStatistics.map((statistic, at) => ({
      place: window * windowStatistics.length + at,
      window,
      statistic,
    })),
  );
  return { windows, columns };
}

const row = (timeMs: number | null, keys: (string | null)[], values: (number | null)[]): WindowEvent => ({
  kind: "row",
  timeMs,
  keys,
  values,
});

function reads(state: WindowState, timeMs: number | null, keys: readonly (string | null)[]): Float64Array {
  const out = new Float64Array(state.places.columns.length).fill(-7);
  state.read({ timeMs, keys }, out);
  return out;
}

/** One statistic of one window whose key is the empty text. */
function sees(
  events: readonly WindowEvent[],
  at: { timeMs: number; statistic: WindowStatistic; spec?: WindowSpec },
) {
  const state = new WindowState(placesOf([at.spec ?? specOf()]));
  for (const event of events) state.apply(event);
  return reads(state, at.timeMs, [""])[windowStatistics.indexOf(at.statistic)];
}

interface Item {
  readonly key: string;
  readonly knownMs: number;
  readonly value: number;
}

/** The definition, item by item: what `reads` must say, from everything that has happened before. */
function expected(
  spec: WindowSpec,
  events: readonly WindowEvent[],
  read: { window: number; timeMs: number | null; key: string | null },
): number[] {
  const { window, timeMs, key } = read;
  if (timeMs === null || key === null) return windowStatistics.map(() => Number.NaN);
  const { items, watermarkMs } = history(spec, events, window);
  const paneOf = (ms: number): number => Math.floor(ms / spec.paneMs);
  const count = Math.floor(spec.overMs / spec.paneMs);
  const newest = Math.max(paneOf(timeMs), paneOf(watermarkMs));
  const seen = items.filter(
    (item) =>
      item.key === key &&
      item.knownMs <= Math.max(timeMs, watermarkMs) &&
      paneOf(item.knownMs) <= paneOf(timeMs) &&
      paneOf(item.knownMs) > newest - count,
  );
  if (seen.length === 0) return windowStatistics.map((name) => (name === "count" ? 0 : Number.NaN));
  const panes = Map.groupBy(seen, ({ knownMs }) => paneOf(knownMs));
  let sum = 0;
  for (const pane of [...panes.keys()].sort((a, b) => a - b)) {
    let inPane = 0;
    for (const { value } of panes.get(pane)!.sort((a, b) => a.knownMs - b.knownMs)) inPane += value;
    sum += inPane;
  }
  const values = seen.map(({ value }) => value);
  const last = Math.max(...seen.map(({ knownMs }) => knownMs));
  return [
    seen.length,
    sum,
    sum / seen.length,
    Math.min(...values),
    Math.max(...values),
    Math.max(0, (timeMs - last) / HOUR),
  ];
}

function history(spec: WindowSpec, events: readonly WindowEvent[], window: number) {
  const items: Item[] = [];
  let watermarkMs = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    if (event.timeMs === null) continue;
    if (event.kind === "row") watermarkMs = Math.max(watermarkMs, event.timeMs);
    const atMs = event.kind === "label" ? event.atMs : event.timeMs;
    const key = event.keys[window]!;
    const value = event.values[window]!;
    if (key === null || value === null) continue;
    items.push({ key, value, knownMs: Math.max(atMs, event.timeMs + spec.knownAfterMs) });
  }
  return { items, watermarkMs };
}

const specs = fc.record({
  overMs: fc.integer({ min: 10, max: 80 }),
  paneMs: fc.constantFrom(1, 3, 10),
  knownAfterMs: fc.constantFrom(0, 0, 1, 7, 25),
});
const keys = fc.option(fc.constantFrom("", "a", "b"), { freq: 6 });
const spread = fc.constantFrom(4, 30, 200);

const eventsOf = (windows: number, values: fc.Arbitrary<number>): fc.Arbitrary<WindowEvent[]> => {
  const lists = {
    keys: fc.array(keys, { minLength: windows, maxLength: windows }),
    values: fc.array(fc.option(values, { freq: 8 }), { minLength: windows, maxLength: windows }),
  };
  return spread.chain((most) => {
    const timeMs = fc.option(fc.integer({ min: -most, max: most }), { freq: 20 });
    const event = fc.oneof(
      fc.record({ kind: fc.constant("row" as const), timeMs, ...lists }),
      fc.record({
        kind: fc.constant("label" as const),
        timeMs,
        atMs: fc.integer({ min: -most, max: most }),
        ...lists,
      }),
    );
    return fc.array(event, { maxLength: 60 });
  });
};

describe("what windows say", () => {
  const integers = fc.integer({ min: -9, max: 9 });
  const streams = fc
    .array(specs, { minLength: 1, maxLength: 3 })
    .chain((given) => fc.tuple(fc.constant(given.map(specOf)), eventsOf(given.length, integers)));

  it("is what the definition says, in streams of any order", () => {
    fc.assert(
      fc.property(streams, ([given, events]) => {
        const state = new WindowState(placesOf(given));
        for (const [at, event] of events.entries()) {
          const seen = [...reads(state, event.timeMs, event.keys)];
          const before = events.slice(0, at);
          const wanted = given.flatMap((spec, window) =>
            expected(spec, before, { window, timeMs: event.timeMs, key: event.keys[window]! }),
          );
          expect(seen).toEqual(wanted);
          state.apply(event);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is the same bits whatever is read, removed, written and restored on the way", () => {
    const doubles = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    const meddling = fc.array(fc.constantFrom("nothing", "read", "expire", "restore"), {
      minLength: 60,
      maxLength: 60,
    });
    const given = fc
      .array(specs, { minLength: 1, maxLength: 2 })
      .chain((windows) =>
        fc.tuple(fc.constant(placesOf(windows.map(specOf))), eventsOf(windows.length, doubles)),
      );
    fc.assert(
      fc.property(given, meddling, ([places, events], acts) => {
        const quiet = new WindowState(places);
        let busy = new WindowState(places);
        for (const [at, event] of events.entries()) {
          quiet.apply(event);
          busy.apply(event);
          if (acts[at] === "read") reads(busy, (event.timeMs ?? 0) + 11, event.keys);
          if (acts[at] === "expire") busy.expire();
          if (acts[at] === "restore") busy = WindowState.fromBytes(places, busy.toBytes());
        }
        for (const timeMs of [-20, 0, 5, 30, 210]) {
          const names = places.windows.map(() => "a");
          expect(bits(reads(busy, timeMs, names))).toEqual(bits(reads(quiet, timeMs, names)));
        }
        expect(busy.toBytes()).toEqual(quiet.toBytes());
      }),
      { numRuns: 200 },
    );
  });

  it("does not depend on when labels arrive, as long as they do before they count", () => {
    const lags = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 30, maxLength: 30 });
    const spec = specOf({ knownAfterMs: 21, paneMs: 7 });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 30 }),
        lags,
        (gaps, late) => {
          let timeMs = 0;
          const rows = gaps.map((gap, at) => {
            timeMs += gap + 1;
            return { timeMs, value: 0.1 * at + 1e-9 };
          });
          const label = ({ timeMs: of, value }: (typeof rows)[number], atMs: number): WindowEvent => ({
            kind: "label",
            timeMs: of,
            atMs,
            keys: [""],
            values: [value],
          });
          const arrivals = (lagOf: (at: number) => number): WindowEvent[] =>
            rows
              .flatMap((given, at) => [
                { at: given.timeMs, event: row(given.timeMs, [""], [null]) },
                { at: given.timeMs + lagOf(at), event: label(given, given.timeMs + lagOf(at)) },
              ])
              .sort((a, b) => a.at - b.at)
              .map(({ event }) => event);
          const seen = (events: readonly WindowEvent[]): unknown[] => {
            const state = new WindowState(placesOf([spec]));
            return events.flatMap((event) => {
              const before = event.kind === "row" ? [bits(reads(state, event.timeMs, event.keys))] : [];
              state.apply(event);
              return before;
            });
          };
          expect(seen(arrivals((at) => late[at]!))).toEqual(seen(arrivals(() => 0)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a window", () => {
  const three = [row(0, [""], [1]), row(12, [""], [2]), row(47, [""], [4])];

  it("begins with the epoch's panes and loses the oldest as a whole", () => {
    expect(sees(three, { timeMs: 49, statistic: "sum" })).toBe(7);
    expect(sees(three, { timeMs: 50, statistic: "sum" })).toBe(6);
    expect(sees(three, { timeMs: 61, statistic: "sum" })).toBe(4);
    expect(sees(three, { timeMs: 89, statistic: "sum" })).toBe(4);
    expect(sees(three, { timeMs: 90, statistic: "sum" })).toBeNaN();
    expect(sees(three, { timeMs: 90, statistic: "count" })).toBe(0);
  });

  it("shows a row nothing of later times, nor what is known later", () => {
    expect(sees(three, { timeMs: 5, statistic: "count" })).toBe(1);
    const spec = specOf({ knownAfterMs: 20 });
    const events = [
      row(0, [""], [null]),
      { kind: "label", timeMs: 0, atMs: 5, keys: [""], values: [1] } as const,
    ];
    expect(sees(events, { timeMs: 19, statistic: "count", spec })).toBe(0);
    expect(sees(events, { timeMs: 20, statistic: "count", spec })).toBe(1);
    const late = { ...events[1]!, atMs: 33 } as const;
    expect(sees([events[0]!, late], { timeMs: 32, statistic: "count", spec })).toBe(0);
    expect(sees([events[0]!, late], { timeMs: 33, statistic: "count", spec })).toBe(1);
  });

  it("counts hours since the last item", () => {
    const spec = specOf({ overMs: 10 * HOUR, paneMs: HOUR });
    expect(sees([row(HOUR, [""], [1])], { timeMs: 2.5 * HOUR, statistic: "hoursSinceLast", spec })).toBe(1.5);
  });

  it("says that a sum beyond all doubles is missing", () => {
    const events = [row(1, [""], [1.7e308]), row(2, [""], [1.7e308])];
    expect(sees(events, { timeMs: 3, statistic: "sum" })).toBeNaN();
    expect(sees(events, { timeMs: 3, statistic: "maximum" })).toBe(1.7e308);
  });

  it.each([
    ["1s", 1_000, 1_000],
    ["1m", 60_000, 1_000],
    ["3h", 3 * HOUR, 5 * 60_000],
    ["24h", 24 * HOUR, HOUR / 2],
    ["7d", 7 * 24 * HOUR, 3 * HOUR],
    ["365d", 365 * 24 * HOUR, 10 * 24 * HOUR],
    ["100 years", 36_500 * 24 * HOUR, 630 * 24 * HOUR],
  ])("over %s has round panes, at most 60 of them", (_, overMs, paneMs) => {
    expect(paneMsOf(overMs)).toBe(paneMs);
    expect(overMs / paneMs).toBeLessThanOrEqual(60);
  });
});

describe("the memory of windows", () => {
  it("holds what rows can still see, however many have come", () => {
    const state = new WindowState(placesOf([specOf(), specOf({ knownAfterMs: 40 })]));
    let most = 0;
    for (let timeMs = 0; timeMs < 100_000; timeMs++) {
      state.apply(row(timeMs, [`user ${timeMs}`, `user ${timeMs}`], [1, 1]));
      most = Math.max(most, state.keyCount);
    }
    expect(most).toBeLessThan(200);
    expect(state.toBytes().length).toBeLessThan(20_000);
    state.apply(row(1e9, [null, null], [null, null]));
    state.expire();
    expect(state.keyCount).toBe(0);
  });
});

describe("events of rows that are covered", () => {
  it("change nothing, those of later rows do", () => {
    const spec = specOf({ knownAfterMs: 10 });
    const state = new WindowState(placesOf([spec]));
    const label = (timeMs: number): WindowEvent => ({
      kind: "label",
      timeMs,
      atMs: timeMs,
      keys: [""],
      values: [1],
    });
    for (const timeMs of [1, 5]) {
      state.apply(row(timeMs, [""], [null]));
      state.apply(label(timeMs));
    }
    state.cover();
    const warm = WindowState.fromBytes(placesOf([spec]), state.toBytes());
    expect(warm.coveredMs).toBe(5);
    for (const timeMs of [1, 5]) {
      warm.apply(row(timeMs, [""], [null]));
      warm.apply(label(timeMs));
    }
    expect(warm.toBytes()).toEqual(state.toBytes());
    warm.apply(row(6, [""], [null]));
    warm.apply(label(6));
    expect(reads(warm, 16, [""])[0]).toBe(3);
  });
});

describe("the bytes of a state", () => {
  const places = placesOf([specOf(), specOf({ knownAfterMs: 40 })]);
  const state = new WindowState(places);
  for (let timeMs = 0; timeMs < 30; timeMs++) state.apply(row(timeMs, ["é", "b"], [0.1, timeMs]));
  const bytes = state.toBytes();
  const refused = expect.objectContaining({ code: "FEATURES_BAD_WINDOWS" });

  it("are refused when any of them is another, or when some are missing", () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 1;
      expect(() => WindowState.fromBytes(places, damaged)).toThrowError(refused);
      expect(() => WindowState.fromBytes(places, bytes.subarray(0, at))).toThrowError(refused);
    }
  });

  it("are refused by other windows", () => {
    const other = placesOf([specOf(), specOf({ knownAfterMs: 41 })]);
    expect(() => WindowState.fromBytes(other, bytes)).toThrowError(refused);
  });

  it("of a state without rows are a state without rows", () => {
    const empty = WindowState.fromBytes(places, new WindowState(places).toBytes());
    expect(empty.watermarkMs).toBe(Number.NEGATIVE_INFINITY);
    expect(empty.toBytes()).toEqual(new WindowState(places).toBytes());
  });
});

function bits(values: Float64Array): bigint[] {
  return [...new BigUint64Array(values.buffer)];
}
