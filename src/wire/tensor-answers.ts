import { floatText } from "./prediction-body.ts";
import { sizeOf } from "./tensor-values.ts";

/** One of the tensors that every instance is answered with. */
export interface AnswerTensor {
  readonly name: string;
  readonly type: "int" | "float" | "bool" | "text";
  /** Of one instance. */
  readonly shape: readonly number[];
}

/** Answers that are more than one number or one list of numbers. */
export interface TensorAnswers {
  readonly tensors: readonly AnswerTensor[];
  /** Instance by instance, tensor by tensor; a boolean is 0 or 1, a text its place in `texts`. */
  readonly values: readonly number[];
  readonly texts: readonly string[];
  readonly instances: number;
  /** True for a model without a batch axis that was given one instance: its tensors go out as they are. */
  readonly isWhole: boolean;
}

/**
 * The body of a V1 answer: for rows a list of one value (or of one object where there are several outputs) an instance, for
 * columns the outputs themselves.
 */
export function writeV1Tensors(form: "row" | "columnar", answers: TensorAnswers): string {
  const { tensors, instances, isWhole } = answers;
  const places = placesOf(tensors);
  const textOf = (tensor: number, instance: number): string =>
    nestedText(answers, { tensor, first: instance * places.width + places.starts[tensor]! });
  if (form === "row") {
    const rows = Array.from({ length: instances }, (_, instance) =>
      tensors.length === 1
        ? textOf(0, instance)
        : objectText(tensors.map(({ name }, tensor) => [name, textOf(tensor, instance)])),
    );
    return `{"predictions": [${rows.join(", ")}]}`;
  }
  const columns = tensors.map((_, tensor) => {
    const values = Array.from({ length: instances }, (_, instance) => textOf(tensor, instance));
    return isWhole ? values[0]! : `[${values.join(", ")}]`;
  });
  const outputs =
    tensors.length === 1 ? columns[0]! : objectText(tensors.map(({ name }, at) => [name, columns[at]!]));
  return `{"outputs": ${outputs}}`;
}

/** Where the tensors of an instance begin, and how many values it has. */
function placesOf(tensors: readonly AnswerTensor[]): { readonly starts: number[]; readonly width: number } {
  const starts: number[] = [];
  let width = 0;
  for (const { shape } of tensors) {
    starts.push(width);
    width += sizeOf(shape);
  }
  return { starts, width };
}

function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
}

function nestedText(answers: TensorAnswers, at: { readonly tensor: number; readonly first: number }): string {
  const { type, shape } = answers.tensors[at.tensor]!;
  const write = (axis: number, first: number): string => {
    if (axis === shape.length) return valueText(type, answers, first);
    const size = sizeOf(shape.slice(axis + 1));
    const items = Array.from({ length: shape[axis]! }, (_, i) => write(axis + 1, first + i * size));
    return `[${items.join(", ")}]`;
  };
  return write(0, at.first);
}

function valueText(type: AnswerTensor["type"], { values, texts }: TensorAnswers, at: number): string {
  const value = values[at]!;
  switch (type) {
    case "float":
      return floatText(value);
    case "int":
      return String(value);
    case "bool":
      return value === 0 ? "false" : "true";
    case "text":
      return JSON.stringify(texts[value]);
  }
}
