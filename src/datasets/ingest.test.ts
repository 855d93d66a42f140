import { open } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import type { StringColumn, Table } from "../kernel/index.ts";
import { buildProfile } from "../profile/index.ts";
import { ingest } from "./ingest.ts";
import { readSnapshot } from "./read-snapshot.ts";
import { snapshotDigest } from "./snapshot.ts";
import { csv, ndjson, parquet, tsv } from "./spec.ts";
import { openWorkspace, type Workspace } from "./testing/workspace.ts";

const COLUMNS = {
  id: "int",
  at: "timestamp",
  price: "float",
  ok: "bool",
  kind: "category",
  note: "text",
} as const;

interface Row {
  id: string;
  at: string;
  price: string;
  ok: string;
  kind: string;
  note: string;
}

/** Rows with gaps, integers beyond 2^53, long and short texts, quotes and newlines. */
function makeRows(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i % 97 === 3 ? "" : String(9_007_199_254_740_993n + BigInt(i)),
    at: i % 31 === 7 ? "" : new Date(Date.UTC(2024, 0, 1) + i * 61_001).toISOString(),
    price: i % 13 === 5 ? "" : String((i * 7919) % 1000 === 0 ? 0 : ((i * 7919) % 100_003) / 128),
    ok: i % 17 === 2 ? "" : String(i % 3 === 0),
    kind: i % 11 === 1 ? "" : ["a", "bb", "a rather long category name", "ünïcödé", 'quote " here'][i % 5]!,
    note: i % 19 === 4 ? "" : `line ${i}\nand "more", ${"x".repeat(i % 40)}`,
  }));
}

const quoted = (text: string): string => (/[",\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function toCsv(rows: readonly Row[], delimiter = ","): string {
  const names = Object.keys(COLUMNS) as (keyof Row)[];
  return `${names.join(delimiter)}\n${rows.map((row) => names.map((name) => quoted(row[name])).join(delimiter)).join("\n")}\n`;
}

function toNdjson(rows: readonly Row[]): string {
  const text = (value: string): string => (value === "" ? "null" : JSON.stringify(value));
  const bare = (value: string): string => (value === "" ? "null" : value);
  return rows
    .map(
      ({ id, at, price, ok, kind, note }) =>
        `{"note":${text(note)},"id":${bare(id)},"at":${text(at)},"price":${bare(price)},"ok":${bare(ok)},"kind":${text(kind)}}\n`,
    )
    .join("");
}

async function writeParquetFile(
  workspace: Workspace,
  target: { from: string; to: string; options: string },
): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const types = {
    int: "BIGINT",
    timestamp: "TIMESTAMP",
    float: "DOUBLE",
    bool: "BOOLEAN",
    category: "VARCHAR",
    text: "VARCHAR",
  };
  const columns = Object.entries(COLUMNS).map(([name, type]) => `'${name}': '${types[type]}'`);
  await connection.run(
    `COPY (SELECT * FROM read_csv('${workspace.root}/${target.from}', auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {${columns.join()}})) ` +
      `TO '${workspace.root}/${target.to}' (FORMAT parquet, ${target.options})`,
  );
  connection.disconnectSync();
  instance.closeSync();
}

