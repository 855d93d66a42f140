import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingest, readSnapshot } from "../../src/datasets/index.ts";
import {
  derivedColumns,
  type LabelEvent,
  streamTable,
  type WindowProgram,
  WindowState,
  windowProgram,
} from "../../src/features/index.ts";
import { createRandom, formatIsoTime, selectRows, type Table } from "../../src/kernel/index.ts";
import { csv, dataset, type ModelSpec, model, parquet } from "../../src/project/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { sharedData } from "../shared-data.ts";

/**
 * Whole histories of real data: what training computes from a table at once, and what a server computes that hears of one
 * row and one label after the other, as JSON, must be the same bits.
 */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-history-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function tableOf(spec: ModelSpec["from"], root: string): Promise<Table> {
  const blobs = openFileBlobs(join(folder, "blobs"));
  const { manifest } = await ingest({ name: "history", spec, root, blobs });
  return await readSnapshot(manifest, { blobs });
}

function programOf({ from, features }: ModelSpec): WindowProgram {
  const inputs = Object.entries(from.columns).map(([name, { type }]) => ({ name, type, required: true }));
  const types = Object.fromEntries(inputs.map(({ name, type }) => [name, type]));
  return windowProgram({ inputs, derived: derivedColumns(Object.values(features), types) })!;
}

/** A row as a client sends it, without what is known only later. */
function recordOf(spec: ModelSpec["from"], table: Table, row: number): Record<string, unknown> {
  const entries = Object.entries(spec.columns)
    .filter(([, { known }]) => known === "before")
    .map(([name, { type }]) => {
      const column = table.columns.get(name)!;
      if (column.kind === "string") return [name, column.dictionary[column.codes[row]!] ?? null];
      const value = column.values[row]!;
      if (Number.isNaN(value)) return [name, null];
      return [name, type === "timestamp" ? formatIsoTime(value) : value];
    });
  return Object.fromEntries(entries);
}

/** Asks and tells row by row; each label arrives some time after its row, in time or too late by nothing. */
function online(
  { from }: ModelSpec,
  program: WindowProgram,
  given: { table: Table; order: readonly number[]; label: string; longestLagMs: number },
): Float64Array[] {
  const { table, order, label, longestLagMs } = given;
  const labels = table.columns.get(label)!;
  const random = createRandom("arrivals");
  let state = new WindowState(program);
  const seen = program.columns.map(() => new Float64Array(table.rowCount));
  const out = new Float64Array(program.columns.length);
  const coming: LabelEvent[] = [];
  for (const [at, row] of order.entries()) {
    const record = recordOf(from, table, row);
    const event = program.rowEvent(record);
    const timeMs = event.timeMs!;
    while (coming.length > 0 && coming[0]!.atMs <= timeMs)
      state.apply(JSON.parse(JSON.stringify(coming.shift())));
    state.read(event, out);
    for (const { place } of program.columns) seen[place]![row] = out[place]!;
    state.apply(JSON.parse(JSON.stringify(event)));
    const value = labels.kind === "number" ? labels.values[row]! : Number.NaN;
    if (!Number.isNaN(value)) {
      const atMs = timeMs + Math.floor(random.float() * longestLagMs);
      const arrival = program.labelEvent(record, { labels: { [label]: value }, arrived: label, atMs });
      if (arrival !== undefined) {
        let place = coming.length;
        while (place > 0 && coming[place - 1]!.atMs > atMs) place--;
        coming.splice(place, 0, arrival);
      }
    }
    // A server is restarted now and then.
    if (at % 40_000 === 39_999) state = WindowState.fromBytes(program, state.toBytes());
  }
  return seen;
}

function byTime(table: Table, time: string): number[] {
  const column = table.columns.get(time)!;
  const values = column.kind === "number" ? column.values : new Float64Array();
  return Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
}

