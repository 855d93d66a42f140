import { writeBundle } from "../../bundle/index.ts";
import { identityPlan } from "../../features/index.ts";
import { ONNX_ENGINE, openOnnxModel } from "../../inference/index.ts";
import { writeGraph } from "../../inference/testing/write-graph.ts";
import type { Digest } from "../../kernel/index.ts";
import type { BlobStore } from "../../storage/index.ts";

/** A bundle of a graph as `model import` makes it. */
export async function writeGraphBundle(blobs: BlobStore, model: Uint8Array): Promise<Digest> {
  const { signature, close } = await openOnnxModel(model);
  await close();
  const plan = identityPlan([]);
  const { digest } = await writeBundle(blobs, { engine: ONNX_ENGINE, model, plan, signature, profile: {} });
  return digest;
}

/** Sums of the rows of images of 2 × 3, and texts as they came: any number of instances. */
export const images = writeGraph({
  inputs: [
    { name: "image", type: "float", shape: ["n", 2, 3] },
    { name: "label", type: "string", shape: ["n"] },
    { name: "scale", type: "int64", shape: ["n", 1] },
  ],
  outputs: [
    { name: "sums", type: "float", shape: ["n", 2] },
    { name: "same", type: "string", shape: ["n"] },
    { name: "scaled", type: "int64", shape: ["n", 1] },
  ],
  nodes: [
    { op: "ReduceSum", inputs: ["image", "axes"], outputs: ["sums"], attributes: { keepdims: 0 } },
    { op: "Identity", inputs: ["label"], outputs: ["same"] },
    { op: "Add", inputs: ["scale", "scale"], outputs: ["scaled"] },
  ],
  constants: [{ name: "axes", shape: [1], values: BigInt64Array.of(2n) }],
});

/** What `images` answers: 2 × 3 numbers counted up from `first`. */
export const imageOf = (first: number) => ({
  image: [
    [first, first + 1, first + 2],
    [first + 3, first + 4, first + 5],
  ],
  label: `image ${first}`,
  scale: first,
});

/** One number for rows of two: 2x − y. */
export const slope = writeGraph({
  inputs: [{ name: "x", type: "float", shape: ["n", 2] }],
  outputs: [{ name: "y", type: "float", shape: ["n", 1] }],
  nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
  constants: [{ name: "w", shape: [2, 1], values: Float32Array.of(2, -1) }],
});

/** The square root of a whole matrix of 2 × 2: there is no axis of instances. */
export const roots = writeGraph({
  inputs: [{ name: "m", type: "float", shape: [2, 2] }],
  outputs: [{ name: "r", type: "float", shape: [2, 2] }],
  nodes: [{ op: "Sqrt", inputs: ["m"], outputs: ["r"] }],
});
