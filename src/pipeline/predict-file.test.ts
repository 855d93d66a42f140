import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { ingest, readSnapshot } from "../datasets/index.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import type { ColumnType, Digest } from "../kernel/index.ts";
import { createRandom } from "../kernel/index.ts";
import { type LoadedModel, loadModel } from "../serving/loaded-model.ts";
import { images } from "../serving/testing/graph-bundle.ts";
import { writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { importModel, reproduceImport } from "./import-model.ts";
import { type PredictFileRequest, predictFile } from "./predict-file.ts";
import type { RunEvent } from "./run-event.ts";

const COLUMNS: Readonly<Record<string, ColumnType>> = {
  date: "timestamp",
  distance: "int",
  miles: "float",
  nonstop: "bool",
  origin: "category",
};

type FlightRecord = Record<keyof typeof COLUMNS | "note", unknown>;

let folder: string;
let blobs: BlobStore;
let bundle: Digest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-predict-"));
  blobs = openFileBlobs(join(folder, "blobs"));
  bundle = await writeSmallBundle(blobs, { base: 0.25 });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const inFolder = (name: string): string => join(folder, name);

const predict = (
  file: string,
  out: string,
  options: Partial<PredictFileRequest> & { signal?: AbortSignal; onEvent?: (event: RunEvent) => void } = {},
) =>
  predictFile(
    {
      model: "late",
      version: 3,
      bundle,
      file: inFolder(file),
      rules: {},
      column: "prediction",
      out: inFolder(out),
      draft: inFolder(`.${out}.draft`),
      ...options,
    },
    {
      blobs,
      report: (event) => options.onEvent?.(event),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );

function flights(count: number): FlightRecord[] {
  const random = createRandom("flights");
  const orNull = (value: unknown): unknown => (random.float() < 0.1 ? null : value);
  return Array.from({ length: count }, (_, row) => ({
    date: orNull(`2001-06-${10 + (row % 20)}T${10 + (row % 13)}:07:09.${100_000 + row}Z`),
    distance: orNull(random.integer(4000) - 100),
    miles: orNull(random.float() * 10 ** (random.integer(9) - 4)),
    nonstop: orNull(random.float() < 0.5),
    origin: orNull(["ATL", "DFW", "ORD", "never, seen", 'a "quoted" one'][random.integer(5)]),
    note: `row ${row}`,
  }));
}

function csvOf(records: readonly FlightRecord[]): string {
  const cell = (value: unknown): string =>
    value === null
      ? ""
      : /[",]/.test(String(value))
        ? `"${String(value).replaceAll('"', '""')}"`
        : String(value);
  const names = Object.keys(records[0]!);
  return `${names.join(",")}\n${records.map((record) => `${Object.values(record).map(cell).join(",")}\n`).join("")}`;
}

const ndjsonOf = (records: readonly FlightRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");

async function loadInline(digest: Digest): Promise<LoadedModel> {
  const model = await loadModel(blobs, digest);
  if (model.runs !== "inline") throw new Error("the model runs on a thread");
  return model;
}

/** What the server would answer for the same values. */
async function online(records: readonly FlightRecord[]): Promise<Float64Array> {
  const model = await loadInline(bundle);
  return Float64Array.from(records, (record) => model.predict(record));
}

async function readBack(name: string, columns: Readonly<Record<string, ColumnType>>) {
  const format = /\.(csv|tsv)$/.test(name) ? "csv" : name.endsWith(".ndjson") ? "ndjson" : "parquet";
  const source = { format, glob: name, ...(name.endsWith(".tsv") ? { delimiter: "\t" } : {}) } as const;
  const { manifest } = await ingest({ name: "back", spec: { source, columns }, root: folder, blobs });
  return await readSnapshot(manifest, { blobs });
}

async function predictions(name: string): Promise<Float64Array> {
  const table = await readBack(name, { prediction: "float" });
  const column = table.columns.get("prediction");
  if (column?.kind !== "number") throw new Error("no numbers");
  return column.values;
}

const bits = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");

describe("predictions for a file", () => {
  const records = flights(3000);

  it("are bit for bit those of single records, from and to every format", async () => {
    await writeFile(inFolder("in.csv"), csvOf(records));
    await writeFile(inFolder("in.ndjson"), ndjsonOf(records));
    const expected = bits(await online(records));
    await predict("in.csv", "from-csv.parquet");
    await predict("in.ndjson", "from-ndjson.csv");
    // The rows of the first answer are the input of the next ones.
    await predict("from-csv.parquet", "from-parquet.ndjson", { column: "again" });
    await predict("from-ndjson.csv", "from-csv.tsv", { column: "again" });
    for (const name of ["from-csv.parquet", "from-ndjson.csv", "from-parquet.ndjson", "from-csv.tsv"])
      expect(bits(await predictions(name)), name).toBe(expected);
    const again = await readBack("from-csv.tsv", { again: "float", again_by: "category", note: "text" });
    expect(again.columns.get("again_by")).toMatchObject({ dictionary: ["late@3"] });
    expect(again.columns.get("note")).toMatchObject({ dictionary: records.map(({ note }) => note) });
  });

  it("come with the columns of the file, or with some, or alone", async () => {
    await writeFile(inFolder("in.csv"), csvOf(records));
    const all = await predict("in.csv", "all.csv");
    expect(all).toEqual({
      rows: 3000,
      columns: ["date", "distance", "miles", "nonstop", "origin", "note", "prediction", "prediction_by"],
    });
    expect((await readFile(inFolder("all.csv"), "utf8")).split("\n", 1)).toEqual([all.columns.join(",")]);
    expect((await predict("in.csv", "some.csv", { keep: ["note", "origin"] })).columns).toEqual([
      "origin",
      "note",
      "prediction",
      "prediction_by",
    ]);
    expect((await predict("in.csv", "none.csv", { keep: [] })).columns).toEqual([
      "prediction",
      "prediction_by",
    ]);
    expect(await readBack("all.csv", COLUMNS)).toEqual(await readBack("in.csv", COLUMNS));
  });

  it("keep JSON values of other columns as they are", async () => {
    const nested = { ...records[0]!, note: { a: [1, "two", null] }, extra: "007" };
    await writeFile(inFolder("nested.ndjson"), `${JSON.stringify(nested)}\n`);
    await predict("nested.ndjson", "nested-out.ndjson");
    expect(JSON.parse(await readFile(inFolder("nested-out.ndjson"), "utf8"))).toMatchObject({
      note: { a: [1, "two", null] },
      extra: "007",
    });
  });

  it("pass through several blocks in the order of the rows", async () => {
    const many = Array.from({ length: 150_000 }, (_, row) => `${row % 3000},${row}`);
    const bundleOfOne = await writeSmallBundle(blobs, { base: 0, oneColumn: true });
    await writeFile(inFolder("many.csv"), `distance,row\n${many.join("\n")}\n`);
    const done: number[] = [];
    await predict("many.csv", "many.tsv", {
      bundle: bundleOfOne,
      onEvent: (event) => {
        if (event.kind === "progress" && event.step === "predict") done.push(event.done);
      },
    });
    const table = await readBack("many.tsv", { row: "int", distance: "int", prediction: "float" });
    const [row, distance, prediction] = [...table.columns.values()].map((column) =>
      column.kind === "number" ? column.values : new Float64Array(),
    );
    const model = await loadInline(bundleOfOne);
    const wrong = Array.from(row!).filter(
      (value, at) => value !== at || prediction![at] !== model.predict({ distance: distance![at] }),
    );
    expect(wrong).toEqual([]);
    expect(done.length).toBeGreaterThan(2);
    expect(done.at(-1)).toBe(150_000);
  });
});

const multiclass = sharedData("models-leaves/lgmulticlass.model");

describe.skipIf(multiclass === undefined)("predictions of a model with several outputs", () => {
  it("have a column each, bit for bit those of single records", async () => {
    const source = await blobs.putFile(multiclass ?? "");
    const { bundle: imported } = await importModel({ source, blobs });
    const model = await loadInline(imported);
    expect(model.width).toBeGreaterThan(1);
    const random = createRandom("classes");
    const names = model.signature.inputs.map(({ name }) => name);
    const rows = Array.from({ length: 5000 }, () =>
      Object.fromEntries(names.map((name) => [name, random.float() < 0.1 ? null : random.float() * 4 - 2])),
    );
    await writeFile(inFolder("classes.ndjson"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const { columns } = await predict("classes.ndjson", "classes.parquet", { bundle: imported, keep: [] });
    expect(columns).toHaveLength(model.width + 1);
    const outputs = columns.slice(0, -1);
    const table = await readBack(
      "classes.parquet",
      Object.fromEntries(outputs.map((name) => [name, "float"])),
    );
    const values = outputs.map((name) => {
      const column = table.columns.get(name);
      return column?.kind === "number" ? column.values : new Float64Array();
    });
    const wrong = rows.filter((row, at) =>
      model.predictAll(row).some((value, output) => !Object.is(value, values[output]![at])),
    );
    expect(wrong).toEqual([]);
  });
});

describe("a file that cannot be predicted", () => {
  const good = csvOf(flights(100));

  const refusal = async (
    content: string,
    options: Parameters<typeof predict>[2] & { name?: string; out?: string } = {},
  ) => {
    const { name = "bad.csv", out = "refused.csv", ...rest } = options;
    await writeFile(inFolder(name), content);
    await writeFile(inFolder("refused.csv"), "what stood there before");
    const before = await readdir(folder, { recursive: true });
    const thrown = await predict(name, out, rest).then(
      () => "it was predicted",
      (error: unknown) => error,
    );
    expect(await readFile(inFolder("refused.csv"), "utf8")).toBe("what stood there before");
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before.sort());
    return thrown;
  };

  it("is refused naming file and column, and what stood at --out stays", async () => {
    expect(await refusal(good.replace("miles", "mils"))).toMatchObject({
      code: "DATASETS_MISSING_COLUMN",
      message: expect.stringMatching(/bad\.csv has no column "miles" \(did you mean "mils"\?\)/),
    });
    const lines = good.split("\n");
    lines[50] = lines[50]!.replace(/^([^,]*),[^,]*,/, "$1,far,");
    expect(await refusal(lines.join("\n"))).toMatchObject({
      code: "DATASETS_BAD_CELL",
      message: expect.stringMatching(/bad\.csv, line 51, column distance: "far"/),
    });
    const records = ndjsonOf(flights(20)).split("\n");
    records[7] = records[7]!.replace(/"nonstop":(true|false|null)/, '"nonstop":"maybe"');
    expect(await refusal(records.join("\n"), { name: "bad.ndjson" })).toMatchObject({
      code: "DATASETS_BAD_CELL",
      message: expect.stringMatching(/bad\.ndjson, line 8, column nonstop/),
    });
    expect(await refusal("no parquet", { name: "bad.parquet" })).toMatchObject({
      code: "DATASETS_UNREADABLE_FILE",
    });
    expect(await refusal(good, { keep: ["nothing"] })).toMatchObject({ code: "DATASETS_MISSING_COLUMN" });
    expect(await refusal(good, { column: "note" })).toMatchObject({ code: "DATASETS_DUPLICATE_COLUMN" });
  });

  it("is refused when it cannot be written where it is wanted", async () => {
    expect(await refusal(good, { out: "none/out.csv" })).toMatchObject({ code: "DATASETS_CANNOT_WRITE" });
    expect(await refusal(good, { out: "out.txt" })).toMatchObject({ code: "DATASETS_UNKNOWN_FORMAT" });
    expect(await refusal(good, { out: "bad.csv" })).toMatchObject({ code: "DATASETS_CANNOT_WRITE" });
  });

  it("leaves nothing behind when it is stopped", async () => {
    const stop = new AbortController();
    const thrown = await refusal(good, {
      signal: stop.signal,
      onEvent: () => stop.abort(new Error("that is enough")),
    });
    expect(thrown).toMatchObject({ message: "that is enough" });
  });
});

describe("predictions of an ONNX graph", () => {
  const pricing = writeGraph({
    inputs: [
      { name: "size", type: "float", shape: ["n", 2] },
      { name: "kind", type: "string", shape: ["n", 1] },
      { name: "rooms", type: "int64", shape: ["n", 1] },
    ],
    outputs: [{ name: "price", type: "float", shape: ["n", 1] }],
    nodes: [
      { op: "MatMul", inputs: ["size", "w"], outputs: ["area"] },
      {
        op: "LabelEncoder",
        domain: "ai.onnx.ml",
        inputs: ["kind"],
        outputs: ["code"],
        attributes: { keys_strings: ["flat", "house"], values_int64s: [10, 20] },
      },
      { op: "Add", inputs: ["code", "rooms"], outputs: ["sum"] },
      { op: "Cast", inputs: ["sum"], outputs: ["extra"], attributes: { to: 1 } },
      { op: "Add", inputs: ["area", "extra"], outputs: ["price"] },
    ],
    constants: [{ name: "w", shape: [2, 1], values: Float32Array.of(1, 100) }],
  });

  it("read texts and lists from columns", async () => {
    const source = await blobs.put(pricing);
    const imported = await importModel({ source, blobs });
    expect(imported).toMatchObject({ inputs: 3, trees: 0, origin: { format: "onnx" } });
    const rows = "size_0,size_1,kind,rooms\n1,2,flat,3\n4,0.5,house,1\n0,0,flat,0\n";
    await writeFile(inFolder("homes.csv"), rows);
    const { columns } = await predict("homes.csv", "prices.csv", { bundle: imported.bundle });
    expect(columns).toEqual(["size_0", "size_1", "kind", "rooms", "prediction", "prediction_by"]);
    const table = await readBack("prices.csv", { prediction: "float" });
    const prediction = table.columns.get("prediction");
    expect(prediction?.kind === "number" ? [...prediction.values] : []).toEqual([214, 75, 10]);

    await writeFile(inFolder("holes.csv"), "size_0,size_1,kind,rooms\n1,2,flat,3\n4,0.5,,1\n");
    await expect(predict("holes.csv", "holes-out.csv", { bundle: imported.bundle })).rejects.toMatchObject({
      code: "INFERENCE_BAD_TENSOR",
      message: 'row 2: input "kind" must be a string; got null',
    });
    expect(existsSync(inFolder("holes-out.csv"))).toBe(false);
  });

  it("are refused where its tensors are no columns", async () => {
    const { bundle: imported } = await importModel({ source: await blobs.put(images), blobs });
    await expect(predict("homes.csv", "none.csv", { bundle: imported })).rejects.toMatchObject({
      code: "INFERENCE_NOT_TABULAR",
      message: expect.stringContaining('its input "image" has the shape [2, 3]'),
    });
  });

  it("is imported the same again", async () => {
    const source = await blobs.put(pricing);
    const { manifest, origin } = await importModel({ source, blobs });
    const recipe = {
      format: "slipway.import/1",
      source,
      bytes: pricing.length,
      file: "p.onnx",
      origin,
    } as const;
    expect(await reproduceImport({ recipe, expected: manifest, blobs })).toMatchObject({
      verdict: "identical",
    });
  });
});
