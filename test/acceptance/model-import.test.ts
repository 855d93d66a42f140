import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import {
  errorOf,
  predict,
  type RunningServer,
  scratchFolder,
  slipway,
  slipwayJson,
  slipwayUp,
} from "./command.ts";

type Imported = OperationOutput<"models.import">;

/** A project with data of its own and no model: what is served was trained elsewhere. */
const CONFIG = `import { csv, dataset } from "slipway";
export const visits = dataset({ source: csv("visits.csv"), columns: { age: "int" } });
`;

const lines = (path: string): string[] => readFileSync(path, "utf8").trim().split("\n");
const numbers = (line: string, separator: RegExp): number[] => line.trim().split(separator).map(Number);

/** A row as a record of the columns that LightGBM makes up where a model has no names. */
const recordOf = (row: readonly number[]): Record<string, number> =>
  Object.fromEntries(row.map((value, index) => [`Column_${index}`, value]));

const dart = sharedData("models-leaves/lg_dart_breast_cancer.model");
const cancer = sharedData("models-leaves/breast_cancer_test.tsv");
const cancerAnswers = sharedData("models-leaves/lg_dart_breast_cancer_true_predictions.txt");
const other = sharedData("models-leaves/lg_breast_cancer.txt");
const classes = sharedData("models-leaves/lgmulticlass.model");
const classRows = sharedData("models-leaves/multiclass_test.tsv");
const classAnswers = sharedData("models-leaves/lgmulticlass_true_predictions.txt");
const pickle = sharedData("models-leaves/sk_iris.model");

