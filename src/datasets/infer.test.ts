import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { inferSource } from "./infer.ts";
import type { InferredSource } from "./inferred-source.ts";
import type { SourceSpec } from "./spec.ts";
import { failure, openWorkspace } from "./testing/workspace.ts";

async function inferText(
  text: string,
  options: { name?: string; source?: Partial<SourceSpec> } = {},
): Promise<InferredSource> {
  const name = options.name ?? "a.csv";
  const workspace = await openWorkspace({ [name]: text });
  return await inferSource({ glob: name, root: workspace.root, source: options.source ?? {} });
}

async function typesOf(text: string): Promise<Readonly<Record<string, string>>> {
  return (await inferText(text)).columns;
}

const columnOfTexts = (texts: readonly string[]): string =>
  `x,y\n${texts.map((text) => `"${text}",1\n`).join("")}`;

describe("inferSource", () => {
  it("tells numbers, flags, times and categories apart", async () => {
    const types = async (texts: readonly string[]): Promise<string | undefined> =>
      (await typesOf(columnOfTexts(texts))).x;
    expect(await types(["1", "-2", "+3"])).toBe("int");
    expect(await types(["1", "2.0", " 3 "])).toBe("float");
    expect(await types([".5", "1e-3", "4."])).toBe("float");
    expect(await types(["12345678901234567890123"])).toBe("float");
    expect(await types(["true", "False", ""])).toBe("bool");
    expect(await types(["Yes", "No"])).toBe("category");
    expect(await types(["01234", "99999"])).toBe("category");
    expect(await types(["1", "two"])).toBe("category");
    expect(await types(["2024-01-01", "2024-01-01 10:00:00", "2024-01-01T10:00:00.5Z"])).toBe("timestamp");
    expect(await types(["2024-13-01"])).toBe("category");
    expect(await types(["", ""])).toBe("category");
    const prose = (i: number): string => `The ${i}th of many sentences that nobody will ever read twice`;
    expect(await types(Array.from({ length: 40 }, (_, i) => prose(i)))).toBe("text");
    expect(await types(Array.from({ length: 40 }, (_, i) => prose(i % 2)))).toBe("category");
  });

  it("looks at every row: a late exception counts", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i % 50}\n`);
    expect((await typesOf(`x\n${rows.join("")}`)).x).toBe("int");
    expect((await typesOf(`x\n${rows.join("")}7.5\n`)).x).toBe("float");
    expect((await typesOf(`x\n${rows.join("")}${"many\nother\nwords\n".repeat(10)}`)).x).toBe("category");
  });

  it("finds the delimiter, and texts that mean missing", async () => {
    const semicolons = await inferText("a;b;c\n1,5;x, y;?\n2,5;z;4\n3;w;NA\n");
    expect(semicolons.source).toMatchObject({ format: "csv", delimiter: ";", nullValues: ["?", "NA"] });
    expect(semicolons.columns).toEqual({ a: "category", b: "category", c: "int" });
    expect(semicolons.details[2]).toMatchObject({ missing: 2, distinct: 1 });
    expect((await inferText("a\tb\n1\tx\n")).source.delimiter).toBe("\t");
    expect((await inferText("a|b\n1|x,y\n")).source.delimiter).toBe("|");
    expect((await inferText("a\n1\n2\n")).source).toEqual({ format: "csv", glob: "a.csv" });
  });

  it("keeps NA where it may be a category", async () => {
    const { source, columns } = await inferText("country,n\nNA,1\nDE,2\nNA,3\n");
    expect(columns.country).toBe("category");
    expect(source.nullValues).toBeUndefined();
  });

  it("recognises other ways to write times, and says when they are ambiguous", async () => {
    const american = await inferText("when,n\n1/31/2024 4:05 PM,1\n2/1/2024 11:00 AM,2\n");
    expect(american.source.timestampFormat).toBe("%m/%d/%Y %I:%M %p");
    expect(american.timeColumn).toBe("when");
    const german = await inferText("wann,n\n31.01.2024,1\n01.02.2024,2\n");
    expect(german.source.timestampFormat).toBe("%d.%m.%Y");
    const either = await inferText("when,n\n1/2/2024,1\n3/4/2024,2\n");
    expect(either.notes.join()).toContain("the day could also come first");
    const epoch = await inferText("created_at,n\n1704067200,1\n1704067260,2\n");
    expect(epoch).toMatchObject({
      source: { timestampFormat: "epoch-seconds" },
      columns: { created_at: "timestamp" },
    });
    const milliseconds = await inferText("ts,n\n1704067200000,1\n1704067260000,2\n");
    expect(milliseconds.source.timestampFormat).toBe("epoch-milliseconds");
  });

  it("flags columns that name rows", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${1000 + i},u${i},${i % 7},${i * 13}\n`);
    const { details } = await inferText(`n,user,k,amount\n${rows.join("")}`);
    expect(details.map(({ name, idLike }) => [name, idLike])).toEqual([
      ["n", true],
      ["user", true],
      ["k", false],
      ["amount", false],
    ]);
  });

  it("names the one value that does not fit a column of numbers", async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => (i === 4000 ? "5O1,x\n" : `${i},x\n`));
    const error = await failure(inferText(`a,b\n${rows.join("")}`));
    expect(error).toMatchObject({
      code: "DATASETS_BAD_CELL",
      details: { line: 4002, column: "a", value: "5O1" },
    });
  });

  it("refuses a file without a header, without rows, or broken", async () => {
    expect(await failure(inferText("1,2,x\n3,4,y\n"))).toMatchObject({ code: "DATASETS_NO_HEADER" });
    expect(await failure(inferText("25,0,0,x\n3,0,0,y\n"))).toMatchObject({ code: "DATASETS_NO_HEADER" });
    expect(await failure(inferText("a,b\n"))).toMatchObject({ code: "DATASETS_NO_ROWS" });
    expect(await failure(inferText(""))).toMatchObject({ code: "DATASETS_EMPTY_FILE" });
    expect(await failure(inferText("a,b\n1\n"))).toMatchObject({ code: "DATASETS_RAGGED_ROW" });
  });

  it("reads NDJSON by its own types", async () => {
    const inferred = await inferText(
      '{"id":1,"zip":"01234","ok":true,"at":"2024-01-01T00:00:00Z","tags":["x"],"v":1.5}\n{"id":2,"zip":"5","ok":false,"v":null}\n',
      { name: "a.jsonl" },
    );
    expect(inferred.source).toEqual({ format: "ndjson", glob: "a.jsonl" });
    expect(inferred.columns).toEqual({ id: "int", zip: "category", ok: "bool", at: "timestamp", v: "float" });
    expect(inferred.notes.join()).toContain("tags is left out");
    expect((await inferText('{"ts":1704067200}\n', { name: "a.jsonl" })).source.timestampFormat).toBe(
      "epoch-seconds",
    );
    expect(inferred.details.find(({ name }) => name === "v")).toMatchObject({ missing: 1 });
  });

  it("reads Parquet by its own types", async () => {
    const workspace = await openWorkspace();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(
      "COPY (SELECT range AS id, range / 3.0 AS v, range % 2 = 0 AS ok, TIMESTAMP '2024-01-01' + INTERVAL (range) HOUR AS at, " +
        `'k' || (range % 3) AS kind, [range] AS list FROM range(100)) TO '${join(workspace.root, "a.parquet")}' (FORMAT parquet)`,
    );
    connection.disconnectSync();
    instance.closeSync();
    const inferred = await inferSource({ glob: "*.parquet", root: workspace.root });
    expect(inferred.columns).toEqual({
      id: "int",
      v: "float",
      ok: "bool",
      at: "timestamp",
      kind: "category",
    });
    expect(inferred).toMatchObject({ rowCount: 100, timeColumn: "at" });
    expect(inferred.details[0]).toMatchObject({ idLike: true });
    expect(inferred.notes.join()).toContain("list is left out");
  });
});

