import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { manifestOf, writeBundle } from "../bundle/index.ts";
import { libsvm, numbersIn } from "../inference/origins/testing/number-rows.ts";
import { createRandom, digestOf, type Table, type TableColumn } from "../kernel/index.ts";
import { byRandom, csv, dataset, type ModelSpec, model, pretrained } from "../project/index.ts";
import { loadModel } from "../serving/loaded-model.ts";
import { openFileBlobs } from "../storage/index.ts";
import { sealTrainer } from "../training/index.ts";
import { type Build, buildBundle } from "./build.ts";
import { type Recipe, recipeOf } from "./recipe.ts";
import { trainerPorts } from "./trainer-ports.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-pretrained-"));
const blobs = openFileBlobs(join(folder, "blobs"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Cell = number | string | null;
type RawRecord = Readonly<Record<string, Cell>>;

/** Columns of numbers and of texts, as a snapshot has them. */
function tableOf(records: readonly RawRecord[]): Table {
  const columns = Object.keys(records[0] ?? {}).map((name): [string, TableColumn] => {
    const cells = records.map((record) => record[name] ?? null);
    if (!cells.some((cell) => typeof cell === "string"))
      return [
        name,
        { kind: "number", values: Float64Array.from(cells, (cell) => Number(cell ?? Number.NaN)) },
      ];
    const dictionary = [...new Set(cells.filter((cell) => typeof cell === "string"))];
    const codes = Int32Array.from(cells, (cell) => (cell === null ? -1 : dictionary.indexOf(String(cell))));
    return [name, { kind: "string", codes, dictionary }];
  });
  return { rowCount: records.length, columns: new Map(columns) };
}

async function recipeFor(spec: ModelSpec): Promise<Recipe> {
  const trainer = await sealTrainer(spec.trainer, { projectRoot: sharedData(".") ?? "", blobs });
  return recipeOf(spec, digestOf("snapshot"), { trainer });
}

async function build(spec: ModelSpec, rows: readonly RawRecord[]): Promise<Build> {
  const recipe = await recipeFor(spec);
  const ports = await trainerPorts(recipe.trainer, { blobs, report: () => undefined });
  const built = await buildBundle(recipe, tableOf(rows), { threads: 1, ...ports });
  await built.engine.close();
  return built;
}

/** What a server answers for raw records. */
async function answers(built: Build, records: readonly RawRecord[]): Promise<number[][]> {
  const { digest } = await writeBundle(blobs, built.parts);
  const loaded = await loadModel(blobs, digest);
  if (loaded.runs !== "inline") throw new Error("the model runs on a thread");
  return records.map((record) => [...loaded.predictAll(record)]);
}

const split = byRandom({ evaluateShare: 0.2, seed: 1 });
const has = (path: string): boolean => sharedData(path) !== undefined;

const homes = dataset({
  source: csv("homes.csv"),
  columns: {
    x0: "float",
    x1: "float",
    x2: "float",
    kind: "category",
    y: { type: "float", known: "after" },
  },
});
const random = createRandom("homes");
/** The kinds of the training rows are few, and in another order than the file has them. */
const HOMES: RawRecord[] = Array.from({ length: 100 }, (_, row) => ({
  x0: random.float() * 10,
  x1: random.float() * 10,
  x2: random.float() * 10,
  kind: ["cat7", "cat1", "cat3"][row % 3]!,
  y: random.float(),
}));
const SMALL: RawRecord[] = [
  { x0: 3.7, x1: 1.2, x2: 7.2, kind: "cat9" },
  { x0: 7.5, x1: 0.5, x2: 7.9, kind: "cat0" },
  { x0: 0.1, x1: 9.7, x2: 2.2, kind: "cat4" },
  { x0: null, x1: 3, x2: 4.5, kind: "cat2" },
];

const LIGHTGBM = "models-ankane/lightgbm/categorical.txt";
/** By LightGBM 4.7.0, for codes 9, 0, 4 and 2 of its category. */
const LIGHTGBM_ANSWERS = [0.996415541144579, 1.0809369939979934, 0.8874065298577134, 0.9407705199635078];

describe.skipIf(!has(LIGHTGBM))("a LightGBM file with features of a project", () => {
  const spec = model({
    from: homes,
    target: (row) => row.y,
    features: (c) => ({ x3: c.kind, x2: c.x2, x0: c.x0, x1: c.x1 }),
    split,
    trainer: pretrained({ file: LIGHTGBM }),
  });

  it("answers raw records as LightGBM answers the encoded ones, by the labels in the file", async () => {
    const built = await build(spec, HOMES);
    const found = (await answers(built, SMALL)).map(([value]) => value!);
    for (const [at, value] of LIGHTGBM_ANSWERS.entries())
      expect(Math.abs(found[at]! / value - 1)).toBeLessThan(1e-12);
    // A text that the file does not know is missing, as in LightGBM.
    const [unknown, missing] = await answers(built, [
      { ...SMALL[0], kind: "cat77" },
      { ...SMALL[0], kind: null },
    ]);
    expect(unknown).toEqual(missing);
    expect(built.trained).toMatchObject({
      engine: "forest",
      summary: expect.stringMatching(/^5 trees from .*categorical\.txt \(LightGBM/),
    });
    expect(built.trained.importance.map(({ feature }) => feature).sort()).toEqual(["x0", "x1", "x2", "x3"]);
  });

  it("gives the same bundle again, whatever the file is called", async () => {
    const first = manifestOf((await build(spec, HOMES)).parts);
    const recipe = await recipeFor(spec);
    const renamed = { ...recipe, trainer: { ...recipe.trainer, file: "other.txt" } } as Recipe;
    const ports = await trainerPorts(renamed.trainer, { blobs, report: () => undefined });
    const again = await buildBundle(renamed, tableOf(HOMES), { threads: 2, ...ports });
    expect(manifestOf(again.parts)).toEqual(first);
    expect(recipe.trainer).toMatchObject({
      kind: "pretrained",
      format: "lightgbm",
      digest: digestOf(readFileSync(sharedData(LIGHTGBM) ?? "")),
      producer: expect.stringMatching(/^LightGBM/),
      objective: "regression",
    });
  });

  it("is refused where features and file differ, naming the first difference", async () => {
    const refusal = async (features: Record<string, ModelSpec["features"][string]>, target = spec.target) =>
      await build({ ...spec, features, target }, HOMES).then(
        () => "it was built",
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      );
    const { x0, x1, x2, x3 } = spec.features as Required<typeof spec.features>;
    expect(await refusal({ x0: x0!, x1: x1!, size: x2!, x3: x3! })).toBe(
      'TRAINING_MODEL_MISMATCH: the model does not fit: its input "x2" is none of the features x0, x1, size, x3',
    );
    expect(await refusal({ x0: x0!, x1: x1!, x3: x3! })).toBe(
      'TRAINING_MODEL_MISMATCH: the model does not fit: its input "x2" is none of the features x0, x1, x3',
    );
    expect(await refusal({ x0: x0!, x1: x1!, x2: x2!, x3: x3!, more: x0! })).toBe(
      'TRAINING_MODEL_MISMATCH: the model does not fit: it reads 4 inputs, the plan makes 5 features: none of them is "more"',
    );
    expect(await refusal({ x0: x0!, x1: x1!, x2: x2!, x3: x1! })).toBe(
      `TRAINING_MODEL_MISMATCH: the model in ${LIGHTGBM} does not fit: feature "x3" is a number, and the file takes the labels cat0, cat1, cat2, cat3, cat4, cat5, cat6, cat7, …`,
    );
    expect(await refusal({ x0: x3!, x1: x1!, x2: x2!, x3: x3! })).toBe(
      `TRAINING_MODEL_MISMATCH: the model in ${LIGHTGBM} does not fit: feature "x0" is a category, and the file does not say which code each of its texts has`,
    );
    const encoded = model({
      from: homes,
      target: (row) => row.y,
      features: (c) => ({ x3: c.kind.ordinal({ order: ["cat0", "cat2", "cat1"] }) }),
    }).features;
    expect(await refusal({ x0: x0!, x1: x1!, x2: x2!, x3: encoded.x3! })).toBe(
      `TRAINING_MODEL_MISMATCH: the model in ${LIGHTGBM} does not fit: feature "x3" gives code 1 to "cat2", the file to "cat1"`,
    );
    const { target } = model({
      from: homes,
      target: (row) => row.y.above(0.5),
      features: (c) => ({ x0: c.x0 }),
    });
    expect(await refusal(spec.features, target)).toBe(
      "TRAINING_MODEL_MISMATCH: the model does not fit: it is a regression model with 1 output (regression), a binary model with 1 is wanted",
    );
  });

  it("is refused before any data are read when it is not there, or no model", async () => {
    const seal = (file: string) =>
      sealTrainer(pretrained({ file }), { projectRoot: sharedData(".") ?? "", blobs });
    await expect(seal("nowhere.txt")).rejects.toMatchObject({ code: "TRAINING_NO_MODEL_FILE" });
    await expect(seal("models-ankane")).rejects.toMatchObject({ code: "TRAINING_NO_MODEL_FILE" });
    await expect(seal("models-ankane/lightgbm/data.csv")).rejects.toMatchObject({
      code: "INFERENCE_UNKNOWN_FORMAT",
    });
  });
});

const XGBOOST = "models-ankane/xgboost/model.json";

describe.skipIf(!has(XGBOOST))("an XGBoost file with features of a project", () => {
  it("answers raw records as XGBoost answers the encoded ones", async () => {
    const order = Array.from({ length: 10 }, (_, code) => `cat${code}`);
    const spec = model({
      from: homes,
      target: (row) => row.y,
      features: (c) => ({
        x0: c.x0.fillMissing(1e6).clip({ high: 1e6 }),
        x1: c.x1.multiply(2).divide(2),
        x2: c.x2,
        x3: c.kind.ordinal({ order }),
      }),
      split,
      trainer: pretrained({ file: XGBOOST, format: "xgboost-json" }),
    });
    // By XGBoost 3.2.0.
    const expected = [1.0065330266952515, 1.012018084526062, 0.9897798895835876];
    const found = await answers(await build(spec, HOMES), SMALL.slice(0, 3));
    for (const [at, value] of expected.entries()) expect(Math.abs(found[at]![0]! - value)).toBeLessThan(4e-7);
  });
});

const TOY = "models-treelite/toy_categorical";

describe.skipIf(!has(TOY))("a file whose inputs are only numbered", () => {
  it("has the features in their order, and codes that the project gives", async () => {
    const rows = libsvm(readFileSync(sharedData(`${TOY}/toy_categorical.test`) ?? "", "utf8"), {
      width: 2,
      absent: Number.NaN,
    });
    const expected = numbersIn(readFileSync(sharedData(`${TOY}/toy_categorical.test.pred`) ?? "", "utf8"));
    const letters = ["amber", "blue", "cyan", "dark", "ecru"];
    const toys = dataset({
      source: csv("toys.csv"),
      columns: { front: "category", back: "category", price: { type: "float", known: "after" } },
    });
    const spec = model({
      from: toys,
      target: (row) => row.price,
      features: (c) => ({
        front: c.front.ordinal({ order: letters }),
        back: c.back.ordinal({ order: letters }),
      }),
      split,
      trainer: pretrained({ file: `${TOY}/toy_categorical_model.txt` }),
    });
    const records = rows.map(([front, back]) => ({ front: letters[front!]!, back: letters[back!]! }));
    const built = await build(
      spec,
      records.map((record, row) => ({ ...record, price: row % 7 })),
    );
    const found = await answers(built, records);
    expect(found).toHaveLength(expected.length);
    for (const [at, [value]] of expected.entries())
      expect(Math.abs(found[at]![0]! - value!) / Math.max(1, Math.abs(value!))).toBeLessThan(1e-12);
    const swapped = { ...spec, features: { back: spec.features.back!, front: spec.features.front! } };
    expect(
      await answers(
        await build(
          swapped,
          records.map((record, row) => ({ ...record, price: row % 7 })),
        ),
        records,
      ),
    ).not.toEqual(found);
  });
});

const FOREST = "models-ankane/onnx/randomforest.onnx";

describe.skipIf(!has(FOREST))("an ONNX file with features of a project", () => {
  it("answers the classes of the target in the order of its own", async () => {
    const flowers = dataset({
      source: csv("flowers.csv"),
      columns: {
        sepals: "category",
        sepalWidthMm: "float",
        petalLength: "float",
        petalWidth: "float",
        species: { type: "category", known: "after" },
      },
    });
    const lengths = ["5.8", "6", "5.5"];
    const spec = model({
      from: flowers,
      target: (row) => row.species,
      features: (c) => ({
        sepalLength: c.sepals.ordinal({ order: lengths }).multiply(0).add(5.8),
        sepalWidth: c.sepalWidthMm.divide(10),
        petalLength: c.petalLength,
        petalWidth: c.petalWidth,
      }),
      split,
      trainer: pretrained({ file: FOREST }),
    });
    const species = ["setosa", "versicolor", "virginica"];
    const rows = Array.from({ length: 60 }, (_, row) => ({
      sepals: lengths[row % 3]!,
      sepalWidthMm: 20 + (row % 20),
      petalLength: (row % 50) / 10,
      petalWidth: (row % 25) / 10,
      species: species[row % 3]!,
    }));
    const built = await build(spec, rows);
    expect(built.parts.signature.output).toMatchObject({ task: "multiclass", classes: species });
    // By onnxruntime 1.31.1 for [5.8, 2.8, 5.1, 2.4].
    const [found] = await answers(built, [
      { sepals: "5.8", sepalWidthMm: 28, petalLength: 5.1, petalWidth: 2.4 },
    ]);
    expect(found!.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 0, 1]);
  });
});
