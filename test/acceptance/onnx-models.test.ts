import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import { predict, type RunningServer, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

type Imported = OperationOutput<"models.import">;

const CONFIG = `import { csv, dataset } from "slipway";
export const visits = dataset({ source: csv("visits.csv"), columns: { age: "int" } });
`;

const digits = sharedData("models-mnist-onnx/mnist.onnx");
const forest = sharedData("models-onnxruntime-go/sklearn_randomforest.onnx");
const axes = sharedData("models-onnxruntime-go/example_dynamic_axes.onnx");
const texts = sharedData("models-ankane/onnx/identity_string.onnx");

/** The first handwritten digits of MNIST's test images, each 1 × 28 × 28. */
function images(count: number): number[][][][] {
  const pixels = gunzipSync(readFileSync(sharedData("mnist-t10k/t10k-images-idx3-ubyte.gz") ?? "")).subarray(
    16,
  );
  return Array.from({ length: count }, (_, image) => [
    Array.from({ length: 28 }, (_, row) => {
      const start = image * 784 + row * 28;
      return Array.from(pixels.subarray(start, start + 28));
    }),
  ]);
}

describe.skipIf(digits === undefined)("an ONNX graph", () => {
  const folder = scratchFolder("onnx-models");
  const cwd = folder.path;
  let server: RunningServer;
  const expected = (): { logits: number[][]; labels: number[] } =>
    JSON.parse(readFileSync(sharedData("models-mnist-onnx/expected_mnist_t10k_first100.json") ?? "", "utf8"));

  beforeAll(async () => {
    writeFileSync(join(cwd, "slipway.config.ts"), CONFIG);
    writeFileSync(join(cwd, "visits.csv"), "age\n1\n");
    server = await slipwayUp({ cwd });
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  const untilServed = (model: string, body: object) =>
    expect
      .poll(async () => (await predict(server.predictions, model, body)).status, { timeout: 60_000 })
      .toBe(200);

  it("of images is imported, served, and reads digits by V1 and V2", async () => {
    const imported = await slipwayJson<Imported>(["model", "import", digits ?? "", "--name", "digits"], {
      cwd,
    });
    expect(imported).toMatchObject({
      version: 1,
      champion: true,
      task: "regression",
      outputs: 10,
      inputs: 1,
      origin: { format: "onnx", objective: expect.stringContaining("2 Conv") },
    });
    expect(imported.trees).toBeUndefined();
    const { logits, labels } = expected();
    const first = images(40);
    await untilServed("digits", { instances: first.slice(0, 1) });

    const bare = await predict(server.predictions, "digits", { instances: first });
    expect(bare.status, JSON.stringify(bare.body)).toBe(200);
    const answers = bare.body.predictions as number[][];
    expect(answers.map((row) => row.indexOf(Math.max(...row)))).toEqual(labels.slice(0, 40));
    for (const [image, row] of answers.entries())
      for (const [k, value] of row.entries())
        expect(Math.abs(value - logits[image]![k]!) / Math.max(1, Math.abs(value))).toBeLessThan(5e-6);

    const named = await predict(server.predictions, "digits", {
      instances: first.slice(3, 5).map((Input3) => ({ Input3 })),
    });
    expect(named.body.predictions).toEqual(answers.slice(3, 5));

    const response = await fetch(`${server.predictions}/v2/models/digits/infer`, {
      method: "POST",
      body: JSON.stringify({
        inputs: [
          { name: "Input3", shape: [2, 1, 28, 28], datatype: "FP32", data: first.slice(0, 2).flat(3) },
        ],
      }),
    });
    const { outputs } = (await response.json()) as { outputs: { shape: number[]; data: number[] }[] };
    expect(outputs[0]).toMatchObject({ shape: [2, 10], data: answers.slice(0, 2).flat() });

    const id = bare.headers.get("x-slipway-prediction-id") ?? "";
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", `${id}.7`], { cwd });
    expect(replayed.examples[0]?.logged).toEqual(answers[7]);
    const all = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
    expect(all.predictions).toBeGreaterThanOrEqual(45);
    expect(all.identical + all.withinBound).toBe(all.predictions);
    const shown = await slipway(["model", "show", "digits"], { cwd });
    expect(shown.stdout).toContain("Input3: float[1, 28, 28]");
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "digits"], { cwd });
    expect(reproduced.verdict).toBe("identical");
  });

  it("of texts answers texts, which the log keeps", async () => {
    await slipwayJson(["model", "import", texts ?? "", "--name", "texts"], { cwd });
    const instances = [
      [
        ["one", "two"],
        ["three", "vier ☃"],
      ],
    ];
    await untilServed("texts", { instances });
    const answer = await predict(server.predictions, "texts", { instances });
    expect(answer.body.predictions).toEqual(instances);
    const id = answer.headers.get("x-slipway-prediction-id") ?? "";
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", id], { cwd });
    expect(replayed).toMatchObject({
      identical: 1,
      examples: [{ verdict: "identical", logged: ["one", "two", "three", "vier ☃"] }],
    });
  });

  it("of one tree ensemble runs on the forest engine, and predicts the rows of a file as any other", async () => {
    const trees = await slipwayJson<Imported>(["model", "import", forest ?? "", "--name", "iris"], { cwd });
    expect(trees.trees).toBeGreaterThan(0);
    await slipwayJson(["model", "import", axes ?? "", "--name", "sums"], { cwd });
    const header = Array.from({ length: 10 }, (_, i) => `input_vectors_${i}`).join(",");
    writeFileSync(join(cwd, "vectors.csv"), `${header}\n1,2,3,4,5,6,7,8,9,10\n0,0,0,0,0,0,0,0,0,0.5\n`);
    const done = await slipway(["predict", "sums", "--file", "vectors.csv", "--out", "sums.csv"], { cwd });
    expect(done.code, done.stderr).toBe(0);
    const rows = readFileSync(join(cwd, "sums.csv"), "utf8").trim().split("\n");
    expect(rows.slice(1).map((row) => row.split(",").at(-2))).toEqual(["55.0", "0.5"]);
  });

  it("is refused by name where onnxruntime has no operator for it, and nothing is registered", async () => {
    const bytes = Buffer.from(readFileSync(digits ?? ""));
    for (let at = bytes.indexOf("MaxPool"); at !== -1; at = bytes.indexOf("MaxPool"))
      bytes.write("MaxPull", at);
    writeFileSync(join(cwd, "strange.onnx"), bytes);
    const refused = await slipway(["model", "import", "strange.onnx", "--name", "strange", "--json"], {
      cwd,
    });
    expect(refused.code).toBe(2);
    expect(refused.stdout + refused.stderr).toMatch(/INFERENCE_UNSUPPORTED_MODEL[\s\S]*MaxPull/);
    const { models } = await slipwayJson<OperationOutput<"models.list">>(["models"], { cwd });
    expect(models.map(({ name }) => name)).not.toContain("strange");
  });
});