describe("a snapshot's digest", () => {
  it("is the same however the rows are split, formatted, compressed and computed", async () => {
    const rows = makeRows(2500);
    const workspace = await openWorkspace({
      "whole.csv": toCsv(rows),
      "crlf.csv": toCsv(rows.map((row) => ({ ...row, note: row.note.replaceAll("\n", " ") }))).replaceAll(
        "\n",
        "\r\n",
      ),
      "whole.tsv": toCsv(rows, "\t"),
      "part-1.csv": toCsv(rows.slice(0, 700)),
      "part-2.csv": toCsv(rows.slice(700, 701)),
      "part-10.csv": toCsv(rows.slice(701)),
      "whole.ndjson": toNdjson(rows),
    });
    await writeParquetFile(workspace, { from: "whole.csv", to: "a.parquet", options: "ROW_GROUP_SIZE 2048" });
    await writeParquetFile(workspace, { from: "whole.csv", to: "b.parquet", options: "COMPRESSION zstd" });
    await writeParquetFile(workspace, {
      from: "part-1.csv",
      to: "p1.parquet",
      options: "COMPRESSION snappy",
    });
    await workspace.write("rest.csv", toCsv(rows.slice(700)));
    await writeParquetFile(workspace, { from: "rest.csv", to: "p2.parquet", options: "ROW_GROUP_SIZE 2048" });
    const digest = (await workspace.ingest({ source: csv("whole.csv"), columns: COLUMNS })).digest;
    for (const source of [
      tsv("whole.tsv"),
      csv("part-*.csv"),
      csv(["part-1.csv", "part-2.csv", "part-10.csv"]),
      ndjson("whole.ndjson"),
      parquet("a.parquet"),
      parquet("b.parquet"),
      parquet(["p1.parquet", "p2.parquet"]),
    ]) {
      for (const threads of [1, 2]) {
        const taken = await workspace.ingest({ source, columns: COLUMNS }, { threads });
        expect([source.glob, taken.digest]).toEqual([source.glob, digest]);
      }
    }
    const other = await workspace.ingest({ source: csv("crlf.csv"), columns: COLUMNS });
    expect(other.digest).not.toBe(digest);
  });

  it("is what the description of the canonical form says", async () => {
    const workspace = await openWorkspace({
      "a.ndjson":
        '{"id":9007199254740993,"at":"2024-02-29T12:34:56.789012Z","v":-0.0,"ok":true,"kind":"ünï","note":null}\n' +
        '{"v":1.5,"kind":"","note":"a \\"b\\"\\nc"}\n' +
        '{"id":-5,"at":"1969-12-31T23:59:59.999999Z","ok":false,"kind":"x","note":"x"}\n',
    });
    const columns = {
      id: "int",
      at: "timestamp",
      v: "float",
      ok: "bool",
      kind: "category",
      note: "text",
    } as const;
    const taken = await workspace.ingest({ source: ndjson("a.ndjson"), columns });
    // Computed in Python from the description alone. If this changes, every stored snapshot gets another name.
    expect(taken.digest).toBe("85211202e83ebe13b5ddfbd9218aec469406d7ef3c95b23769973450d4213532");
  });

  it("changes with order, values, names and types", async () => {
    const workspace = await openWorkspace({
      "a.csv": "x,y\n1,2\n3,4\n",
      "b.csv": "x,y\n3,4\n1,2\n",
      "c.csv": "x,z\n1,2\n3,4\n",
    });
    const taken = await Promise.all([
      workspace.ingest({ source: csv("a.csv"), columns: { x: "int", y: "int" } }),
      workspace.ingest({ source: csv("b.csv"), columns: { x: "int", y: "int" } }),
      workspace.ingest({ source: csv("c.csv"), columns: { x: "int", z: "int" } }),
      workspace.ingest({ source: csv("a.csv"), columns: { x: "int", y: "float" } }),
      workspace.ingest({ source: csv("a.csv"), columns: { y: "int", x: "int" } }),
      workspace.ingest({ source: csv("a.csv"), columns: { x: "int" } }),
    ]);
    expect(new Set(taken.map(({ digest }) => digest)).size).toBe(taken.length);
  });

  it("tells texts apart however they are cut into cells", async () => {
    const workspace = await openWorkspace({ "a.csv": "x\nab\nc\n", "b.csv": "x\na\nbc\n" });
    const a = await workspace.ingest({ source: csv("a.csv"), columns: { x: "category" } });
    const b = await workspace.ingest({ source: csv("b.csv"), columns: { x: "category" } });
    expect(a.digest).not.toBe(b.digest);
  });

  it("does not know −0, and takes NaN for missing", async () => {
    const workspace = await openWorkspace({ "a.csv": "x\n-0\n-0.0\nnan\n", "b.csv": 'x\n0\n0e5\n""\n' });
    const a = await workspace.ingest({ source: csv("a.csv"), columns: { x: "float" } });
    const b = await workspace.ingest({ source: csv("b.csv"), columns: { x: "float" } });
    expect(a.digest).toBe(b.digest);
  });
});

function columnOf(table: Table, name: string): (number | string)[] {
  const column = table.columns.get(name)!;
  if (column.kind === "number") return [...column.values];
  return Array.from(column.codes, (code) => column.dictionary[code] ?? "");
}

