import { DuckDBInstance } from "@duckdb/node-api";
import { flights } from "./slipway.config.ts";

/** A flight as a caller would send it before departure, and what became of it. */
export interface Flight {
  readonly record: {
    readonly date: string;
    readonly distance: number;
    readonly origin: string;
    readonly destination: string;
  };
  readonly late: boolean;
}

/** Every n-th flight of June 2001, in order of departure. */
export async function readJuneFlights(count: number): Promise<Flight[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT strftime(date, '%Y-%m-%dT%H:%M:%SZ') AS date, distance::INTEGER AS distance, origin, destination, delay > 15 AS late
     FROM (SELECT *, row_number() OVER () - 1 AS row, count(*) OVER () AS rows
           FROM read_parquet($path) WHERE date >= '2001-06-01' AND date < '2001-07-01')
     WHERE row % greatest(rows // $count, 1) = 0 ORDER BY row LIMIT $count`,
    { path: [flights.source.glob].flat()[0] ?? "", count },
  );
  const rows = reader.getRowObjectsJS().map((row) => ({
    record: {
      date: String(row.date),
      distance: Number(row.distance),
      origin: String(row.origin),
      destination: String(row.destination),
    },
    late: row.late === true,
  }));
  connection.closeSync();
  instance.closeSync();
  return rows;
}
