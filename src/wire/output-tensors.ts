import type { AnswerTensor } from "./tensor-answers.ts";
import { encodeDoubles, encodeIntegers, encodeTexts } from "./tensor-bytes.ts";

/** An output of all instances of a request. */
export type OutputTensor = {
  readonly name: string;
  readonly shape: readonly number[];
} & (
  | { readonly type: "float" | "int" | "bool"; readonly values: readonly number[] }
  | { readonly type: "text"; readonly values: readonly string[] }
);

export const outputDatatypes = { int: "INT64", float: "FP64", bool: "BOOL", text: "BYTES" } as const;

/** What a model answers with, as its signature says. */
export interface ModelOutput {
  readonly name: string;
  /** Where it is more than one number or one list of numbers an instance. */
  readonly tensors?: readonly AnswerTensor[];
}

/** An output as tensors, whether or not its signature calls it that. */
export function modelOutputs({
  name,
  width,
  tensors,
}: ModelOutput & { readonly width?: number }): readonly AnswerTensor[] {
  return tensors ?? [{ name, type: "float", shape: width === undefined ? [] : [width] }];
}

export function outputNames({ name, tensors }: ModelOutput): readonly string[] {
  return tensors?.map((tensor) => tensor.name) ?? [name];
}

/** The numbers of an answer. */
export interface AnsweredValues {
  /** `width` for each instance, one instance after the other; a text is its place in `texts`. */
  readonly outputs: readonly number[];
  readonly width: number;
  readonly tensors?: readonly AnswerTensor[] | undefined;
  readonly texts?: readonly string[];
}

/** An answer as the tensors that were asked for, with the instances along the first axis unless they have none. */
export function outputTensors(
  output: ModelOutput,
  { outputs: values, width, tensors, texts = [] }: AnsweredValues,
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

export function outputBytes(output: OutputTensor): Uint8Array {
  switch (output.type) {
    case "float":
      return encodeDoubles(output.values);
    case "int":
      return encodeIntegers(output.values);
    case "bool":
      return Uint8Array.from(output.values);
    case "text":
      return encodeTexts(output.values);
  }
}