describe("rows read back", () => {
  it("are the rows that went in, in order, and have the profile of the snapshot", async () => {
    const rows = makeRows(66_000);
    const workspace = await openWorkspace({
      "1.csv": toCsv(rows.slice(0, 50_000)),
      "2.csv": toCsv(rows.slice(50_000)),
    });
    const { manifest } = await workspace.ingest({ source: csv("*.csv"), columns: COLUMNS });
    expect(manifest.blocks.map((block) => block.rows)).toEqual([65_536, 464]);
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(buildProfile(table, COLUMNS)).toEqual(manifest.profile);
    expect([...table.columns.keys()]).toEqual(Object.keys(COLUMNS));
    const number = (text: string): number => (text === "" ? Number.NaN : Number(text));
    const expected: Readonly<Record<string, (row: (typeof rows)[number]) => unknown>> = {
      kind: ({ kind }) => kind,
      note: ({ note }) => note,
      id: ({ id }) => number(id),
      price: ({ price }) => number(price),
      at: ({ at }) => (at === "" ? Number.NaN : Date.parse(at)),
      ok: ({ ok }) => (ok === "" ? Number.NaN : ok === "true" ? 1 : 0),
    };
    for (const [name, cell] of Object.entries(expected)) {
      const values = columnOf(table, name);
      // Sixty thousand values are compared one by one: toEqual takes a second for them.
      const wrong = rows.findIndex((row, at) => !Object.is(values[at], cell(row)));
      expect([name, values.length, wrong]).toEqual([name, rows.length, -1]);
    }
    expect((table.columns.get("kind") as StringColumn).dictionary).toEqual([
      "a",
      "a rather long category name",
      "ünïcödé",
      'quote " here',
      "bb",
    ]);
  });

  it("can be a choice of columns, and an unknown one is refused", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(10)) });
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: COLUMNS });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs, columns: ["ok", "id"] });
    expect([...table.columns.keys()]).toEqual(["ok", "id"]);
    await expect(readSnapshot(manifest, { blobs: workspace.blobs, columns: ["oops"] })).rejects.toMatchObject(
      {
        code: "DATASETS_UNKNOWN_COLUMN",
      },
    );
  });

  it("are refused when a stored part was altered", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(100)) });
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: COLUMNS });
    const handle = await open(workspace.blobs.path(manifest.parts[0]!.blob), "r+");
    await handle.write(Buffer.from([0xff]), 0, 1, 500);
    await handle.close();
    await expect(readSnapshot(manifest, { blobs: workspace.blobs })).rejects.toMatchObject({
      code: "STORAGE_BLOB_DAMAGED",
    });
  });
});

describe("taking a snapshot again", () => {
  it("stores nothing when nothing changed", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(100)) });
    const spec = { source: csv("*.csv"), columns: COLUMNS };
    const first = await workspace.ingest(spec);
    const before = await workspace.stored();
    const again = await workspace.ingest(spec, { previous: first.manifest });
    expect(again).toEqual({ manifest: first.manifest, digest: first.digest, reused: true });
    expect(await workspace.stored()).toEqual(before);
  });

  it("writes only the new rows and those of the last block when rows were appended", async () => {
    const rows = Array.from({ length: 80_000 }, (_, i) => `${i},k${i % 7}\n`);
    const text = (from: number, to: number): string => `id,kind\n${rows.slice(from, to).join("")}`;
    const workspace = await openWorkspace({ "1.csv": text(0, 70_000) });
    const spec = { source: csv("*.csv"), columns: { id: "int", kind: "category" } } as const;
    const first = await workspace.ingest(spec);
    await workspace.write("2.csv", text(70_000, 80_000));
    const second = await workspace.ingest(spec, { previous: first.manifest });
    expect(second.manifest.parts).toHaveLength(2);
    expect(second.manifest.parts[0]).toEqual({ ...first.manifest.parts[0], rows: 65_536 });
    expect(second.manifest.parts[1]).toMatchObject({ firstRow: 65_536, rows: 14_464 });
    expect(second.manifest.blocks[0]).toEqual(first.manifest.blocks[0]);

    const whole = await openWorkspace({ "all.csv": text(0, 80_000) });
    const fresh = await whole.ingest(spec);
    expect(second.digest).toBe(fresh.digest);
    expect(second.manifest.profile).toEqual(fresh.manifest.profile);
    const table = await readSnapshot(second.manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "id")).toEqual(rows.map((_, i) => i));

    await workspace.write("3.csv", text(0, 5));
    const third = await workspace.ingest(spec, { previous: second.manifest });
    expect(third.manifest.parts.map(({ rows: count }) => count)).toEqual([65_536, 14_469]);
  });

  it("writes again what is no longer stored", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(100)) });
    const spec = { source: csv("*.csv"), columns: COLUMNS };
    const first = await workspace.ingest(spec);
    await workspace.blobs.delete(first.manifest.parts[0]!.blob);
    const again = await workspace.ingest(spec, { previous: first.manifest });
    expect(again.reused).toBe(false);
    expect(again.digest).toBe(first.digest);
    expect((await readSnapshot(again.manifest, { blobs: workspace.blobs })).rowCount).toBe(100);
  });

  it("starts over when the schema changed", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(66_000)) });
    const first = await workspace.ingest({ source: csv("*.csv"), columns: { id: "int", kind: "category" } });
    const second = await workspace.ingest(
      { source: csv("*.csv"), columns: { id: "int", kind: "text" } },
      { previous: first.manifest },
    );
    expect(second.manifest.parts[0]!.rows).toBe(66_000);
    expect(second.digest).not.toBe(first.digest);
  });
});