describe.skipIf(dart === undefined)("a model that was trained elsewhere", () => {
  const folder = scratchFolder("model-import");
  const cwd = folder.path;
  let server: RunningServer;

  beforeAll(async () => {
    writeFileSync(join(cwd, "slipway.config.ts"), CONFIG);
    writeFileSync(join(cwd, "visits.csv"), "age\n1\n");
    copyFileSync(dart ?? "", join(cwd, "cancer.txt"));
  });

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  it("is imported, served, and answers what LightGBM answers", async () => {
    const imported = await slipwayJson<Imported>(["model", "import", "cancer.txt", "--name", "cancer"], {
      cwd,
    });
    expect(imported).toMatchObject({
      model: "cancer",
      version: 1,
      champion: true,
      alreadyRegistered: false,
      task: "binary",
      outputs: 1,
      inputs: 30,
      trees: 10,
      origin: { format: "lightgbm", file: "cancer.txt", objective: "binary sigmoid:1" },
    });
    server = await slipwayUp({ cwd });
    const rows = lines(cancer ?? "").map((line) => numbers(line, /\t/));
    const expected = lines(cancerAnswers ?? "").map(Number);
    const answer = await predict(server.predictions, "cancer", { instances: rows.map(recordOf) });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const predictions = answer.body.predictions as number[];
    expect(predictions).toHaveLength(expected.length);
    for (const [at, value] of expected.entries())
      expect(Math.abs(predictions[at]! / value - 1)).toBeLessThan(1e-12);

    const id = answer.headers.get("x-slipway-prediction-id") ?? "";
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", `${id}.3`], { cwd });
    expect(replayed).toMatchObject({ predictions: 1, identical: 1 });
    expect(replayed.examples[0]?.logged).toBe(predictions[3]);
  });

  it("has a lineage, and is read again from its file", async () => {
    const shown = await slipwayJson<OperationOutput<"models.show">>(["model", "show", "cancer"], { cwd });
    expect(shown).toMatchObject({
      status: "accepted",
      reason: "imported",
      aliases: ["champion"],
      lineage: { origin: { format: "lightgbm", file: "cancer.txt", bytes: 20_492 } },
    });
    expect((await slipway(["model", "show", "cancer"], { cwd })).stdout).toContain("imported from");
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "cancer"], { cwd });
    expect(reproduced.verdict).toBe("identical");
    const { entries } = await slipwayJson<OperationOutput<"journal">>(["journal", "cancer"], {
      cwd,
    });
    expect(entries.map(({ action }) => action)).toContain("version.registered");
  });

  it("the same file again is the version it was", async () => {
    const again = await slipwayJson<Imported>(["model", "import", "cancer.txt", "--name", "cancer"], { cwd });
    expect(again).toMatchObject({ version: 1, alreadyRegistered: true });
  });

  it("a second one is deployed when asked for", async () => {
    const second = await slipwayJson<Imported>(["model", "import", other ?? "", "--name", "cancer"], { cwd });
    expect(second).toMatchObject({ version: 2, champion: false });
    const rows = lines(cancer ?? "").map((line) => numbers(line, /\t/));
    const before = await predict(server.predictions, "cancer", { instances: [recordOf(rows[0]!)] });
    await slipwayJson(["deploy", "cancer@2"], { cwd });
    const after = await predict(server.predictions, "cancer", { instances: [recordOf(rows[0]!)] });
    expect(after.headers.get("x-slipway-version")).toBe("2");
    expect(after.body.predictions).not.toEqual(before.body.predictions);
  });

  it("answers a list of probabilities where there are several classes, in both protocols", async () => {
    const imported = await slipwayJson<Imported>(["model", "import", classes ?? "", "--name", "kinds"], {
      cwd,
    });
    expect(imported).toMatchObject({
      task: "multiclass",
      outputs: 5,
      classes: ["0", "1", "2", "3", "4"],
      champion: true,
    });
    const rows = lines(classRows ?? "").slice(0, 20);
    const records = rows.map((line) => recordOf(numbers(line, /\t/).slice(1)));
    const expected = lines(classAnswers ?? "").map((line) => numbers(line, /\t/));
    await expect
      .poll(async () => (await predict(server.predictions, "kinds", { instances: [records[0]] })).status, {
        timeout: 60_000,
      })
      .toBe(200);
    const answer = await predict(server.predictions, "kinds", { instances: records });
    const predictions = answer.body.predictions as number[][];
    expect(predictions).toHaveLength(20);
    for (const [at, row] of predictions.entries()) {
      expect(row).toHaveLength(5);
      for (const [k, value] of row.entries())
        expect(Math.abs(value / expected[at]![k]! - 1)).toBeLessThan(1e-12);
    }

    const inputs = Object.keys(records[0]!).map((name) => ({
      name,
      shape: [2],
      datatype: "FP64",
      data: records.slice(0, 2).map((record) => record[name]),
    }));
    const response = await fetch(`${server.predictions}/v2/models/kinds/infer`, {
      method: "POST",
      body: JSON.stringify({ inputs }),
    });
    const { outputs } = (await response.json()) as {
      outputs: { name: string; shape: number[]; data: number[] }[];
    };
    expect(outputs[0]).toMatchObject({ name: "probabilities", shape: [2, 5] });
    expect(outputs[0]?.data.flat()).toEqual(predictions.slice(0, 2).flat());

    const id = answer.headers.get("x-slipway-prediction-id") ?? "";
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", `${id}.7`], { cwd });
    expect(replayed).toMatchObject({ identical: 1 });
    expect(replayed.examples[0]?.logged).toEqual(predictions[7]);
    const all = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
    expect(all.identical).toBe(all.predictions);
    const asked = await slipway(["predict", "kinds", "--json-record", JSON.stringify(records[0])], { cwd });
    expect(JSON.parse(asked.stdout.split("\n")[0] ?? "")).toEqual(predictions[0]);
  });

  it("is refused by name where it cannot be read, and nothing is registered", async () => {
    const refused = await slipway(["model", "import", pickle ?? "", "--name", "iris", "--json"], { cwd });
    expect(refused.code).toBe(2);
    expect(errorOf(refused)).toMatchObject({
      code: "INFERENCE_UNSUPPORTED_MODEL",
      message: expect.stringContaining("pickle"),
    });
    writeFileSync(join(cwd, "cut.txt"), readFileSync(dart ?? "").subarray(0, 9_000));
    const cut = await slipway(["model", "import", "cut.txt", "--name", "iris", "--json"], { cwd });
    expect(errorOf(cut).code).toBe("INFERENCE_BAD_MODEL_FILE");
    const missing = await slipway(["model", "import", "nowhere.txt", "--name", "iris", "--json"], { cwd });
    expect(errorOf(missing).code).toBe("CLI_NO_MODEL_FILE");
    const unnamed = await slipway(["model", "import", "cancer.txt", "--json"], { cwd });
    expect(unnamed.code).toBe(2);
    const { models } = await slipwayJson<OperationOutput<"models.list">>(["models"], { cwd });
    expect(models.map(({ name }) => name).sort()).toEqual(["cancer", "kinds"]);
  });
});

