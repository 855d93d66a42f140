import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../../test/shared-data.ts";
import { elementTypes } from "../origins/onnx/graph.ts";
import { ProtoMessage } from "../origins/onnx/protobuf.ts";
import { openOnnxModel } from "./onnx-model.ts";
import type { GraphAnswers } from "./read-answers.ts";
import type { InstanceRecord } from "./write-instances.ts";

/** Values in the order of a tensor, and its extents. */
interface PlainTensor {
  readonly shape: readonly number[];
  readonly values: readonly unknown[];
}

interface Case {
  readonly file: string;
  readonly inputs: Readonly<Record<string, PlainTensor>>;
  readonly outputs: Readonly<Record<string, PlainTensor>>;
}

/** By onnx's reference evaluator; see test/golden/onnx-graphs.py. */
const golden: readonly Case[] = JSON.parse(
  readFileSync(new URL("../../../test/golden/onnx-graphs.json", import.meta.url), "utf8"),
);

/** Relative to a value, absolute below 1. */
const FLOAT32 = 2e-6;

/** A flat tensor as nested lists. */
function nested({ shape, values }: PlainTensor): unknown {
  const [extent, ...inner] = shape;
  if (extent === undefined) return values[0];
  const size = values.length / extent;
  return Array.from({ length: extent }, (_, i) =>
    nested({ shape: inner, values: values.slice(i * size, (i + 1) * size) }),
  );
}

/** Instances as records: the entries of the first axis, or the whole tensors where the graph has no axis of instances. */
function recordsOf(inputs: Readonly<Record<string, PlainTensor>>, isWhole: boolean): InstanceRecord[] {
  const lists = Object.entries(inputs).map(([name, tensor]) => [name, nested(tensor)] as const);
  if (isWhole) return [Object.fromEntries(lists)];
  const [[, first]] = lists as [readonly [string, readonly unknown[]]];
  const rows = first.length;
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(lists.map(([name, list]) => [name, (list as readonly unknown[])[row]])),
  );
}

async function answersOf(path: string, inputs: Readonly<Record<string, PlainTensor>>): Promise<GraphAnswers> {
  const model = await openOnnxModel(readFileSync(path));
  try {
    return await model.predict(recordsOf(inputs, model.signature.unbatched === true), ({ error }) => {
      throw error;
    });
  } finally {
    await model.close();
  }
}

