import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, describe, expect, it } from "vitest";
import { openFileBlobs } from "../storage/index.ts";
import { writeColumns } from "./write-columns.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-columns-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("columns of numbers", () => {
  it("become a Parquet file of the same doubles, whole numbers and nulls, in order", async () => {
    const rows = 40_000;
    const path = join(folder, "it's.parquet");
    const column = (of: (i: number) => number) => Float64Array.from({ length: rows }, (_, i) => of(i));
    const values = column((i) => (i % 7 === 0 ? Number.NaN : i / 3));
    await writeColumns(
      path,
      [
        { column: "a=b", values, isWhole: false },
        { column: 'say "c"', values: column((i) => (i % 5 === 0 ? Number.NaN : i)), isWhole: true },
        { column: "target", values: column(() => Number.MIN_VALUE), isWhole: false },
      ],
      { blobs: openFileBlobs(join(folder, "blobs")) },
    );
    const connection = await (await DuckDBInstance.create()).connect();
    const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path.replace("'", "''")}')`);
    expect(reader.columnNames()).toEqual(["a=b", 'say "c"', "target"]);
    expect(reader.columnTypes().map(String)).toEqual(["DOUBLE", "BIGINT", "DOUBLE"]);
    const [read, whole, target] = reader.getColumnsJS();
    expect(read).toEqual([...values].map((value) => (Number.isNaN(value) ? null : value)));
    expect(whole?.slice(0, 6)).toEqual([null, 1n, 2n, 3n, 4n, null]);
    expect(target?.every((value) => value === Number.MIN_VALUE)).toBe(true);
    connection.closeSync();
  });
});
