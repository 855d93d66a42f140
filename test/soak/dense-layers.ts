import { writeGraph } from "../../src/inference/testing/write-graph.ts";
import { createRandom } from "../../src/kernel/index.ts";

const WIDTH = 1024;
const LAYER_MEGABYTES = (WIDTH * WIDTH * 4) / 2 ** 20;

/** A graph of random weights, about so large: layers of 1,024 × 1,024 one after the other, `x` [n, 1024] to `y` [n, 1024]. */
export function denseLayers({
  megabytes,
  seed,
}: {
  readonly megabytes: number;
  readonly seed: string;
}): Uint8Array {
  const random = createRandom(seed);
  const layers = Array.from({ length: Math.round(megabytes / LAYER_MEGABYTES) }, (_, at) => at);
  const last = layers.length - 1;
  const valueBefore = (layer: number) => (layer === 0 ? "x" : `h${layer - 1}`);
  return writeGraph({
    inputs: [{ name: "x", type: "float", shape: ["n", WIDTH] }],
    outputs: [{ name: "y", type: "float", shape: ["n", WIDTH] }],
    nodes: layers.flatMap((layer) => [
      { op: "MatMul", inputs: [valueBefore(layer), `w${layer}`], outputs: [`m${layer}`] },
      { op: "Tanh", inputs: [`m${layer}`], outputs: [layer === last ? "y" : `h${layer}`] },
    ]),
    constants: layers.map((layer) => ({
      name: `w${layer}`,
      shape: [WIDTH, WIDTH],
      values: Float32Array.from({ length: WIDTH * WIDTH }, () => (random.float() - 0.5) / 16),
    })),
  });
}
