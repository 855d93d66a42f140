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
