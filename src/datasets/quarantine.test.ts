import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { exportSnapshot } from "./export-snapshot.ts";
import type { Ingested, IngestRequest } from "./ingest.ts";
import { type Reject, readRejects } from "./rejects.ts";
import { placeOfRow } from "./row-place.ts";
import { csv, ndjson, parquet, type SourceSpec } from "./spec.ts";
import { failure, openWorkspace, type Workspace } from "./testing/workspace.ts";

type Columns = IngestRequest["spec"]["columns"];

const AB = { a: "int", b: "category" } as const;
const QUARANTINE = { onBadRow: "quarantine", maxBadRowShare: 1 } as const;

async function rejectsOf({ blobs }: Workspace, { manifest }: Ingested): Promise<Reject[]> {
  return await readRejects(manifest.rejects, { blobs, limit: 1000 });
}

/** Ingests files with bad rows, makes sure that the good rows are those of the files without them, and gives the rejects. */
async function sifted(
  files: { readonly bad: string | Uint8Array; readonly good: string },
  source: (glob: string) => SourceSpec,
  columns: Columns = AB,
): Promise<Reject[]> {
  const workspace = await openWorkspace({ "bad.txt": files.bad, "good.txt": files.good });
  const taken = await workspace.ingest({ source: source("bad.txt"), columns, ...QUARANTINE });
  const clean = await workspace.ingest({ source: source("good.txt"), columns });
  expect(taken.digest).toBe(clean.digest);
  expect(clean.manifest).not.toHaveProperty("rejects");
  const rejects = await rejectsOf(workspace, taken);
  expect(taken.manifest.rejects?.rows).toBe(rejects.length);
  return rejects;
}

it("leaves out the one corrupt row of a real file", async () => {
  const file = sharedData("movielens-latest-small/ratings_as_found_with_one_corrupt_cell.csv");
  if (file === undefined) return;
  const workspace = await openWorkspace();
  const lines = (await readFile(file, "utf8")).split("\n");
  await workspace.write("without.csv", [...lines.slice(0, 521), ...lines.slice(522)].join("\n"));
  const columns = { userId: "int", movieId: "int", rating: "float", timestamp: "timestamp" } as const;
  const format = { timestampFormat: "epoch-seconds" };
  const taken = await workspace.ingest({ source: csv(file, format), columns, onBadRow: "quarantine" });
  const without = await workspace.ingest({ source: csv("without.csv", format), columns });
  expect(taken.digest).toBe(without.digest);
  expect(taken.manifest.rowCount).toBe(100_835);
  expect(taken.manifest.rejects).toMatchObject({
    rows: 1,
    faults: [{ code: "DATASETS_BAD_CELL", column: "timestamp", rows: 1 }],
  });
  expect(await rejectsOf(workspace, taken)).toEqual([
    {
      file,
      line: 522,
      code: "DATASETS_BAD_CELL",
      column: "timestamp",
      value: "84743496 https://files.grouplens.org/datasets/movielens/ml-latest-small1",
      reason: "is not a time (epoch-seconds)",
      raw: lines[521]!.trim(),
    },
  ]);
});

it("rejects CSV rows of every kind that stops an ingest, and nothing else", async () => {
  const latin = Buffer.from([0xe9]);
  const bad = Buffer.concat([
    Buffer.from('\n\na,b\r\n1,"x, ""y"""\r\noops,x\r\n2\r\n3,x,y\r\n4,caf'),
    latin,
    Buffer.from('\r\n5,"two\r\nlines"\r\n6,"x"y\r\nseven,"two\r\nlines"\r\n\r\n8,last'),
  ]);
  const good = 'a,b\n1,"x, ""y"""\n5,"two\r\nlines"\n8,last\n';
  const rejects = await sifted({ bad, good }, csv);
  expect(rejects.map(({ line, code, column, raw }) => [line, code, column, raw])).toEqual([
    [5, "DATASETS_BAD_CELL", "a", "oops,x"],
    [6, "DATASETS_RAGGED_ROW", undefined, "2"],
    [7, "DATASETS_RAGGED_ROW", undefined, "3,x,y"],
    [8, "DATASETS_BAD_ENCODING", undefined, "4,caf\ufffd"],
    [11, "DATASETS_BAD_QUOTES", undefined, '6,"x"y'],
    [12, "DATASETS_BAD_CELL", "a", 'seven,"two\r\nlines"'],
  ]);
  expect(rejects[1]?.reason).toBe("1 field where the header has 2");
  expect(Buffer.from(rejects[3]?.base64 ?? "", "base64")).toEqual(
    Buffer.concat([Buffer.from("4,caf"), latin, Buffer.from("\r\n")]),
  );
});

