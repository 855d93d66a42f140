import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ColumnType } from "../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { compareSnapshots } from "./compare-snapshots.ts";
import { exportSnapshot } from "./export-snapshot.ts";
import { ingest } from "./ingest.ts";
import { type SnapshotManifest, snapshotDigest } from "./snapshot.ts";

let folder: string;
let blobs: BlobStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-compare-"));
  blobs = openFileBlobs(join(folder, "blobs"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function snapshot(
  csv: string,
  columns: Readonly<Record<string, ColumnType>>,
  previous?: SnapshotManifest,
): Promise<SnapshotManifest> {
  await writeFile(join(folder, "in.csv"), csv);
  const { manifest } = await ingest({
    name: "test",
    spec: { source: { format: "csv", glob: "in.csv" }, columns },
    root: folder,
    blobs,
    ...(previous === undefined ? {} : { previous }),
  });
  return manifest;
}

const PEOPLE = { id: "int", town: "category", age: "float", seen: "timestamp" } as const;
const people = (rows: readonly string[]) => `id,town,age,seen\n${rows.join("\n")}\n`;
const BEFORE = ["1,Rome,20,2026-01-01", "2,Oslo,,2026-01-02", "3,Bonn,40.5,2026-01-03", "4,Rome,50,"];

describe("comparing snapshots by key", () => {
  it("counts rows added, removed, changed and the same, and names what changed", async () => {
    const before = await snapshot(people(BEFORE), PEOPLE);
    const after = await snapshot(
      people(["4,Rome,50,", "2,Oslo,30,2026-01-02", "5,Kyiv,1,2026-01-05", "3,Bern,41.5,2026-01-03"]),
      PEOPLE,
    );
    const { rows, rowCount, schema } = await compareSnapshots({ before, after, key: ["id"], blobs });
    expect(rowCount).toEqual({ before: 4, after: 4 });
    expect(schema).toEqual({ added: [], removed: [], retyped: [] });
    expect(rows).toEqual({
      by: "key",
      key: ["id"],
      added: 1,
      removed: 1,
      changed: 2,
      same: 1,
      changedColumns: [
        { name: "town", rows: 1 },
        { name: "age", rows: 2 },
      ],
      examples: [
        { change: "added", key: ["5"], values: [] },
        { change: "removed", key: ["1"], values: [] },
        { change: "changed", key: ["2"], values: [{ column: "age", before: null, after: "30.0" }] },
        {
          change: "changed",
          key: ["3"],
          values: [
            { column: "town", before: "Bonn", after: "Bern" },
            { column: "age", before: "40.5", after: "41.5" },
          ],
        },
      ],
    });
  });

  it("takes several columns, and missing values in them as equal", async () => {
    const before = await snapshot(people(BEFORE), PEOPLE);
    const after = await snapshot(people([...BEFORE].reverse()), PEOPLE);
    const { rows } = await compareSnapshots({ before, after, key: ["town", "seen"], blobs });
    expect(rows).toMatchObject({ added: 0, removed: 0, changed: 0, same: 4 });
  });

  it("refuses a key that does not name rows, or is not there", async () => {
    const before = await snapshot(people(BEFORE), PEOPLE);
    await expect(compareSnapshots({ before, after: before, key: ["town"], blobs })).rejects.toMatchObject({
      code: "DATASETS_NO_KEY",
      message: expect.stringContaining("2 rows have town Rome"),
    });
    await expect(compareSnapshots({ before, after: before, key: ["ids"], blobs })).rejects.toMatchObject({
      code: "DATASETS_UNKNOWN_COLUMN",
      message: expect.stringContaining('did you mean "id"'),
    });
  });
});

describe("comparing snapshots without a key", () => {
  const many = (from: number, to: number) =>
    `n\n${Array.from({ length: to - from }, (_, at) => from + at).join("\n")}\n`;

  it("finds the rows that an append left as they were", async () => {
    const before = await snapshot(many(0, 140_000), { n: "int" });
    const after = await snapshot(many(0, 200_000), { n: "int" }, before);
    expect(after.parts.length).toBeGreaterThan(1);
    const { rows, columns } = await compareSnapshots({ before, after, blobs });
    expect(rows).toEqual({
      by: "block",
      sameAtStart: 131_072,
      inSameBlocks: 131_072,
      blocks: { before: 3, after: 4, same: 2 },
    });
    const measures = columns[0]?.distances.map(({ measure, value }) => [measure, value > 0.1]);
    expect(measures).toEqual([
      ["jensen-shannon", true],
      ["psi", true],
      ["kolmogorov-smirnov", true],
    ]);
    // Cut parts are read as far as they belong to the snapshot.
    const byKey = await compareSnapshots({ before, after, key: ["n"], exact: true, blobs });
    expect(byKey.rows).toMatchObject({ added: 60_000, removed: 0, changed: 0, same: 140_000 });
    const [, , exact] = byKey.columns[0]?.distances ?? [];
    expect(exact).toMatchObject({ measure: "kolmogorov-smirnov", convention: "of the rows themselves" });
    expect(exact?.value).toBeCloseTo(0.3, 9);
  });

  it("tells columns that came, went and changed their type, and shares of missing values", async () => {
    const before = await snapshot(people(BEFORE), PEOPLE);
    const { seen: _, ...rest } = PEOPLE;
    const after = await snapshot("id,town,age,new\n1,Rome,20,x\n2,,30,y\n", {
      ...rest,
      age: "int",
      new: "text",
    });
    const { schema, columns } = await compareSnapshots({ before, after, blobs });
    expect(schema).toEqual({
      added: [{ name: "new", type: "text" }],
      removed: [{ name: "seen", type: "timestamp" }],
      retyped: [{ name: "age", before: "float", after: "int" }],
    });
    expect(columns.map(({ name, missing }) => [name, missing])).toEqual([
      ["id", { before: 0, after: 0 }],
      ["town", { before: 0, after: 0.5 }],
    ]);
  });
});

describe("exporting a snapshot", () => {
  const columns = {
    when: "timestamp",
    whole: "int",
    number: "float",
    flag: "bool",
    kind: "category",
    note: "text",
  } as const;
  const csv = [
    "when,whole,number,flag,kind,note",
    "2001-02-03T04:05:06.000007Z,9007199254740993,0.1,true,a,plain",
    '1969-12-31,-1,-1.5e-300,false,"comma, quote """,two\\nlines',
    ',,,,,"a real\nnewline"',
    "2026-01-01T00:00:00.5Z,0,123456789.12345679,true, padded ,NULL",
    "",
  ].join("\n");

  it.each(["csv", "tsv", "ndjson", "parquet"])(
    "to %s and reading it again gives the same snapshot",
    async (format) => {
      const manifest = await snapshot(csv, columns);
      const out = join(folder, `out.${format}`);
      expect(await exportSnapshot({ manifest, blobs, out, draft: `${out}.draft` })).toBe(4);
      const source =
        format === "tsv"
          ? ({ format: "csv", glob: "out.tsv", delimiter: "\t" } as const)
          : ({ format: format as "csv" | "ndjson" | "parquet", glob: `out.${format}` } as const);
      const again = await ingest({ name: "again", spec: { source, columns }, root: folder, blobs });
      expect(again.digest).toBe(snapshotDigest(manifest));
      expect((await readdir(folder)).filter((name) => name.includes("draft"))).toEqual([]);
    },
  );

  it("writes a snapshot whose parts are cut", async () => {
    const numbers = (count: number) => `n\n${Array.from({ length: count }, (_, at) => at).join("\n")}\n`;
    const first = await snapshot(numbers(70_000), { n: "int" });
    const second = await snapshot(numbers(80_000), { n: "int" }, first);
    expect(second.parts.some(({ rows, storedRows }) => rows < storedRows)).toBe(true);
    const out = join(folder, "cut.parquet");
    expect(await exportSnapshot({ manifest: second, blobs, out, draft: `${out}.draft` })).toBe(80_000);
    const source = { format: "parquet", glob: "cut.parquet" } as const;
    const again = await ingest({
      name: "again",
      spec: { source, columns: { n: "int" } },
      root: folder,
      blobs,
    });
    expect(again.digest).toBe(snapshotDigest(second));
  });

  it("leaves what stood there when a part is damaged", async () => {
    const manifest = await snapshot("n\n1\n", { n: "int" });
    const out = join(folder, "kept.csv");
    await writeFile(out, "before");
    await writeFile(blobs.path(manifest.parts[0]!.blob), "damaged");
    await expect(exportSnapshot({ manifest, blobs, out, draft: `${out}.draft` })).rejects.toMatchObject({
      code: "STORAGE_BLOB_DAMAGED",
    });
    expect((await readdir(folder)).includes("kept.csv.draft")).toBe(false);
  });
});
