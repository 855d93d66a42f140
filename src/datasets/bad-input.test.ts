import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import type { SlipwayError } from "../kernel/index.ts";
import type { IngestRequest } from "./ingest.ts";
import { findSourceFiles } from "./source-files.ts";
import { csv, ndjson, parquet } from "./spec.ts";
import { failure, openWorkspace, type Workspace } from "./testing/workspace.ts";

type Spec = IngestRequest["spec"];

/** The error of ingesting files, after making sure that nothing was left behind. */
async function refusal(
  files: Readonly<Record<string, string | Uint8Array>>,
  spec: Spec,
): Promise<SlipwayError> {
  return await refusalIn(await openWorkspace(files), spec);
}

async function refusalIn(workspace: Workspace, spec: Spec): Promise<SlipwayError> {
  const error = await failure(workspace.ingest(spec));
  expect(await workspace.stored()).toEqual([]);
  return error;
}

const AB = { a: "int", b: "category" } as const;

describe("a CSV source is refused", () => {
  it("when a file is empty", async () => {
    for (const content of ["", "\n\n", "\ufeff", "\r\n"]) {
      const error = await refusal({ "a.csv": content }, { source: csv("*.csv"), columns: AB });
      expect(error).toMatchObject({ code: "DATASETS_EMPTY_FILE", details: { file: "a.csv" } });
      expect(error.message).toContain("a.csv is empty");
    }
  });

  it("when there is only a header", async () => {
    for (const content of ["a,b", "a,b\n", "a,b\r\n\r\n"]) {
      const error = await refusal({ "a.csv": content }, { source: csv("*.csv"), columns: AB });
      expect(error).toMatchObject({ code: "DATASETS_NO_ROWS", details: { files: ["a.csv"] } });
    }
  });

  it("when no file matches", async () => {
    const error = await refusal({ "a.csv": "a,b\n1,x\n" }, { source: csv("data/*.csv"), columns: AB });
    expect(error).toMatchObject({ code: "DATASETS_NO_FILES", details: { pattern: "data/*.csv" } });
  });

  it("when a file may not be read", async () => {
    const workspace = await openWorkspace({ "a.csv": "a,b\n1,x\n" });
    await chmod(join(workspace.root, "a.csv"), 0o000);
    // Root may read everything, so somebody else must try.
    const root = process.geteuid?.() === 0;
    if (root) {
      await chmod(workspace.root, 0o755);
      process.seteuid?.(65_534);
    }
    try {
      const error = await failure(findSourceFiles(csv("a.csv"), workspace.root));
      expect(error).toMatchObject({ code: "DATASETS_UNREADABLE_FILE", details: { file: "a.csv" } });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  it("when a row has too few or too many fields", async () => {
    const few = await refusal({ "a.csv": "a,b\n1,x\n2\n3,y\n" }, { source: csv("*.csv"), columns: AB });
    expect(few).toMatchObject({
      code: "DATASETS_RAGGED_ROW",
      details: { file: "a.csv", line: 3, expected: 2, found: 1 },
    });
    const many = await refusal(
      { "a.csv": 'a,b\n1,"x\ny"\n2,z,w\n' },
      { source: csv("*.csv"), columns: { a: "int" } },
    );
    expect(many).toMatchObject({ code: "DATASETS_RAGGED_ROW", details: { line: 4, expected: 2, found: 3 } });
    expect(many.message).toBe("a.csv, line 4: 3 fields where the header has 2");
  });

  it("when two columns have one name", async () => {
    const error = await refusal({ "a.csv": "a,b,a\n1,x,2\n" }, { source: csv("*.csv"), columns: AB });
    expect(error).toMatchObject({
      code: "DATASETS_DUPLICATE_COLUMN",
      details: { file: "a.csv", column: "a", positions: [1, 3] },
    });
  });

  it("when two declared columns differ by case only", async () => {
    const error = await refusal(
      { "a.csv": "a,A\n1,2\n" },
      { source: csv("*.csv"), columns: { a: "int", A: "int" } },
    );
    expect(error).toMatchObject({ code: "DATASETS_DUPLICATE_COLUMN", details: { columns: ["a", "A"] } });
  });

  it("when a declared column is missing, naming the one that was meant", async () => {
    const error = await refusal(
      { "1.csv": "price,units\n1,2\n", "2.csv": "prices,units\n1,2\n" },
      { source: csv("*.csv"), columns: { units: "int", price: "float" } },
    );
    expect(error).toMatchObject({
      code: "DATASETS_MISSING_COLUMN",
      details: { file: "2.csv", column: "price" },
    });
    expect(error.message).toContain('did you mean "prices"?');
  });

  it("when a column changes its type half-way", async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => (i < 40_000 ? `${i},x` : `n/a ${i},x`));
    const error = await refusal(
      { "a.csv": `a,b\n${rows.join("\n")}\n` },
      { source: csv("*.csv"), columns: AB },
    );
    expect(error).toMatchObject({
      code: "DATASETS_BAD_CELL",
      details: { file: "a.csv", line: 40_002, column: "a", value: "n/a 40000", type: "int" },
    });
    expect(error.message).toContain(
      'a.csv, line 40002, column a: "n/a 40000" is not a number (column type int)',
    );
  });

  it("when one cell of a real file is corrupt", async () => {
    const file = sharedData("movielens-latest-small/ratings_as_found_with_one_corrupt_cell.csv");
    if (file === undefined) return;
    const error = await refusal(
      {},
      {
        source: csv(file, { timestampFormat: "epoch-seconds" }),
        columns: { userId: "int", movieId: "int", rating: "float", timestamp: "timestamp" },
      },
    );
    expect(error).toMatchObject({
      code: "DATASETS_BAD_CELL",
      details: {
        line: 522,
        column: "timestamp",
        value: "84743496 https://files.grouplens.org/datasets/movielens/ml-latest-small1",
      },
    });
    expect(error.message).toContain("ratings_as_found_with_one_corrupt_cell.csv, line 522, column timestamp");
  });

  it("by the line on which the cell stands, whatever newlines are in quotes before it", async () => {
    const error = await refusal(
      { "a.csv": 'b,a\n"one\r\ntwo\n\nthree",1\n"x\ny",oops\n' },
      { source: csv("*.csv"), columns: AB },
    );
    expect(error.details).toMatchObject({ line: 7, column: "a", value: "oops" });
  });

  const cells: readonly [type: "int" | "float" | "bool" | "timestamp", value: string, wrong: string][] = [
    ["int", "3.5", "is not a whole number"],
    ["int", "1e3", "is not a whole number"],
    ["int", "9223372036854775808", "does not fit a 64-bit integer"],
    ["int", "-9223372036854775809", "does not fit a 64-bit integer"],
    ["int", "12 apples", "is not a number"],
    ["float", "1.2.3", "is not a number"],
    ["float", "inf", "is infinite"],
    ["float", "-Infinity", "is infinite"],
    ["float", "1e999", "is too large for a 64-bit float"],
    ["float", "0x1F", "is not a number"],
    ["bool", "maybe", "is neither true nor false"],
    ["bool", "2", "is neither true nor false"],
    ["timestamp", "yesterday", "is not a time (ISO 8601)"],
    ["timestamp", "2024-02-30", "is not a time (ISO 8601)"],
    ["timestamp", "2024-01-01 25:00:00", "is not a time (ISO 8601)"],
    ["timestamp", "2024-01-01 10:00 Europe/Berlin", "is not a time (ISO 8601)"],
    ["timestamp", "infinity", "is not a time (ISO 8601)"],
    ["timestamp", "epoch", "is not a time (ISO 8601)"],
    ["timestamp", "1704067200", "is not a time (ISO 8601)"],
  ];
  for (const [type, value, wrong] of cells) {
    it(`when ${JSON.stringify(value)} stands in a column of type ${type}`, async () => {
      const error = await refusal(
        { "a.csv": `x,y\n,1\n${value},2\n` },
        { source: csv("*.csv"), columns: { y: "int", x: type } },
      );
      expect(error).toMatchObject({
        code: "DATASETS_BAD_CELL",
        details: { line: 3, column: "x", value, type },
      });
      expect(error.message).toContain(wrong);
    });
  }

  it("when a quote is never closed, or closed too early", async () => {
    const open = await refusal({ "a.csv": 'a,b\n1,x\n2,"y\n3,z\n' }, { source: csv("*.csv"), columns: AB });
    expect(open).toMatchObject({
      code: "DATASETS_BAD_QUOTES",
      details: { file: "a.csv", line: 3, field: 2 },
    });
    const early = await refusal({ "a.csv": 'a,b\n1,"x"y\n' }, { source: csv("*.csv"), columns: AB });
    expect(early).toMatchObject({ code: "DATASETS_BAD_QUOTES", details: { line: 2, field: 2 } });
    const header = await refusal({ "a.csv": 'a,"b\n1,x\n' }, { source: csv("*.csv"), columns: AB });
    expect(header).toMatchObject({ code: "DATASETS_BAD_QUOTES", details: { line: 1 } });
  });

  it("when it is not in UTF-8", async () => {
    const latin = Buffer.concat([
      Buffer.from("a,b\n1,x\n2,caf"),
      Buffer.from([0xe9]),
      Buffer.from("\n3,y\n"),
    ]);
    const error = await refusal({ "a.csv": latin }, { source: csv("*.csv"), columns: AB });
    expect(error).toMatchObject({
      code: "DATASETS_BAD_ENCODING",
      details: { file: "a.csv", line: 3, offset: 13, byte: "0xe9" },
    });
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("a,b\n1,x\n", "utf16le")]);
    const utf16 = await refusal({ "a.csv": wide }, { source: csv("*.csv"), columns: AB });
    expect(utf16).toMatchObject({ code: "DATASETS_BAD_ENCODING", details: { encoding: "UTF-16" } });
    const unmarked = await refusal(
      { "a.csv": Buffer.from("a,b\n1,x\n", "utf16le") },
      { source: csv("*.csv"), columns: AB },
    );
    expect(unmarked).toMatchObject({ code: "DATASETS_BAD_ENCODING", details: { encoding: "UTF-16" } });
  });

  it("when it is compressed", async () => {
    for (const source of [csv("*"), ndjson("*")]) {
      const packed = await refusal({ "a.gz": gzipSync("a,b\n1,x\n") }, { source, columns: AB });
      expect(packed).toMatchObject({ code: "DATASETS_UNREADABLE_FILE", details: { file: "a.gz" } });
      expect(packed.message).toContain("gzip");
    }
  });

  it("when an invalid character stands far inside", async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i},größe €${i}\n`).join("");
    const bytes = Buffer.concat([
      Buffer.from(`a,b\n${rows}`),
      Buffer.from([0xc3, 0x28]),
      Buffer.from(",x\n"),
    ]);
    const error = await refusal({ "a.csv": bytes }, { source: csv("*.csv"), columns: AB });
    expect(error.details).toMatchObject({ line: 200_002, offset: bytes.length - 5, byte: "0xc3" });
  });

  it("when its own description makes no sense", async () => {
    const files = { "a.csv": "a,b\n1,x\n" };
    for (const source of [
      csv("a.csv", { delimiter: "" }),
      csv("a.csv", { delimiter: ", " }),
      csv("a.csv", { quote: "," }),
      csv("a.csv", { timestampFormat: "%Q" }),
      { format: "xml", glob: "a.csv" } as unknown as Spec["source"],
    ]) {
      expect(await refusal(files, { source, columns: AB })).toMatchObject({ code: "DATASETS_BAD_SOURCE" });
    }
    const typo = { a: "number" } as unknown as Spec["columns"];
    expect(await refusal(files, { source: csv("a.csv"), columns: typo })).toMatchObject({
      code: "DATASETS_BAD_SOURCE",
    });
  });
});

describe("an NDJSON source is refused", () => {
  it("when a line is broken or no object", async () => {
    const broken = await refusal(
      { "a.ndjson": '{"a":1,"b":"x"}\n\n{"a":2,"b":\n{"a":3,"b":"y"}\n' },
      { source: ndjson("*.ndjson"), columns: AB },
    );
    expect(broken).toMatchObject({ code: "DATASETS_BAD_LINE", details: { file: "a.ndjson", line: 3 } });
    const list = await refusal(
      { "a.ndjson": '{"a":1,"b":"x"}\n[1]\n' },
      { source: ndjson("*.ndjson"), columns: AB },
    );
    expect(list).toMatchObject({ code: "DATASETS_BAD_LINE", details: { line: 2 } });
  });

  it("when a line far down is broken", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `{"a":${i},"b":"x"}\n`).join("");
    const error = await refusal(
      { "a.ndjson": `${rows}{"a":1}}\n` },
      { source: ndjson("*.ndjson"), columns: AB },
    );
    expect(error).toMatchObject({ code: "DATASETS_BAD_LINE", details: { line: 20_001 } });
    const list = await refusal({ "a.ndjson": `${rows}[1]\n` }, { source: ndjson("*.ndjson"), columns: AB });
    expect(list).toMatchObject({ code: "DATASETS_BAD_LINE", details: { line: 20_001 } });
    const twice = await refusal(
      { "a.ndjson": `${rows}{"a":1,"a":2}\n` },
      { source: ndjson("*.ndjson"), columns: AB },
    );
    expect(twice).toMatchObject({ code: "DATASETS_BAD_LINE", details: { line: 20_001 } });
  });

  it("when a value is of another type", async () => {
    const values: readonly [keyof typeof columns, string][] = [
      ["i", "1.5"],
      ["i", '"1"'],
      ["i", "true"],
      ["i", "9223372036854775808"],
      ["f", '"1"'],
      ["f", "1e999"],
      ["b", "1"],
      ["t", '"yesterday"'],
      ["t", "true"],
      ["t", "1e300"],
      ["c", "5"],
      ["c", '["x"]'],
      ["x", '{"y":1}'],
    ];
    const columns = { i: "int", f: "float", b: "bool", t: "timestamp", c: "category", x: "text" } as const;
    const good = '{"i":1,"f":1,"b":true,"t":"2024-01-01","c":"c","x":"x"}\n';
    for (const [column, value] of values) {
      const error = await refusal(
        { "a.ndjson": `${good}{"${column}":${value}}\n` },
        { source: ndjson("*.ndjson"), columns },
      );
      expect([column, value, error.code, error.details.line]).toEqual([
        column,
        value,
        "DATASETS_BAD_CELL",
        2,
      ]);
    }
  });

  it("when a declared column is in no object, when it is empty, when it is not UTF-8", async () => {
    const missing = await refusal(
      { "a.ndjson": '{"a":1,"bb":"x"}\n' },
      { source: ndjson("*.ndjson"), columns: AB },
    );
    expect(missing).toMatchObject({ code: "DATASETS_MISSING_COLUMN", details: { column: "b" } });
    const empty = await refusal({ "a.ndjson": "\n" }, { source: ndjson("*.ndjson"), columns: AB });
    expect(empty).toMatchObject({ code: "DATASETS_EMPTY_FILE" });
    const latin = Buffer.from('{"a":1,"b":"caf\xe9"}\n', "latin1");
    const encoding = await refusal({ "a.ndjson": latin }, { source: ndjson("*.ndjson"), columns: AB });
    expect(encoding).toMatchObject({ code: "DATASETS_BAD_ENCODING", details: { line: 1, offset: 15 } });
  });
});

describe("a Parquet source is refused", () => {
  async function withParquet(select: string): Promise<Workspace> {
    const workspace = await openWorkspace();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`COPY (${select}) TO '${join(workspace.root, "a.parquet")}' (FORMAT parquet)`);
    connection.disconnectSync();
    instance.closeSync();
    return workspace;
  }

  it("when it is no Parquet file, or a torn one", async () => {
    const text = await refusal({ "a.parquet": "a,b\n1,x\n" }, { source: parquet("a.parquet"), columns: AB });
    expect(text).toMatchObject({ code: "DATASETS_UNREADABLE_FILE", details: { file: "a.parquet" } });
    const empty = await refusal({ "a.parquet": "" }, { source: parquet("a.parquet"), columns: AB });
    expect(empty).toMatchObject({ code: "DATASETS_EMPTY_FILE" });
    const workspace = await withParquet("SELECT range AS a, 'x' AS b FROM range(10000)");
    const bytes = await readFile(join(workspace.root, "a.parquet"));
    await workspace.write("a.parquet", bytes.subarray(0, bytes.length - 10));
    const torn = await refusalIn(workspace, { source: parquet("a.parquet"), columns: AB });
    expect(torn).toMatchObject({ code: "DATASETS_UNREADABLE_FILE" });
  });

  it("when a column has an incompatible type", async () => {
    const workspace = await withParquet("SELECT [1, 2] AS a, 'x' AS b");
    const error = await refusalIn(workspace, { source: parquet("a.parquet"), columns: AB });
    expect(error).toMatchObject({
      code: "DATASETS_COLUMN_TYPE",
      details: { file: "a.parquet", column: "a", stored: "INTEGER[]", type: "int" },
    });
    const number = await refusalIn(await withParquet("SELECT 1 AS a, 5 AS b"), {
      source: parquet("a.parquet"),
      columns: AB,
    });
    expect(number).toMatchObject({
      code: "DATASETS_COLUMN_TYPE",
      details: { column: "b", stored: "INTEGER" },
    });
  });

  it("when a value does not fit the declared type", async () => {
    const half = await withParquet(
      "SELECT CASE WHEN range = 7 THEN 0.5::DOUBLE ELSE range END AS a, 'x' AS b FROM range(10)",
    );
    const fraction = await refusalIn(half, { source: parquet("a.parquet"), columns: AB });
    expect(fraction).toMatchObject({
      code: "DATASETS_BAD_CELL",
      details: { row: 8, column: "a", value: "0.5" },
    });
    const wide = await withParquet("SELECT 18446744073709551615::UBIGINT AS a, 'x' AS b");
    const large = await refusalIn(wide, { source: parquet("a.parquet"), columns: AB });
    expect(large).toMatchObject({ code: "DATASETS_BAD_CELL", details: { row: 1, column: "a" } });
    const endless = await withParquet("SELECT 'infinity'::DOUBLE AS a");
    const infinite = await refusalIn(endless, { source: parquet("a.parquet"), columns: { a: "float" } });
    expect(infinite).toMatchObject({ code: "DATASETS_BAD_CELL", details: { row: 1, value: "inf" } });
  });

  it("when a declared column is missing", async () => {
    const workspace = await withParquet("SELECT 1 AS aa, 'x' AS b");
    const error = await refusalIn(workspace, { source: parquet("a.parquet"), columns: AB });
    expect(error).toMatchObject({ code: "DATASETS_MISSING_COLUMN", details: { column: "a" } });
  });
});
