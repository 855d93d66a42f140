import { inferenceErrors } from "../errors.ts";
import type { GraphInterface } from "../onnx/graph-interface.ts";
import type { OnnxTensor } from "../onnx/tensor.ts";
import { tensorArrays, tensorSize } from "../onnx/tensor.ts";
import type { RemoteTensor } from "./remote-spec.ts";

/** The body of an `infer` call of the Open Inference Protocol V2, with JSON tensors: every number survives. */
export function writeInferRequest(
  inputs: Readonly<Record<string, OnnxTensor>>,
  declared: readonly RemoteTensor[],
  outputs: readonly string[],
): string {
  const tensors = declared.map(({ name, datatype }) => {
    const tensor = inputs[name]!;
    const head = `{"name": ${JSON.stringify(name)}, "datatype": "${datatype}", "shape": [${tensor.shape.join(", ")}]`;
    return `${head}, "data": [${textsOf(tensor).join(", ")}]}`;
  });
  const wanted = outputs.map((name) => `{"name": ${JSON.stringify(name)}}`);
  return `{"inputs": [${tensors.join(", ")}], "outputs": [${wanted.join(", ")}]}`;
}

function textsOf({ type, data }: OnnxTensor): string[] {
  if (type === "string") return data.map((text) => JSON.stringify(text));
  if (type === "bool") return Array.from(data, (value) => (value === 0 ? "false" : "true"));
  // JSON has no NaN: a float that is missing is null.
  return Array.from<number | bigint, string>(data, (value) => (Number.isNaN(value) ? "null" : String(value)));
}

/** The outputs of an answer, as tensors. @throws INFERENCE_REMOTE_BAD_ANSWER, INFERENCE_INEXACT_ANSWER */
export function readInferAnswer(
  text: string,
  { outputs }: Pick<GraphInterface, "outputs">,
  wanted: readonly string[],
): Record<string, OnnxTensor> {
  const answered = outputsIn(text);
  return Object.fromEntries(
    wanted.map((name) => {
      const tensor = answered.find((output) => output.name === name);
      if (tensor === undefined) throw badAnswer(`it has no output ${JSON.stringify(name)}`);
      const { type } = outputs.find((output) => output.name === name)!;
      const { shape, data } = tensor;
      if (
        !Array.isArray(shape) ||
        !shape.every((extent) => Number.isSafeInteger(extent) && Number(extent) >= 0)
      )
        throw badAnswer(`the shape of ${JSON.stringify(name)} is ${JSON.stringify(shape)}`);
      const extents = shape as readonly number[];
      const flat = Array.isArray(data) ? (data.flat(Number.POSITIVE_INFINITY) as readonly unknown[]) : [];
      if (flat.length !== tensorSize(extents))
        throw badAnswer(
          `${JSON.stringify(name)} has ${flat.length} values and the shape [${extents.join(", ")}]`,
        );
      return [name, tensorOf(flat, { name, type, shape: extents })];
    }),
  );
}

function outputsIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw badAnswer("it is not JSON", cause);
  }
  const outputs = (document as { outputs?: unknown } | null)?.outputs;
  if (!Array.isArray(outputs)) throw badAnswer('it has no list "outputs"');
  return outputs.filter((output) => typeof output === "object" && output !== null);
}

function tensorOf(
  values: readonly unknown[],
  {
    name,
    type,
    shape,
  }: { readonly name: string; readonly type: OnnxTensor["type"]; readonly shape: readonly number[] },
): OnnxTensor {
  const wrong = (value: unknown) =>
    badAnswer(`${JSON.stringify(name)} has the value ${JSON.stringify(value)}`);
  if (type === "string")
    return {
      type,
      shape,
      data: values.map((value) => {
        if (typeof value !== "string") throw wrong(value);
        return value;
      }),
    };
  const data = new tensorArrays[type](values.length);
  const isLong = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (const [at, value] of values.entries()) {
    if (typeof value === "boolean") data[at] = Number(value) as never;
    else if (typeof value !== "number") throw wrong(value);
    else if (!isLong) data[at] = value as never;
    else if (Number.isSafeInteger(value)) data[at] = BigInt(value) as never;
    else
      throw inferenceErrors.INFERENCE_INEXACT_ANSWER.error(
        `the remote model answers the integer ${value} in its output ${JSON.stringify(name)}, which a JSON number cannot hold exactly`,
        { details: { output: name, value: String(value) } },
      );
  }
  return { type, shape, data } as OnnxTensor;
}

export function badAnswer(fault: string, cause?: unknown): Error {
  return inferenceErrors.INFERENCE_REMOTE_BAD_ANSWER.error(
    `the answer of the remote model cannot be read: ${fault}`,
    { details: { fault }, ...(cause === undefined ? {} : { cause }) },
  );
}