function expectClose(answered: ArrayLike<number>, expected: readonly unknown[], tolerance = FLOAT32): void {
  expect(answered).toHaveLength(expected.length);
  let worst = 0;
  for (const [at, value] of expected.map(Number).entries())
    worst = Math.max(worst, Math.abs(answered[at]! - value) / Math.max(1, Math.abs(value)));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe.skipIf(sharedData("models-onnxruntime-go") === undefined)("graphs of other projects", () => {
  for (const { file, inputs, outputs } of golden) {
    it(`${file} answers what the reference evaluator answers`, async () => {
      const answers = await answersOf(sharedData(file) ?? "", inputs);
      const expected = Object.values(outputs).flatMap(({ values }) => values);
      expectClose(answers.outputs, expected);
      if (answers.tensors !== undefined) {
        const sizes = Object.values(outputs).map(({ values }) => values.length);
        const instances = answers.width === 0 ? 1 : answers.outputs.length / answers.width;
        for (const [k, { shape }] of answers.tensors.entries())
          expect(shape.reduce((size, extent) => size * extent, instances)).toBe(sizes[k]);
      }
    });
  }

  it("models-mnist-onnx/mnist.onnx reads digits", async () => {
    const expected: { logits: number[][]; labels: number[] } = JSON.parse(
      readFileSync(sharedData("models-mnist-onnx/expected_mnist_t10k_first100.json") ?? "", "utf8"),
    );
    const pixels = gunzipSync(
      readFileSync(sharedData("mnist-t10k/t10k-images-idx3-ubyte.gz") ?? ""),
    ).subarray(16);
    const values = Array.from(pixels.subarray(0, 100 * 784));
    const { width, outputs } = await answersOf(sharedData("models-mnist-onnx/mnist.onnx") ?? "", {
      Input3: { shape: [100, 1, 28, 28], values },
    });
    expect(width).toBe(10);
    // Written with five decimals, and sums of thousands.
    expectClose(outputs, expected.logits.flat(), 5e-6);
    const read = expected.labels.map((_, image) => {
      const own = outputs.subarray(image * 10, (image + 1) * 10);
      return own.indexOf(Math.max(...own));
    });
    expect(read.filter((digit, image) => digit === expected.labels[image]).length).toBeGreaterThanOrEqual(98);
  });

  it("models-ankane/onnx/identity_string.onnx gives texts back", async () => {
    const values = ["one", "", "Dritter ☃", "one"];
    const inputs = { "input:0": { shape: [2, 2], values } };
    const answers = await answersOf(sharedData("models-ankane/onnx/identity_string.onnx") ?? "", inputs);
    expect(Array.from(answers.outputs, (place) => answers.texts[place])).toEqual(values);
    expect(answers.tensors).toEqual([{ name: "output:0", type: "text", shape: [2, 2] }]);
  });

  it("models-onnxruntime-go/example_strings.onnx changes the case of texts, whatever locales are installed", async () => {
    const answers = await answersOf(sharedData("models-onnxruntime-go/example_strings.onnx") ?? "", {
      input: { shape: [2], values: ["Hello", "WORLD ÄÖ"] },
    });
    expect(answers.width).toBe(2);
    expect(Array.from(answers.outputs, (place) => answers.texts[place])).toEqual([
      "hello",
      "HELLO",
      "world äö",
      "WORLD ÄÖ",
    ]);
  });

  // The file has weights for four features and an input of two: there is nothing else to compare it with.
  it("models-ankane/onnx/logreg_iris.onnx answers its first weights' probabilities", async () => {
    const weights = [0.38574114, 1.3805406, -2.13144994, -0.99280483, 0.64277452, -1.7489388];
    const intercepts = [0.2496292, 0.58202779, -0.94161665];
    const rows = [
      [5.8, 2.8],
      [6, 2.2],
      [5.5, 4.2],
    ];
    const expected = rows.flatMap(([a = 0, b = 0]) => {
      const odds = intercepts.map((base, k) => {
        const score = base + a * weights[2 * k]! + b * weights[2 * k + 1]!;
        return 1 / (1 + Math.exp(-score));
      });
      const sum = odds[0]! + odds[1]! + odds[2]!;
      return odds.map((value) => value / sum);
    });
    const answers = await answersOf(sharedData("models-ankane/onnx/logreg_iris.onnx") ?? "", {
      float_input: { shape: [3, 2], values: rows.flat() },
    });
    expect(answers.tensors?.map(({ name }) => name)).toEqual(["label", "probabilities"]);
    expectClose(answers.outputs.subarray(3), expected);
  });

  it.each([
    ["models-ankane/onnx/lightgbm.onnx", [5.8, 2.8], [0.2593829, 0.40904793, 0.33156916]],
    ["models-ankane/onnx/randomforest.onnx", [6, 2.2, 4, 1], [0, 1.0000001192092896, 0]],
  ] as const)("%s answers the same by onnxruntime as by the forest engine", async (file, row, expected) => {
    const name = file.includes("lightgbm") ? "input" : "float_input";
    const answers = await answersOf(sharedData(file) ?? "", {
      [name]: { shape: [1, row.length], values: row },
    });
    expectClose(answers.outputs, expected, 4e-7);
  });

  it("models-onnxruntime-go/sklearn_randomforest.onnx answers the probabilities of its maps", async () => {
    const rows = [
      5.9, 3, 5.1, 1.8, 6.8, 2.8, 4.8, 1.4, 6.3, 2.3, 4.4, 1.3, 6.5, 3, 5.5, 1.8, 7.7, 2.8, 6.7, 2,
    ];
    const answers = await answersOf(sharedData("models-onnxruntime-go/sklearn_randomforest.onnx") ?? "", {
      X: { shape: [5, 4], values: rows },
    });
    expect(answers.width).toBe(3);
    const third = Array.from({ length: 5 }, (_, row) => answers.outputs[row * 3 + 2]!);
    expectClose(third, [0.87, 0.23, 0.03, 1, 1], 1e-6);
  });

  it("models-onnxruntime-go/example_big_compute.onnx is loaded with its 52,428,800 inputs", async () => {
    const path = sharedData("models-onnxruntime-go/example_big_compute.onnx") ?? "";
    const model = await openOnnxModel(readFileSync(path));
    expect(model.signature.inputs).toMatchObject([{ name: "Input", shape: [52_428_800] }]);
    await model.close();
  });
});

const nodes = sharedData("onnx-ml-node-tests");

describe.skipIf(nodes === undefined)("the cases of ai.onnx.ml", () => {
  for (const folder of nodes === undefined
    ? []
    : readdirSync(nodes).filter((name) => name.startsWith("test_"))) {
    it(`${folder} answers what it should`, async () => {
      const data = `${nodes}/${folder}/test_data_set_0`;
      const model = new ProtoMessage(readFileSync(`${nodes}/${folder}/model.onnx`), "the model");
      const names = model.message(7, "the graph")?.messages(11, "an input") ?? [];
      const inputs = Object.fromEntries(
        names.map((input, at) => [input.text(1), storedTensor(`${data}/input_${at}.pb`)]),
      );
      const answers = await answersOf(`${nodes}/${folder}/model.onnx`, inputs);
      expectClose(answers.outputs, storedTensor(`${data}/output_0.pb`).values, 4e-7);
    });
  }
});

const missingIsNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** A TensorProto in a file. */
function storedTensor(path: string): PlainTensor {
  const tensor = new ProtoMessage(readFileSync(path), "the tensor");
  const shape = tensor.integers(1);
  const raw = tensor.bytes(9);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = (width: number, value: (at: number) => number): number[] =>
    Array.from({ length: raw.length / width }, (_, i) => value(i * width));
  switch (tensor.integer(2)) {
    case elementTypes.float:
      return { shape, values: read(4, (at) => view.getFloat32(at, true)).map(missingIsNull) };
    case elementTypes.double:
      return { shape, values: read(8, (at) => view.getFloat64(at, true)) };
    case elementTypes.int64:
      return { shape, values: read(8, (at) => Number(view.getBigInt64(at, true))) };
    case elementTypes.string:
      return { shape, values: tensor.texts(6) };
    default:
      return { shape, values: read(2, (at) => view.getInt16(at, true)) };
  }
}
