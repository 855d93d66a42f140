import type { Signature, SignatureInput, SignatureOutput, SignatureTensor } from "../../bundle/index.ts";
import { inferenceErrors } from "../errors.ts";
import type { SessionDescription } from "./session-message.ts";
import type { TensorDeclaration, TensorType } from "./tensor.ts";

/**
 * How instances lie in the tensors of a graph:
 *
 * - `rows`: one behind the other along a first axis of any extent, so that one call answers many
 * - `single-row`: along a first axis of extent 1, so that each has a call of its own
 * - `whole`: there is no such axis; the tensors of a call are one instance
 */
export type Batching = "rows" | "single-row" | "whole";

/** A tensor of one instance. */
export interface InstanceTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Without the axis of the instances; −1 where each instance may have its own extent. */
  readonly shape: readonly number[];
}

/** A graph as something that answers instances. */
export interface GraphInterface {
  readonly batching: Batching;
  readonly inputs: readonly InstanceTensor[];
  readonly outputs: readonly InstanceTensor[];
  readonly answer: GraphAnswer;
}

/** What an instance is answered with. */
export type GraphAnswer =
  /** Probabilities of classes that the graph names by a ZipMap: of two classes the second one's. */
  | { readonly kind: "classes"; readonly output: string; readonly classes: readonly string[] }
  /** One number, or one list of them. */
  | { readonly kind: "numbers"; readonly output: string; readonly width: number }
  /** Everything else: all outputs, as they are. */
  | { readonly kind: "tensors" };

/** @throws INFERENCE_UNSUPPORTED_MODEL for a graph without inputs or outputs */
export function interfaceOf({
  inputs,
  outputs,
}: Pick<SessionDescription, "inputs" | "outputs">): GraphInterface {
  if (inputs.length === 0) throw unsupported("a graph without inputs");
  if (outputs.length === 0) throw unsupported("a graph without outputs");
  const known = outputs.map(withClassAxis);
  // Maps are one for each row of the inputs, whatever the file says of their tensor.
  const batching = batchingOf([...inputs, ...known.filter(({ classes }) => classes === undefined)]);
  const ofInstance = ({ name, type, shape }: TensorDeclaration): InstanceTensor => ({
    name,
    type,
    shape: (batching === "whole" ? shape : shape.slice(1)).map((extent) => extent ?? -1),
  });
  const answered = known.map(ofInstance);
  return {
    batching,
    inputs: inputs.map(ofInstance),
    outputs: answered,
    answer: answerOf(known, answered),
  };
}

function batchingOf(declared: readonly TensorDeclaration[]): Batching {
  const first = declared.map(({ shape }) => (shape.length === 0 ? 0 : shape[0]));
  if (first.every((extent) => extent === undefined)) return "rows";
  return first.every((extent) => extent === 1) ? "single-row" : "whole";
}

/** What maps were made of is a table of a column for each key, also where the graph leaves its shape open. */
function withClassAxis(output: TensorDeclaration): TensorDeclaration {
  if (output.classes === undefined || output.shape.length === 2) return output;
  return { ...output, shape: [undefined, output.classes.length] };
}

function answerOf(declared: readonly TensorDeclaration[], instances: readonly InstanceTensor[]): GraphAnswer {
  const mapped = declared.findIndex(({ classes }) => classes !== undefined && classes.length >= 2);
  const classes = declared[mapped]?.classes;
  // Classes that share a name can only be told apart by their place.
  if (
    classes !== undefined &&
    instances[mapped]?.shape.length === 1 &&
    new Set(classes).size === classes.length
  )
    return { kind: "classes", output: instances[mapped].name, classes };
  const [only] = instances;
  if (instances.length === 1 && only !== undefined && only.type.startsWith("float")) {
    const [width = 1, ...more] = only.shape;
    if (more.length === 0 && width > 0 && width <= 10_000)
      return { kind: "numbers", output: only.name, width };
  }
  return { kind: "tensors" };
}

/** The signature of a bundle whose records are the graph's own inputs. */
export function signatureOf({ inputs, outputs, batching, answer }: GraphInterface): Signature {
  const signature = { inputs: inputs.map(signatureInput), output: signatureOutput(outputs, answer) };
  return batching === "whole" ? { ...signature, unbatched: true } : signature;
}

function signatureInput({ name, type, shape }: InstanceTensor): SignatureInput {
  const input = { name, type: kindOf(type), required: true };
  return isSingle(shape) ? input : { ...input, shape };
}

/** A single value may have an axis of its own, as in a table of one column. */
export function isSingle(shape: readonly number[]): boolean {
  return shape.length === 0 || (shape.length === 1 && shape[0] === 1);
}

function signatureOutput(outputs: readonly InstanceTensor[], answer: GraphAnswer): SignatureOutput {
  switch (answer.kind) {
    case "classes": {
      const { classes } = answer;
      return classes.length === 2
        ? { name: "probability", task: "binary", classes }
        : { name: "probabilities", task: "multiclass", width: classes.length, classes };
    }
    case "numbers": {
      const { output, width } = answer;
      return { name: output, task: "regression", ...(width > 1 ? { width } : {}) };
    }
    case "tensors": {
      const tensors = outputs.map(
        ({ name, type, shape }): SignatureTensor => ({ name, type: kindOf(type), shape }),
      );
      return { name: tensors[0]!.name, task: "regression", tensors };
    }
  }
}

export function kindOf(type: TensorType): SignatureTensor["type"] {
  if (type === "string") return "text";
  if (type === "bool") return "bool";
  return type.startsWith("float") ? "float" : "int";
}

function unsupported(part: string): Error {
  return inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.error(`the ONNX file cannot be imported: ${part}`, {
    details: { format: "onnx", part },
  });
}