function expectSame(program: WindowProgram, live: readonly Float64Array[], table: Table): void {
  const { columns } = streamTable(program, table);
  let known = 0;
  for (const [place, { values }] of columns) {
    const [offline, seen] = [values, live[place]!].map((of) =>
      Buffer.from(of.buffer, of.byteOffset, of.byteLength),
    );
    expect(seen!.equals(offline!)).toBe(true);
    known += values.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  }
  const share = known / (columns.size * table.rowCount);
  process.stdout.write(
    `  ${columns.size} window features of ${table.rowCount.toLocaleString("en")} rows: online = offline, ${(100 * share).toFixed(1)} % not missing\n`,
  );
  expect(share).toBeGreaterThan(0.5);
}

describe("windows over a whole history, told row by row, say what training computed", () => {
  const ratings = sharedData("movielens-latest-small/ratings.csv");
  it.skipIf(ratings === undefined)("of all MovieLens ratings", async () => {
    const spec = model({
      from: dataset({
        source: csv("ratings.csv", { timestampFormat: "epoch-seconds" }),
        columns: {
          userId: "category",
          movieId: "category",
          rating: { type: "float", known: "after" },
          timestamp: "timestamp",
        },
        time: "timestamp",
      }),
      target: (row) => row.rating,
      features: (c, past) => ({
        userMean: past.target.mean({ by: c.userId, over: "36500d", knownAfter: "0s" }),
        userLow: past.target.minimum({ by: c.userId, over: "36500d", knownAfter: "0s" }),
        movieMean: past.target.mean({ by: c.movieId, over: "36500d", knownAfter: "1h" }),
        movieLiked: past
          .label((row) => row.rating.atLeast(4))
          .rate({ by: c.movieId, over: "3650d", knownAfter: "1h" }),
        movieCount: past.rows.count({ by: c.movieId, over: "365d" }),
        userPace: past.rows.count({ by: c.userId, over: "1h" }),
        userSince: past.rows.hoursSinceLast({ by: c.userId, over: "365d" }),
        everybody: past.target.mean({ over: "30d", knownAfter: "1h" }),
      }),
    });
    const program = programOf(spec);
    const table = await tableOf(spec.from, dirname(ratings!));
    expect(table.rowCount).toBe(100_836);
    const order = byTime(table, "timestamp");
    // What is known at once must arrive before anybody else asks.
    const live = online(spec, program, { table, order, label: "rating", longestLagMs: 0 });
    expectSame(program, live, table);
  });

  it("of 200,000 flights", async () => {
    const packaged = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "..", "data");
    const spec = model({
      from: dataset({
        source: parquet("flights-3m.parquet"),
        columns: {
          date: "timestamp",
          delay: { type: "int", known: "after" },
          distance: "int",
          origin: "category",
          destination: "category",
        },
        time: "date",
      }),
      target: (row) => row.delay.above(15),
      features: (c, past) => ({
        departures: past.rows.count({ by: c.origin, over: "3h" }),
        late: past.target.rate({ by: c.origin, over: "24h", knownAfter: "6h" }),
        route: past.target.rate({ by: [c.origin, c.destination], over: "7d", knownAfter: "6h" }),
        delay: past.column("delay").mean({ by: c.origin, over: "3h", knownAfter: "2h" }),
        worst: past.column("delay").maximum({ by: c.destination, over: "6h", knownAfter: "2h" }),
        miles: past
          .value((row) => row.distance.log1p())
          .mean({ by: [c.origin, c.date.dayOfWeek()], over: "7d" }),
        everywhere: past.target.rate({ over: "2h", knownAfter: "2h" }),
      }),
    });
    const program = programOf(spec);
    const all = await tableOf(spec.from, packaged);
    const order = byTime(all, "date").slice(0, 200_000);
    const table = selectRows(all, Uint32Array.from(order));
    const rows = Array.from(order.keys());
    // Flights land within two hours here: every label is there before it counts.
    const live = online(spec, program, { table, order: rows, label: "delay", longestLagMs: 7_200_000 });
    expectSame(program, live, table);
  });
});
