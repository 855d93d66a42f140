import { inferenceErrors } from "../errors.ts";
import { type GraphInterface, type InstanceTensor, kindOf } from "./graph-interface.ts";
import { type OnnxTensor, tensorSize } from "./tensor.ts";

/** One of the tensors that an instance was answered with. */
export interface AnsweredTensor {
  readonly name: string;
  readonly type: "int" | "float" | "bool" | "text";
  /** Of one instance. */
  readonly shape: readonly number[];
}

/** What instances were answered with, as plain numbers. */
export interface GraphAnswers {
  /** Numbers of an instance. */
  readonly width: number;
  /** `width` for each instance, one instance after the other; a boolean is 0 or 1, a text its place in `texts`. */
  readonly outputs: Float64Array;
  readonly texts: readonly string[];
  /** What the numbers of an instance are, in their order, where they are not one number or one list of them. */
  readonly tensors: readonly AnsweredTensor[] | undefined;
}

/** The results of one call. */
export interface CallResult {
  readonly instances: number;
  readonly outputs: Readonly<Record<string, OnnxTensor>>;
}

/** The outputs of the graph that have to be asked for. */
export function wantedOutputs({ answer, outputs }: GraphInterface): string[] {
  return answer.kind === "tensors" ? outputs.map(({ name }) => name) : [answer.output];
}

/**
 * @throws INFERENCE_UNEVEN_ANSWER when the graph does not answer each instance, or instances with different shapes;
 *   INFERENCE_INEXACT_ANSWER for an integer beyond 2^53
 */
export function readAnswers(graph: GraphInterface, results: readonly CallResult[]): GraphAnswers {
  const { answer } = graph;
  const wanted = wantedOutputs(graph);
  const declared = graph.outputs.filter(({ name }) => wanted.includes(name));
  const shapes = declared.map((output) => shapeOf(output, graph, results));
  const sizes = shapes.map(tensorSize);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const picked = answer.kind === "classes" && answer.classes.length === 2;
  if (answer.kind === "classes" && all !== answer.classes.length)
    throw uneven(answer.output, `${all} values for ${answer.classes.length} classes`);
  const width = picked ? 1 : all;
  const instances = results.reduce((sum, result) => sum + result.instances, 0);
  const outputs = new Float64Array(instances * width);
  const texts = new TextTable();
  let at = 0;
  for (const result of results) {
    for (let instance = 0; instance < result.instances; instance++) {
      for (const [k, { name }] of declared.entries()) {
        const size = sizes[k]!;
        const tensor = result.outputs[name]!;
        const from = instance * size;
        for (let i = picked ? 1 : 0; i < size; i++)
          outputs[at++] = numberAt(tensor, from + i, { name, texts });
      }
    }
  }
  const tensors =
    answer.kind === "tensors"
      ? declared.map(({ name, type }, k) => ({ name, type: kindOf(type), shape: shapes[k]! }))
      : undefined;
  return { width, outputs, texts: texts.all, tensors };
}

/** The shape that all instances of an output have. */
function shapeOf(
  { name }: InstanceTensor,
  { batching }: GraphInterface,
  results: readonly CallResult[],
): readonly number[] {
  let common: readonly number[] | undefined;
  for (const { instances, outputs } of results) {
    const { shape } = outputs[name]!;
    if (batching !== "whole" && shape[0] !== instances)
      throw uneven(name, `the shape [${shape.join(", ")}] for ${instances} instances`);
    const own = batching === "whole" ? shape : shape.slice(1);
    common ??= own;
    if (common.join() !== own.join())
      throw uneven(name, `the shapes [${common.join(", ")}] and [${own.join(", ")}]`);
  }
  return common ?? [];
}

function uneven(name: string, what: string): Error {
  return inferenceErrors.INFERENCE_UNEVEN_ANSWER.error(
    `the graph answers ${what} in its output ${JSON.stringify(name)}`,
    { details: { output: name }, hint: "Send the instances one at a time." },
  );
}

function numberAt(
  { type, data }: OnnxTensor,
  at: number,
  { name, texts }: { readonly name: string; readonly texts: TextTable },
): number {
  if (type === "string") return texts.place(data[at]!);
  const value = data[at]!;
  if (typeof value === "number") return value + 0;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw inferenceErrors.INFERENCE_INEXACT_ANSWER.error(
    `the graph answers the integer ${value} in its output ${JSON.stringify(name)}, which a JSON number cannot hold exactly`,
    { details: { output: name, value: String(value) } },
  );
}

class TextTable {
  readonly all: string[] = [];
  readonly #places = new Map<string, number>();

  place(text: string): number {
    let place = this.#places.get(text);
    if (place === undefined) {
      place = this.all.push(text) - 1;
      this.#places.set(text, place);
    }
    return place;
  }
}
