import { afterEach, describe, expect, it } from "vitest";
import { writeGraph } from "../testing/write-graph.ts";
import { type OnnxSession, openOnnxSession } from "./onnx-session.ts";

const open: OnnxSession[] = [];

async function session(bytes: Uint8Array): Promise<OnnxSession> {
  const opened = await openOnnxSession(bytes);
  open.push(opened);
  return opened;
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const affine = writeGraph({
  inputs: [{ name: "x", type: "float", shape: ["n", 2] }],
  outputs: [{ name: "y", type: "float", shape: ["n", 1] }],
  nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  constants: [{ name: "w", shape: [2, 1], values: Float32Array.of(2, -1) }],
});

describe("a session of an ONNX graph", () => {
  it("says what it takes and runs what it is given, calls in their order", async () => {
    const one = await session(affine);
    expect(one.inputs).toEqual([{ name: "x", type: "float32", shape: [undefined, 2] }]);
    expect(one.outputs).toEqual([{ name: "y", type: "float32", shape: [undefined, 1] }]);
    const answers = await Promise.all(
      [1, 2, 3].map((k) =>
        one.run({ x: { type: "float32", shape: [2, 2], data: Float32Array.of(k, 1, 0, 5 * k) } }),
      ),
    );
    expect(answers.map(({ y }) => [...(y?.data ?? [])])).toEqual([
      [1, -5],
      [3, -10],
      [5, -15],
    ]);
    expect(answers[0]?.y).toMatchObject({ type: "float32", shape: [2, 1] });
  });

  it("takes arrays away only when they are given away", async () => {
    const one = await session(affine);
    const data = Float32Array.of(1, 2);
    await one.run({ x: { type: "float32", shape: [1, 2], data } });
    expect(data).toHaveLength(2);
    await one.run({ x: { type: "float32", shape: [1, 2], data } }, { giveAway: true });
    expect(data).toHaveLength(0);
  });

  it("takes every type of tensor there and back", async () => {
    const types = ["float", "double", "int32", "int64", "uint8", "bool", "string"] as const;
    const one = await session(
      writeGraph({
        inputs: types.map((type) => ({ name: `${type}_in`, type, shape: [2] })),
        outputs: types.map((type) => ({ name: `${type}_out`, type, shape: [2] })),
        nodes: types.map((type) => ({ op: "Identity", inputs: [`${type}_in`], outputs: [`${type}_out`] })),
      }),
    );
    const { string_out, int64_out, bool_out, ...others } = await one.run({
      float_in: { type: "float32", shape: [2], data: Float32Array.of(0.5, Number.NaN) },
      double_in: { type: "float64", shape: [2], data: Float64Array.of(0.1, -0) },
      int32_in: { type: "int32", shape: [2], data: Int32Array.of(-1, 7) },
      int64_in: { type: "int64", shape: [2], data: BigInt64Array.of(-(2n ** 62n), 9n) },
      uint8_in: { type: "uint8", shape: [2], data: Uint8Array.of(0, 255) },
      bool_in: { type: "bool", shape: [2], data: Uint8Array.of(1, 0) },
      string_in: { type: "string", shape: [2], data: ["", "Ökö ☃"] },
    });
    expect(string_out?.data).toEqual(["", "Ökö ☃"]);
    expect(int64_out?.data).toEqual(BigInt64Array.of(-(2n ** 62n), 9n));
    expect(bool_out).toMatchObject({ type: "bool", data: Uint8Array.of(1, 0) });
    expect(others).toMatchObject({
      float_out: { data: Float32Array.of(0.5, Number.NaN) },
      double_out: { data: Float64Array.of(0.1, -0) },
      int32_out: { data: Int32Array.of(-1, 7) },
      uint8_out: { data: Uint8Array.of(0, 255) },
    });
  });

  it("shows 16-bit floats as float32, in both directions", async () => {
    const one = await session(
      writeGraph({
        inputs: [
          { name: "a", type: "float16", shape: ["n"] },
          { name: "b", type: "bfloat16", shape: ["n"] },
        ],
        outputs: [
          { name: "c", type: "float16", shape: ["n"] },
          { name: "d", type: "bfloat16", shape: ["n"] },
        ],
        nodes: [
          { op: "Identity", inputs: ["a"], outputs: ["c"] },
          { op: "Identity", inputs: ["b"], outputs: ["d"] },
        ],
      }),
    );
    expect(one.inputs.map(({ name, type }) => `${name} ${type}`)).toEqual(["a float32", "b float32"]);
    const data = Float32Array.of(1.5, 1.0009765625, -3);
    const { c, d } = await one.run({
      a: { type: "float32", shape: [3], data },
      b: { type: "float32", shape: [3], data },
    });
    expect(c).toMatchObject({ type: "float32", shape: [3], data });
    expect(d).toMatchObject({ type: "float32", shape: [3], data: Float32Array.of(1.5, 1, -3) });
  });

  it("answers the values of maps as a tensor, and says their keys", async () => {
    const one = await session(
      writeGraph({
        inputs: [{ name: "x", type: "float", shape: ["n", 2] }],
        outputs: [{ name: "chances", mapOf: "string" }],
        nodes: [
          { op: "Softmax", inputs: ["x"], outputs: ["tensor"], attributes: { axis: 1 } },
          {
            op: "ZipMap",
            domain: "ai.onnx.ml",
            inputs: ["tensor"],
            outputs: ["chances"],
            attributes: { classlabels_strings: ["no", "yes"] },
          },
        ],
      }),
    );
    expect(one.outputs).toEqual([
      { name: "chances", type: "float32", shape: [undefined, 2], classes: ["no", "yes"] },
    ]);
    const { chances } = await one.run({ x: { type: "float32", shape: [1, 2], data: Float32Array.of(3, 3) } });
    expect(chances?.data).toEqual(Float32Array.of(0.5, 0.5));
  });

  it("refuses inputs that do not fit with onnxruntime's reason, and goes on", async () => {
    const one = await session(affine);
    const refused = expect.objectContaining({ code: "INFERENCE_RUN_FAILED" });
    await expect(one.run({})).rejects.toEqual(refused);
    await expect(
      one.run({ x: { type: "float32", shape: [1, 3], data: Float32Array.of(1, 2, 3) } }),
    ).rejects.toThrow(/Got: 3 Expected: 2/);
    await expect(
      one.run({ x: { type: "float32", shape: [4, 4], data: Float32Array.of(1) } }),
    ).rejects.toEqual(refused);
    await expect(
      one.run({ x: { type: "float32", shape: [1, 2], data: Float32Array.of(1, 1) } }),
    ).resolves.toMatchObject({ y: { shape: [1, 1] } });
  });

  it("refuses a graph with what onnxruntime does not know, by name", async () => {
    const strange = writeGraph({
      inputs: [{ name: "x", type: "float", shape: [1] }],
      outputs: [{ name: "y", type: "float", shape: [1] }],
      nodes: [{ op: "Levitate", inputs: ["x"], outputs: ["y"] }],
    });
    await expect(openOnnxSession(strange)).rejects.toMatchObject({
      code: "INFERENCE_UNSUPPORTED_MODEL",
      message: expect.stringContaining("Levitate"),
    });
    await expect(openOnnxSession(affine.subarray(0, 60))).rejects.toMatchObject({
      code: "INFERENCE_BAD_MODEL_FILE",
    });
  });

  it("refuses calls that are open when it is closed, and every later one", async () => {
    const one = await openOnnxSession(affine);
    const x = { type: "float32", shape: [1, 2], data: Float32Array.of(1, 2) } as const;
    const late = one.run({ x });
    const closed = expect(late).rejects.toMatchObject({ code: "INFERENCE_SESSION_CLOSED" });
    await one.close();
    await closed;
    await expect(one.run({ x })).rejects.toMatchObject({ code: "INFERENCE_SESSION_CLOSED" });
  });
});