describe("real files", () => {
  const expectations: readonly [file: string, expected: object, types: Readonly<Record<string, string>>][] = [
    [
      "telco-churn/Telco-Customer-Churn.csv",
      { rowCount: 7043, source: { format: "csv" } },
      {
        customerID: "category",
        SeniorCitizen: "int",
        tenure: "int",
        TotalCharges: "float",
        Churn: "category",
      },
    ],
    [
      "adult-census/AdultCensusIncomeOriginal.csv",
      { rowCount: 32_561, source: { trim: true, nullValues: ["?"] } },
      { age: "int", workclass: "category", income: "category" },
    ],
    [
      "california-housing/housing.csv",
      { rowCount: 20_640 },
      { total_bedrooms: "float", ocean_proximity: "category", median_house_value: "float" },
    ],
    [
      "upworthy/upworthy_packages.csv",
      { rowCount: 15_424 },
      {
        headline: "text",
        lede: "text",
        excerpt: "text",
        winner: "bool",
        clicks: "int",
        eyecatcher_id: "category",
      },
    ],
    [
      "bike-sharing/hour.csv",
      { source: { timestampFormat: "%m/%d/%y" }, timeColumn: "dteday" },
      { dteday: "timestamp", temp: "float" },
    ],
    [
      "movielens-latest-small/ratings.csv",
      { timeColumn: "timestamp" },
      { rating: "float", timestamp: "timestamp" },
    ],
  ];
  for (const [file, expected, types] of expectations) {
    it(`are understood: ${file}`, async () => {
      const path = sharedData(file);
      if (path === undefined) return;
      const inferred = await inferSource({ glob: path, root: "/" });
      expect(inferred).toMatchObject(expected);
      expect(inferred.columns).toMatchObject(types);
    });
  }

  it("with blanks for missing numbers keep them missing", async () => {
    const path = sharedData("telco-churn/Telco-Customer-Churn.csv");
    if (path === undefined) return;
    const { details, source, columns } = await inferSource({ glob: path, root: "/" });
    expect(details.find(({ name }) => name === "TotalCharges")?.missing).toBe(11);
    const workspace = await openWorkspace();
    const { manifest } = await workspace.ingest({ source, columns });
    expect(manifest.profile.columns.find(({ name }) => name === "TotalCharges")).toMatchObject({
      missing: 11,
      count: 7032,
    });
  });

  it("with one corrupt cell are refused by name, line and column", async () => {
    const path = sharedData("movielens-latest-small/ratings_as_found_with_one_corrupt_cell.csv");
    if (path === undefined) return;
    expect(await failure(inferSource({ glob: path, root: "/" }))).toMatchObject({
      code: "DATASETS_BAD_CELL",
      details: { line: 522, column: "timestamp" },
    });
  });
});
