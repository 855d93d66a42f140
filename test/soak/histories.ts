import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ingest, readSnapshot } from "../../src/datasets/index.ts";
import {
  type DerivedColumn,
  derivedColumns,
  streamTable,
  type WindowProgram,
  windowProgram,
} from "../../src/features/index.ts";
import { formatIsoTime, selectRows, type Table } from "../../src/kernel/index.ts";
import { csv, dataset, type ModelSpec, model, parquet } from "../../src/project/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { sharedData } from "../shared-data.ts";

/** Real data in the order of time, and a model with windows over it. */
export interface History {
  readonly name: string;
  readonly table: Table;
  readonly columns: readonly {
    readonly name: string;
    readonly type: "timestamp" | "category" | "int" | "float";
  }[];
  readonly derived: readonly DerivedColumn[];
  readonly program: WindowProgram;
  /** The column that becomes known later. */
  readonly label: string;
}

interface Source {
  readonly spec: ModelSpec;
  readonly root: string;
  readonly label: string;
}

const ratings = (): Source | undefined => {
  const path = sharedData("movielens-latest-small/ratings.csv");
  if (path === undefined) return undefined;
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
      userSince: past.rows.hoursSinceLast({ by: c.userId, over: "365d" }),
      everybody: past.target.mean({ over: "30d", knownAfter: "1h" }),
    }),
  });
  return { spec, root: dirname(path), label: "rating" };
};

const flights = (): Source => ({
  spec: model({
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
  }),
  root: join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "..", "data"),
  label: "delay",
});

/** The first rows of a history, all of them by default; undefined where its data is not on this machine. */
export async function readHistory(
  name: "movielens-latest-small" | "flights",
  rows = Number.POSITIVE_INFINITY,
): Promise<History | undefined> {
  const source = name === "flights" ? flights() : ratings();
  if (source === undefined) return undefined;
  const { spec, root, label } = source;
  const { from, features } = spec;
  const all = await readTable(from, root);
  const time = all.columns.get(from.time ?? "");
  if (time?.kind !== "number") throw new Error(`${name} has no time`);
  const order = Array.from(time.values.keys()).sort((a, b) => time.values[a]! - time.values[b]! || a - b);
  const known = Object.entries(from.columns).filter(([column]) => column !== label);
  const columns = known.map(([column, { type }]) => ({ name: column, type }) as History["columns"][number]);
  const types = Object.fromEntries(Object.entries(from.columns).map(([column, { type }]) => [column, type]));
  const derived = derivedColumns(Object.values(features), types);
  const inputs = columns.map((column) => ({ ...column, required: true }));
  const program = windowProgram({ inputs, derived });
  if (program === undefined) throw new Error(`${name} has no windows`);
  const table = selectRows(all, Uint32Array.from(order.slice(0, rows)));
  return { name, table, columns, derived, program, label };
}

async function readTable(spec: ModelSpec["from"], root: string): Promise<Table> {
  const directory = mkdtempSync(join(tmpdir(), "slipway-history-"));
  try {
    const blobs = openFileBlobs(directory);
    const { manifest } = await ingest({ name: "history", spec, root, blobs });
    return await readSnapshot(manifest, { blobs });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A row as a client sends it, without what is known only later. */
export function recordOf({ table, columns }: History, row: number): Record<string, unknown> {
  return Object.fromEntries(
    columns.map(({ name, type }) => {
      const column = table.columns.get(name)!;
      if (column.kind === "string") return [name, column.dictionary[column.codes[row]!] ?? null];
      const value = column.values[row]!;
      if (Number.isNaN(value)) return [name, null];
      return [name, type === "timestamp" ? formatIsoTime(value) : value];
    }),
  );
}

/** The label of a row; null where it has none. */
export function labelOf({ table, label }: History, row: number): number | null {
  const column = table.columns.get(label);
  const value = column?.kind === "number" ? column.values[row]! : Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** What training would compute: for each row its derived values, in order. */
export function offlineValues({ program, table, derived }: History): Float64Array {
  const values = new Float64Array(table.rowCount * derived.length);
  for (const [place, column] of streamTable(program, table).columns) {
    for (let row = 0; row < table.rowCount; row++) values[row * derived.length + place] = column.values[row]!;
  }
  return values;
}

/**
 * Rows in the order of time, cut into batches in which no row sees another one of its batch: not itself, and not what
 * becomes known of it.
 */
export function* independentBatches(history: History, most: number): Generator<readonly number[]> {
  const { program, table } = history;
  let batch: number[] = [];
  let known: Map<string, number>[] = program.windows.map(() => new Map());
  for (let row = 0; row < table.rowCount; row++) {
    const { timeMs, keys } = program.rowEvent(recordOf(history, row));
    const time = timeMs ?? Number.NaN;
    const sees = keys.some(
      (key, at) => key !== null && (known[at]!.get(key) ?? Number.POSITIVE_INFINITY) <= time,
    );
    if (batch.length > 0 && (sees || batch.length === most)) {
      yield batch;
      batch = [];
      known = program.windows.map(() => new Map());
    }
    batch.push(row);
    for (const [at, { spec }] of program.windows.entries()) {
      const key = keys[at] ?? null;
      const knownMs = time + spec.knownAfterMs;
      if (key !== null) known[at]!.set(key, Math.min(known[at]!.get(key) ?? knownMs, knownMs));
    }
  }
  if (batch.length > 0) yield batch;
}