describe("ingest", () => {
  it("reads files of different column order and ignores undeclared columns", async () => {
    const workspace = await openWorkspace({
      "1.csv": "a,b,c\n1,x,9\n",
      "2.csv": "b,extra,a\ny,,2\n",
      "3.csv": "a,b\n",
    });
    const { manifest } = await workspace.ingest({
      source: csv("*.csv"),
      columns: { a: "int", b: "category" },
    });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "a")).toEqual([1, 2]);
    expect(columnOf(table, "b")).toEqual(["x", "y"]);
    expect(manifest.sourceFiles.map(({ path }) => path)).toEqual(["1.csv", "2.csv", "3.csv"]);
  });

  it("reads newlines of several kinds, blank lines, a byte order mark and blanks before the header", async () => {
    const workspace = await openWorkspace({ "a.csv": '\ufeff\r\na,b\r\n1,x\n2,"y\r\nz"\r\n\n3,w' });
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: { a: "int", b: "text" } });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "a")).toEqual([1, 2, 3]);
    expect(columnOf(table, "b")).toEqual(["x", "y\r\nz", "w"]);
    await workspace.write("b.csv", "\n\na,b\r\n1,x\r\n2,y\r\n");
    const behind = await workspace.ingest({ source: csv("b.csv"), columns: { a: "int", b: "text" } });
    expect(behind.manifest.rowCount).toBe(2);
  });

  it("reads JSON numbers as times and as integers however they are written", async () => {
    const workspace = await openWorkspace({
      "a.ndjson": '{"t":1704067200123,"n":1e3}\n{"t":1.5e12,"n":2.0}\n{"t":"2024-01-01"}\n',
    });
    const columns = { t: "timestamp", n: "int" } as const;
    const { manifest } = await workspace.ingest({ source: ndjson("a.ndjson"), columns });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "t")).toEqual([1_704_067_200_123, 1.5e12, Date.UTC(2024, 0, 1)]);
    expect(columnOf(table, "n")).toEqual([1000, 2, Number.NaN]);
    const seconds = ndjson("a.ndjson", { timestampFormat: "epoch-seconds" });
    await workspace.write("a.ndjson", '{"t":1704067200.5}\n');
    const again = await workspace.ingest({ source: seconds, columns: { t: "timestamp" } });
    const other = await readSnapshot(again.manifest, { blobs: workspace.blobs });
    expect(columnOf(other, "t")).toEqual([1_704_067_200_500]);
  });

  it("reads a quoted line of several megabytes", async () => {
    const long = "lorem ipsum ".repeat(400_000);
    const workspace = await openWorkspace({ "a.csv": `a,b\n1,"${long}"\n2,x\n` });
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: { a: "int", b: "text" } });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "b")).toEqual([long, "x"]);
  });

  it("infers the columns when none are declared", async () => {
    const workspace = await openWorkspace({ "a.csv": "a;b\n1;x\n?;y\n" });
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: {} });
    expect(manifest.schema).toEqual([
      { name: "a", type: "int" },
      { name: "b", type: "category" },
    ]);
    expect(manifest.profile.columns[0]).toMatchObject({ missing: 1, min: 1 });
  });

  it("stops when aborted and leaves nothing behind", async () => {
    const workspace = await openWorkspace({ "a.csv": toCsv(makeRows(1000)) });
    const controller = new AbortController();
    const running = workspace.ingest(
      { source: csv("a.csv"), columns: COLUMNS },
      {
        signal: controller.signal,
        onProgress: ({ stage }) => stage === "digest" && controller.abort(new Error("enough")),
      },
    );
    await expect(running).rejects.toThrow("enough");
    expect(await workspace.stored()).toEqual([]);
    const early = new AbortController();
    early.abort(new Error("at once"));
    await expect(
      workspace.ingest({ source: csv("a.csv"), columns: COLUMNS }, { signal: early.signal }),
    ).rejects.toThrow("at once");
  });

  it("reads tables of hundreds of columns", async () => {
    const names = Array.from({ length: 250 }, (_, i) => `c${i}`);
    const row = (r: number): string => names.map((_, i) => r * 1000 + i).join(",");
    const workspace = await openWorkspace({ "a.csv": `${names.join(",")}\n${row(1)}\n${row(2)}\n` });
    const columns = Object.fromEntries(names.map((name) => [name, "int" as const]));
    const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns });
    expect(manifest.profile.columns.map(({ name }) => name)).toEqual(names);
    expect(manifest.profile.columns[249]).toMatchObject({ min: 1249, max: 2249 });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, "c123")).toEqual([1123, 2123]);
  });

  it("says how far it is, and ends with what the listener throws", async () => {
    const workspace = await openWorkspace({ "1.csv": toCsv(makeRows(2000)), "2.csv": toCsv(makeRows(1000)) });
    const spec = { source: csv("*.csv"), columns: COLUMNS };
    const shares: number[] = [];
    const stages = new Set<string>();
    await workspace.ingest(spec, {
      onProgress: ({ stage, share }) => {
        shares.push(share);
        stages.add(stage);
      },
    });
    expect([...stages]).toEqual(["read", "digest", "write"]);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
    for (const stop of ["read", "digest", "write"]) {
      const onProgress = ({ stage }: { stage: string }): void => {
        if (stage === stop) throw new Error(`stopped at ${stop}`);
      };

      await expect(workspace.ingest(spec, { onProgress })).rejects.toThrow(`stopped at ${stop}`);
    }
  });

  it("reads paths and names that mean something to the table engine", async () => {
    const workspace = await openWorkspace({
      "o'dd 1 x.csv": "not,this\n",
      "o'dd [1] *.csv": 'a\'b,"c""d",select\n1,x,2\n',
    });
    const { manifest } = await workspace.ingest({
      source: csv("o'dd [1] *.csv"),
      columns: { "a'b": "int", 'c"d': "category", select: "int" },
    });
    const table = await readSnapshot(manifest, { blobs: workspace.blobs });
    expect(columnOf(table, 'c"d')).toEqual(["x"]);
    expect(columnOf(table, "select")).toEqual([2]);
  });

  it("gives the census the same rows from CSV and from Parquet", async () => {
    const found = sharedData("adult-census/AdultCensusIncomeOriginal.csv");
    if (found === undefined) return;
    const workspace = await openWorkspace();
    const source = csv(found, { trim: true, nullValues: ["?"] });
    const columns = { age: "int", workclass: "category", fnlwgt: "int", income: "category" } as const;
    const taken = await ingest({
      name: "adult",
      spec: { source, columns },
      root: workspace.root,
      blobs: workspace.blobs,
    });
    expect(taken.manifest.rowCount).toBe(32_561);
    expect(taken.manifest.profile.columns[1]).toMatchObject({ missing: 1836, distinct: 8, other: 0 });
    expect(taken.digest).toBe(snapshotDigest(taken.manifest));
  });
});