it("loses no more rows to a stray quote than those it stands in", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `${i},x${i}\n`);
  const bad = ["a,b\n", ...rows.slice(0, 50), '50,"open\n', ...rows.slice(51)].join("");
  const good = ["a,b\n", ...rows.slice(0, 50), ...rows.slice(51)].join("");
  expect(await sifted({ bad, good }, csv)).toMatchObject([
    { line: 52, code: "DATASETS_BAD_QUOTES", reason: "a quote is opened and never closed", raw: '50,"open' },
  ]);
});

it("takes no piece of a broken row for a row", async () => {
  const bad = 'b,c\nx,1\n"one\ntwo "three" four\nfive", 6\ny,2\nz",3\n';
  const good = 'b,c\nx,1\ny,2\nz"""",3\n'.replace('z""""', 'z"');
  const rejects = await sifted({ bad, good }, csv, { b: "text", c: "text" });
  expect(rejects.map(({ line, code }) => [line, code])).toEqual([
    [3, "DATASETS_BAD_QUOTES"],
    [4, "DATASETS_BAD_QUOTES"],
    [5, "DATASETS_BAD_QUOTES"],
  ]);
});

it("rejects NDJSON lines of every kind", async () => {
  const bad = Buffer.concat([
    Buffer.from('\ufeff{"a":\n{"a":1,"b":"x"}\r\n[1]\n\n{"a":"1","b":"x"}\n{"a":2,"a":3,"b":"x"}\n{"b":"caf'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n{"a":4,"b":null}'),
  ]);
  const rejects = await sifted({ bad, good: '{"a":1,"b":"x"}\n{"a":4,"b":null}\n' }, ndjson);
  expect(rejects.map(({ line, code, column }) => [line, code, column])).toEqual([
    [1, "DATASETS_BAD_LINE", undefined],
    [3, "DATASETS_BAD_LINE", undefined],
    [5, "DATASETS_BAD_CELL", "a"],
    [6, "DATASETS_BAD_LINE", undefined],
    [7, "DATASETS_BAD_ENCODING", undefined],
  ]);
  expect(rejects[3]).toMatchObject({ reason: 'the key "a" occurs twice', raw: '{"a":2,"a":3,"b":"x"}' });
});

it("rejects Parquet rows by their number", async () => {
  const workspace = await openWorkspace();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const select =
    "SELECT CASE WHEN range % 5000 = 7 THEN 0.5::DOUBLE ELSE range END AS a, CASE WHEN range = 3 THEN 'soon' WHEN range = 4 THEN NULL ELSE '2024-01-01' END AS t FROM range(10000)";
  for (const [name, where] of [
    ["bad", "true"],
    ["good", "a <> 0.5 AND t IS DISTINCT FROM 'soon'"],
  ]) {
    await connection.run(
      `COPY (SELECT * FROM (${select}) WHERE ${where}) TO '${join(workspace.root, `${name}.parquet`)}' (FORMAT parquet)`,
    );
  }
  connection.disconnectSync();
  instance.closeSync();
  const columns = { a: "int", t: "timestamp" } as const;
  const taken = await workspace.ingest({ source: parquet("bad.parquet"), columns, ...QUARANTINE });
  const clean = await workspace.ingest({ source: parquet("good.parquet"), columns });
  expect(taken.digest).toBe(clean.digest);
  expect(await rejectsOf(workspace, taken)).toEqual([
    {
      file: "bad.parquet",
      row: 4,
      code: "DATASETS_BAD_CELL",
      column: "t",
      value: "soon",
      reason: "is not a value of type timestamp",
      raw: '{"a":3.0,"t":"soon"}',
    },
    expect.objectContaining({ row: 8, column: "a", value: "0.5" }),
    expect.objectContaining({ row: 5008, column: "a", value: "0.5" }),
  ]);
});

it("fails when too many rows are bad, saying how many and which first, and leaves nothing", async () => {
  const rows = Array.from({ length: 99 }, (_, i) => `${i},x\n`).join("");
  const workspace = await openWorkspace({ "1.csv": `a,b\n${rows}`, "2.csv": "a,b\noops,x\n" });
  const spec = { source: csv("*.csv"), columns: AB, onBadRow: "quarantine" } as const;
  const error = await failure(workspace.ingest({ ...spec, maxBadRowShare: 0.005 }));
  expect(error).toMatchObject({
    code: "DATASETS_TOO_MANY_BAD_ROWS",
    details: { rejected: 1, rows: 100, limit: 0.005, file: "2.csv", line: 2, column: "a" },
  });
  expect(error.message).toBe(
    '1 of 100 rows are bad, more than the 0.5 % that may be: 2.csv, line 2, column a: "oops" is not a number (column type int)',
  );
  expect(await workspace.stored()).toEqual([]);
  // One of a hundred is just what is allowed when nothing is said.
  expect((await workspace.ingest(spec)).manifest.rejects?.rows).toBe(1);
  for (const [name, text] of [
    ["all.csv", "a,b\noops,x\n"],
    ["all.ndjson", '{"a":"oops","b":"x"}\n'],
  ] as const) {
    await workspace.write(name, text);
    const source = name.endsWith("csv") ? csv(name) : ndjson(name);
    expect(await failure(workspace.ingest({ ...spec, source }))).toMatchObject({
      code: "DATASETS_TOO_MANY_BAD_ROWS",
      details: { rejected: 1, rows: 1 },
    });
  }
});

it("still refuses files that cannot be read at all", async () => {
  const workspace = await openWorkspace({ "a.csv": "a\n1\n", "b.csv": "" });
  const spec = { columns: AB, ...QUARANTINE };
  expect(await failure(workspace.ingest({ ...spec, source: csv("a.csv") }))).toMatchObject({
    code: "DATASETS_MISSING_COLUMN",
  });
  expect(await failure(workspace.ingest({ ...spec, source: csv("b.csv") }))).toMatchObject({
    code: "DATASETS_EMPTY_FILE",
  });
  expect(await workspace.stored()).toEqual([]);
});

it("takes the same rows with other rejects as the same snapshot with another manifest", async () => {
  const workspace = await openWorkspace({ "a.csv": "a,b\n1,x\noops,y\n" });
  const spec = { source: csv("a.csv"), columns: AB, ...QUARANTINE };
  const first = await workspace.ingest(spec);
  const again = await workspace.ingest(spec, { previous: first.manifest });
  expect(again.reused).toBe(true);
  await workspace.write("a.csv", "a,b\n1,x\noops,z\n");
  const other = await workspace.ingest(spec, { previous: first.manifest });
  expect(other).toMatchObject({ digest: first.digest, reused: false });
  expect(other.manifest.parts).toEqual(first.manifest.parts);
  expect(await rejectsOf(workspace, other)).toMatchObject([{ raw: "oops,z" }]);
  await workspace.write("a.csv", "a,b\n1,x\n");
  const clean = await workspace.ingest(spec, { previous: other.manifest });
  expect(clean).toMatchObject({ digest: first.digest, reused: false });
  expect(clean.manifest.rejects).toBeUndefined();
});

it("still finds the line of a row of the snapshot", async () => {
  const workspace = await openWorkspace({ "a.csv": 'a,b\noops,x\n1,"y\n2,z\n3,w\n' });
  const source = csv("a.csv");
  const taken = await workspace.ingest({ source, columns: AB, ...QUARANTINE });
  const rejects = await rejectsOf(workspace, taken);
  const options = { root: workspace.root, rejects };
  expect(await placeOfRow(source, { ...options, row: 0 })).toEqual({ file: "a.csv", line: 4, row: 1 });
  expect(await placeOfRow(source, { ...options, row: 1 })).toEqual({ file: "a.csv", line: 5, row: 2 });
});

it("writes rejects to a file", async () => {
  const workspace = await openWorkspace({ "a.csv": 'a,b\n1,x\noops,"y, z"\n' });
  const { manifest } = await workspace.ingest({ source: csv("a.csv"), columns: AB, ...QUARANTINE });
  const out = join(workspace.root, "rejects.csv");
  const request = { manifest, blobs: workspace.blobs, out, draft: `${out}.draft` };
  expect(await exportSnapshot({ ...request, what: "rejects" })).toBe(1);
  expect(await readFile(out, "utf8")).toBe(
    'file,line,row,code,column,value,reason,raw,base64\na.csv,3,,DATASETS_BAD_CELL,a,oops,is not a number,"oops,""y, z""",\n',
  );
  await workspace.write("a.csv", "a,b\n1,x\n");
  const clean = await workspace.ingest({ source: csv("a.csv"), columns: AB });
  const refused = await failure(exportSnapshot({ ...request, manifest: clean.manifest, what: "rejects" }));
  expect(refused.code).toBe("DATASETS_NO_ROWS");
});
