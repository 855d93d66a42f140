import type { ServedVersion } from "../serving/index.ts";
import type { AnswerTensor } from "../wire/index.ts";
import type { Answered } from "./call-handlers.ts";

/** An output of all instances of a request. */
export type OutputTensor = {
  readonly name: string;
  readonly shape: readonly number[];
} & (
  | { readonly type: "float" | "int" | "bool"; readonly values: readonly number[] }
  | { readonly type: "text"; readonly values: readonly string[] }
);

/** The outputs that a version has. */
export function outputNames({ signature: { output } }: ServedVersion): readonly string[] {
  return output.tensors?.map(({ name }) => name) ?? [output.name];
}

/** An answer as the tensors that were asked for, with the instances along the first axis unless they have none. */
export function outputTensors(
  { signature: { output } }: ServedVersion,
  { outputs: values, width, tensors, texts = [] }: Answered,
  asked: {
    readonly records: readonly unknown[];
    readonly outputs: readonly string[] | undefined;
    readonly isWhole: boolean;
  },
): OutputTensor[] {
  const instances = asked.records.length;
  if (tensors === undefined) {
    const shape = width === 1 ? [instances] : [instances, width];
    return [{ name: output.name, type: "float", shape, values }];
  }
  let start = 0;
  return tensors.flatMap((tensor): OutputTensor[] => {
    const size = tensor.shape.reduce((product, extent) => product * extent, 1);
    const own = Array.from(
      { length: instances * size },
      (_, at) => values[Math.floor(at / size) * width + start + (at % size)]!,
    );
    start += size;
    if (asked.outputs !== undefined && !asked.outputs.includes(tensor.name)) return [];
    return [
      tensorOf(tensor, { own, texts, shape: asked.isWhole ? tensor.shape : [instances, ...tensor.shape] }),
    ];
  });
}

function tensorOf(
  { name, type }: AnswerTensor,
  given: {
    readonly own: readonly number[];
    readonly texts: readonly string[];
    readonly shape: readonly number[];
  },
): OutputTensor {
  const { own, texts, shape } = given;
  if (type !== "text") return { name, type, shape, values: own };
  return { name, type, shape, values: own.map((place) => texts[place]!) };
}
