import { createRandom, type Random } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import type { GraphInterface, InstanceTensor } from "./graph-interface.ts";
import type { OnnxSession } from "./onnx-session.ts";
import { type OnnxTensor, type TensorType, tensorArrays, tensorSize } from "./tensor.ts";

/** Instances that nobody sent, as the tensors of one call: numbers of several magnitudes, small whole numbers, short texts. */
export function madeUpInstances(
  { inputs, batching }: Pick<GraphInterface, "inputs" | "batching">,
  instances: number,
  random: Random,
): Record<string, OnnxTensor> {
  return Object.fromEntries(
    inputs.map((input) => {
      const own = input.shape.map((extent) => (extent === -1 ? 1 : extent));
      const shape = batching === "whole" ? own : [instances, ...own];
      return [input.name, tensorOf(input, shape, random)];
    }),
  );
}

function tensorOf({ type }: InstanceTensor, shape: readonly number[], random: Random): OnnxTensor {
  const size = tensorSize(shape);
  const value = makerOf(type, random);
  if (type === "string") return { type, shape, data: Array.from({ length: size }, () => String(value())) };
  const data = new tensorArrays[type](size);
  for (let at = 0; at < size; at++) data[at] = value() as never;
  return { type, shape, data } as OnnxTensor;
}

const MAGNITUDES = [1e-3, 1, 1, 30, 1e3];

function makerOf(type: TensorType, random: Random): () => number | bigint | string {
  switch (type) {
    case "float32":
    case "float64":
      return () => (random.float() * 2 - 1) * MAGNITUDES[random.integer(MAGNITUDES.length)]!;
    case "int64":
    case "uint64":
      return () => BigInt(random.integer(2));
    case "string":
      return () => `text ${random.integer(3)}`;
    default:
      return () => random.integer(2);
  }
}

/**
 * Runs a graph a few times, so that it has its memory before the first request. A graph need not be able to answer what was made up;
 * one whose thread ends on it is refused.
 *
 * @throws INFERENCE_SESSION_*
 */
export async function warmSession(
  session: OnnxSession,
  graph: Pick<GraphInterface, "inputs" | "batching">,
): Promise<void> {
  const random = createRandom("warm");
  try {
    for (let round = 0; round < WARMING_ROUNDS; round++)
      await session.run(madeUpInstances(graph, 1, random), { giveAway: true });
  } catch (thrown) {
    if (!inferenceErrors.INFERENCE_RUN_FAILED.is(thrown)) throw thrown;
  }
}

const WARMING_ROUNDS = 2;
