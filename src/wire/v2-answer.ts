import type { ColumnType } from "../kernel/index.ts";
import { type OutputTensor, outputBytes, outputDatatypes } from "./output-tensors.ts";
import { floatList, floatText, type InputRules } from "./prediction-body.ts";
import type { AnswerTensor } from "./tensor-answers.ts";
import { DATATYPES } from "./v2-request.ts";

export interface V2Answer {
  readonly model: string;
  readonly version: number;
  readonly id: string | undefined;
  readonly predictionId: string;
}

/** The body of an `infer` answer. */
export function writeV2Response(
  answer: V2Answer & {
    readonly output: string;
    /** Outputs of an instance: 1 unless given. */
    readonly width?: number;
  },
  outputs: readonly number[],
): string {
  const { output, width = 1 } = answer;
  const shape = width === 1 ? outputs.length : `${outputs.length / width}, ${width}`;
  return `${responseHead(answer)}[{"name": ${JSON.stringify(output)}, "datatype": "FP64", "shape": [${shape}], "data": ${floatList(outputs)}}]}`;
}

/**
 * The body of an `infer` answer of tensors. Those that are to be bytes stand behind the JSON.
 *
 * @returns `jsonBytes` when there are any: how much of the body is JSON
 */
export function writeV2Tensors(
  answer: V2Answer,
  outputs: readonly OutputTensor[],
  binary: ReadonlySet<string> = NONE,
): { readonly body: string | Buffer; readonly jsonBytes?: number } {
  const parts: Uint8Array[] = [];
  const written = outputs.map((output) => {
    const head = `{"name": ${JSON.stringify(output.name)}, "datatype": "${outputDatatypes[output.type]}", "shape": [${output.shape.join(", ")}], `;
    if (!binary.has(output.name)) return `${head}"data": [${elementTexts(output).join(", ")}]}`;
    const bytes = outputBytes(output);
    parts.push(bytes);
    return `${head}"parameters": {"binary_data_size": ${bytes.length}}}`;
  });
  const json = `${responseHead(answer)}[${written.join(", ")}]}`;
  if (parts.length === 0) return { body: json };
  const jsonBytes = Buffer.byteLength(json);
  return { body: Buffer.concat([Buffer.from(json), ...parts]), jsonBytes };
}

const NONE: ReadonlySet<string> = new Set();

function elementTexts(output: OutputTensor): string[] {
  switch (output.type) {
    case "float":
      return output.values.map(floatText);
    case "int":
      return output.values.map(String);
    case "bool":
      return output.values.map((value) => (value === 0 ? "false" : "true"));
    case "text":
      return output.values.map((value) => JSON.stringify(value));
  }
}

function responseHead({ model, version, id, predictionId }: V2Answer): string {
  const echoed = id === undefined ? "" : `"id": ${JSON.stringify(id)}, `;
  return (
    `{"model_name": ${JSON.stringify(model)}, "model_version": "${version}", ${echoed}` +
    `"parameters": {"prediction_id": "${predictionId}"}, "outputs": `
  );
}

export function v2ModelMetadata(
  model: {
    name: string;
    versions: readonly number[];
    engine: string;
    output: string;
    width?: number;
    tensors?: readonly AnswerTensor[];
  },
  rules: InputRules,
): object {
  const tensor = (name: string, type: ColumnType, shape: readonly number[] = []) => ({
    name,
    datatype: DATATYPES[type][0],
    shape: rules.unbatched ? shape : [-1, ...shape],
  });
  const outputs: readonly AnswerTensor[] = model.tensors ?? [
    { name: model.output, type: "float", shape: model.width === undefined ? [] : [model.width] },
  ];
  return {
    name: model.name,
    versions: model.versions.map(String),
    platform: `slipway_${model.engine}`,
    inputs: rules.columns.map(({ name, type, shape }) => tensor(name, type, shape)),
    outputs: outputs.map(({ name, type, shape }) => tensor(name, type, shape)),
  };
}