const withLabels = sharedData("models-ankane/lightgbm/categorical.txt");
const withNumbers = sharedData("models-ankane/xgboost/model.json");

/** Raw records of the data that both files were trained on: the fourth column as a text. */
const HOMES = `import { atMost, byRandom, csv, dataset, model, pretrained } from "slipway";

export const homes = dataset({
  source: csv("homes.csv"),
  columns: { x0: "float", x1: "float", x2: "float", kind: "category", y: { type: "float", known: "after" } },
});

export const price = model({
  from: homes,
  target: (row) => row.y,
  features: (c) => ({ x0: c.x0, x1: c.x1, x2: c.x2, x3: c.kind }),
  split: byRandom({ evaluateShare: 0.2 }),
  trainer: pretrained({ file: "price.txt" }),
  gates: [atMost("rmse", 10)],
});

const kinds = Array.from({ length: 10 }, (_, code) => \`cat\${code}\`);

export const encoded = model({
  from: homes,
  target: (row) => row.y,
  features: (c) => ({ x0: c.x0, x1: c.x1, x2: c.x2, x3: c.kind.ordinal({ order: kinds }) }),
  split: byRandom({ evaluateShare: 0.2 }),
});
`;

const RAW = [
  { x0: 3.7, x1: 1.2, x2: 7.2, kind: "cat9" },
  { x0: 7.5, x1: 0.5, x2: 7.9, kind: "cat0" },
  { x0: 0.1, x1: 9.7, x2: 2.2, kind: "cat4" },
];

