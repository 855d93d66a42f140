import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { compilePlan, fitPlan } from "../../src/features/index.ts";
import { selectRows, type Table, type TableColumn } from "../../src/kernel/index.ts";
import { dataset, featureSpecOf, model, parquet } from "../../src/project/index.ts";
import type { TrainingSet } from "../../src/training/index.ts";
import type { BenchMatrix } from "../gbdt/matrix-file.ts";

const ROWS = 1_250_000;
const BUCKETS = 1_048_576;

/** Will a flight be more than 15 minutes late? From places and times and what they mean together. */
const late = model({
  from: dataset({
    source: parquet("flights-3m.parquet"),
    columns: {
      date: "timestamp",
      delay: { type: "int", known: "after" },
      distance: "int",
      origin: "category",
      destination: "category",
    },
  }),
  target: (row) => row.delay.above(15),
  features: (c) => {
    const hour = c.date.hourOfDay().bucketized(24);
    const day = c.date.dayOfMonth().bucketized(31);
    const weekday = c.date.dayOfWeek();
    return {
      miles: c.distance.log1p(),
      hour,
      weekday,
      origin: c.origin.hashed(BUCKETS),
      destination: c.destination.hashed(BUCKETS),
      route: c.origin.cross(c.destination).hashed(BUCKETS),
      originHour: c.origin.cross(hour).hashed(BUCKETS),
      destinationHour: c.destination.cross(hour).hashed(BUCKETS),
      originWeekday: c.origin.cross(weekday).hashed(BUCKETS),
      originDay: c.origin.cross(day).hashed(BUCKETS),
      routeHour: c.origin.cross(c.destination, hour).hashed(BUCKETS),
    };
  },
});

/** A million flights to learn from and a quarter of a million to judge by: every fifth of the first 1,250,000. */
export async function wideFlights(): Promise<BenchMatrix> {
  const table = await readFlights();
  const target = delays(table);
  const rows = (isTest: boolean): Uint32Array =>
    Uint32Array.from([...Array(table.rowCount).keys()].filter((row) => (row % 5 === 4) === isTest));
  const training = selectRows(table, rows(false));
  const spec = featureSpecOf(late);
  const kernel = compilePlan(fitPlan(spec, training, { seed: 1 }).plan);
  const part = (isTest: boolean): TrainingSet => ({
    matrix: kernel.evaluateTable(isTest ? selectRows(table, rows(true)) : training),
    target: target.filter((_, row) => (row % 5 === 4) === isTest),
  });
  return { name: "flights-wide", task: "binary", train: part(false), test: part(true) };
}

function delays(table: Table): Float64Array {
  const column = table.columns.get("delay");
  if (column?.kind !== "number") throw new Error("the flights have no column of delays");
  return column.values.map((minutes) => (minutes > 15 ? 1 : 0));
}

async function readFlights(): Promise<Table> {
  const require = createRequire(import.meta.url);
  const path = join(dirname(require.resolve("vega-datasets")), "../data/flights-3m.parquet");
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(
    `SELECT epoch_ms(date)::DOUBLE AS date, delay::DOUBLE AS delay, distance::DOUBLE AS distance, origin, destination
     FROM (SELECT * FROM '${path}' LIMIT ${ROWS})`,
  );
  const names = result.columnNames();
  const columns = new Map<string, TableColumn>();
  for (const [i, values] of result.getColumnsJS().entries()) columns.set(names[i]!, toColumn(values));
  connection.closeSync();
  return { rowCount: result.currentRowCount, columns };
}

function toColumn(values: readonly unknown[]): TableColumn {
  if (typeof values[0] === "number") return { kind: "number", values: Float64Array.from(values, Number) };
  const dictionary = [...new Set(values.map(String))].sort();
  const codes = new Map(dictionary.map((text, code) => [text, code]));
  return { kind: "string", dictionary, codes: Int32Array.from(values, (value) => codes.get(String(value))!) };
}