describe.skipIf(withLabels === undefined)("a model that was trained elsewhere on features", () => {
  const folder = scratchFolder("model-import-features");
  const other = scratchFolder("model-import-other");
  const cwd = folder.path;
  let server: RunningServer;

  beforeAll(() => {
    writeFileSync(join(cwd, "slipway.config.ts"), HOMES);
    const [, ...rows] = lines(sharedData("models-ankane/lightgbm/data.csv") ?? "");
    const raw = rows.map((row) => row.replace(/,(\d),(\S+)$/, ",cat$1,$2"));
    writeFileSync(join(cwd, "homes.csv"), `x0,x1,x2,kind,y\n${raw.join("\n")}\n`);
    copyFileSync(withLabels ?? "", join(cwd, "price.txt"));
    copyFileSync(withNumbers ?? "", join(cwd, "price.json"));
  });

  afterAll(async () => {
    await server?.stop();
    folder.remove();
    other.remove();
  });

  it("takes the place of a trainer, is evaluated and answers raw records", async () => {
    const trained = await slipwayJson<OperationOutput<"train">>(["train", "price"], { cwd });
    expect(trained).toMatchObject({
      status: "accepted",
      champion: true,
      iterations: 5,
      gates: [{ metric: "rmse", outcome: "passed" }],
    });
    expect(trained.evaluation.rows.evaluate).toBeGreaterThan(50);
    server = await slipwayUp({ cwd });
    const answer = await predict(server.predictions, "price", { instances: RAW });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const expected = [0.996415541144579, 1.0809369939979934, 0.8874065298577134];
    const predictions = answer.body.predictions as number[];
    for (const [at, value] of expected.entries())
      expect(Math.abs(predictions[at]! / value - 1)).toBeLessThan(1e-12);
    const refused = await predict(server.predictions, "price", { instances: [{ ...RAW[0], x0: "far" }] });
    expect(refused.status).toBe(400);
    const id = answer.headers.get("x-slipway-prediction-id") ?? "";
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", `${id}.1`], { cwd });
    expect(replayed).toMatchObject({ predictions: 1, identical: 1 });
  });

  it("has the lineage of both, and is reproduced", async () => {
    const shown = await slipwayJson<OperationOutput<"models.show">>(["model", "show", "price"], { cwd });
    expect(shown.lineage).toMatchObject({
      dataset: "homes",
      snapshot: expect.stringMatching(/^[0-9a-f]{64}$/),
      config: expect.stringMatching(/^[0-9a-f]{64}$/),
      origin: { format: "lightgbm", file: "price.txt", objective: "regression" },
    });
    expect(shown.trainer).toMatchObject({ kind: "pretrained", digest: shown.lineage.origin?.digest });
    const text = (await slipway(["model", "show", "price"], { cwd })).stdout;
    expect(text).toMatch(/snapshot +homes@/);
    expect(text).toMatch(/imported from +price\.txt, LightGBM/);
    writeFileSync(join(cwd, "price.txt"), "gone");
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "price"], { cwd });
    expect(reproduced.verdict).toBe("identical");
    copyFileSync(withLabels ?? "", join(cwd, "price.txt"));
  });

  it("is imported over the features of a model of the project", async () => {
    const imported = await slipwayJson<Imported>(
      ["model", "import", "price.json", "--name", "boosted", "--features", "encoded"],
      { cwd },
    );
    expect(imported).toMatchObject({
      model: "boosted",
      version: 1,
      champion: true,
      task: "regression",
      inputs: 4,
      origin: { format: "xgboost-json", file: "price.json" },
      trained: { status: "accepted" },
    });
    await expect
      .poll(async () => (await predict(server.predictions, "boosted", { instances: [RAW[0]] })).status, {
        timeout: 60_000,
      })
      .toBe(200);
    const answer = await predict(server.predictions, "boosted", { instances: RAW });
    const expected = [1.0065330266952515, 1.012018084526062, 0.9897798895835876];
    for (const [at, value] of expected.entries())
      expect(Math.abs((answer.body.predictions as number[])[at]! - value)).toBeLessThan(4e-7);
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "boosted"], { cwd });
    expect(reproduced.verdict).toBe("identical");
  });

  it("goes to another installation with its file and its lineage", async () => {
    await slipwayJson(["model", "export", "boosted", "--out", "boosted.slipway"], { cwd });
    writeFileSync(join(other.path, "slipway.config.ts"), HOMES);
    copyFileSync(join(cwd, "homes.csv"), join(other.path, "homes.csv"));
    const imported = await slipwayJson<Imported>(["model", "import", join(cwd, "boosted.slipway")], {
      cwd: other.path,
    });
    expect(imported).toMatchObject({ model: "boosted", version: 1, from: { model: "boosted" } });
    const shown = await slipwayJson<OperationOutput<"models.show">>(["model", "show", "boosted"], {
      cwd: other.path,
    });
    expect(shown.lineage.origin).toMatchObject({ format: "xgboost-json", file: "price.json" });
    await slipwayJson(["data", "add", "homes"], { cwd: other.path });
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "boosted"], {
      cwd: other.path,
    });
    expect(reproduced.verdict).toBe("identical");
  });

  it("is refused where names differ, and a version of another installation takes no features", async () => {
    const labelled = await slipway(["model", "import", "price.txt", "--features", "nothing", "--json"], {
      cwd,
    });
    expect(errorOf(labelled).code).toBe("APP_UNKNOWN_MODEL");
    const wrong = await slipway(["model", "import", dart ?? "", "--features", "encoded", "--json"], { cwd });
    expect(errorOf(wrong)).toMatchObject({
      code: "TRAINING_MODEL_MISMATCH",
      message: expect.stringContaining("it is a binary model"),
    });
    const exported = await slipway(
      ["model", "import", "boosted.slipway", "--features", "encoded", "--json"],
      { cwd },
    );
    expect(errorOf(exported).code).toBe("APP_BAD_MODEL_FILE");
    const { models } = await slipwayJson<OperationOutput<"models.list">>(["models"], { cwd });
    expect(Object.fromEntries(models.map(({ name, versions }) => [name, versions]))).toEqual({
      price: 1,
      encoded: 0,
      boosted: 1,
    });
  });
});
