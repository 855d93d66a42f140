import { badFile, unsupported } from "../origin-model.ts";
import { ProtoMessage } from "./protobuf.ts";

/** The element types of tensors that are of interest here. */
export const elementTypes = {
  float: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  float16: 10,
  double: 11,
  bfloat16: 16,
} as const;

export interface OnnxGraph {
  readonly producer: string;
  /** Version of each operator set, by its domain; "" is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxInput {
  readonly name: string;
  readonly elementType: number;
  /** Values in one row, where the shape [rows, width] says so. */
  readonly width: number | undefined;
}

export interface OnnxNode {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL */
export function readGraph(bytes: Uint8Array): OnnxGraph {
  const model = new ProtoMessage(bytes, "the model");
  const graph = model.message(7, "the graph");
  if (graph === undefined) throw badFile("onnx", "it holds no graph");
  if (model.has(25)) throw unsupported("onnx", "functions of its own (ModelProto.functions)");
  const opsets = model
    .messages(8, "an operator set")
    .map((set): [string, number] => [domainOf(set.text(1)), set.integer(2)]);
  const constants = new Set(graph.messages(5, "an initializer").map((tensor) => tensor.text(8)));
  return {
    producer: [model.text(2), model.text(3)].filter((part) => part !== "").join(" "),
    opsets: new Map(opsets),
    inputs: graph
      .messages(11, "an input")
      .map(inputOf)
      .filter(({ name }) => !constants.has(name)),
    outputs: graph.messages(12, "an output").map((output) => output.text(1)),
    nodes: graph.messages(1, "a node").map((node) => ({
      op: node.text(4),
      domain: domainOf(node.text(7)),
      inputs: node.texts(1),
      outputs: node.texts(2),
      attributes: new Attributes(node.messages(5, "an attribute"), node.text(4)),
    })),
  };
}

function domainOf(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function inputOf(input: ProtoMessage): OnnxInput {
  const type = input.message(2, "a type")?.message(1, "a tensor type");
  const dimensions = type?.message(2, "a shape")?.messages(1, "a dimension") ?? [];
  const width = dimensions.length < 2 ? 0 : (dimensions.at(-1)?.integer(1) ?? 0);
  return {
    name: input.text(1),
    elementType: type?.integer(1) ?? 0,
    width: width > 0 && width <= 1_000_000 ? width : undefined,
  };
}

/** The attributes of a node by name. */
export class Attributes {
  readonly #byName: ReadonlyMap<string, ProtoMessage>;
  readonly #op: string;

  constructor(attributes: readonly ProtoMessage[], op: string) {
    this.#byName = new Map(attributes.map((attribute) => [attribute.text(1), attribute]));
    this.#op = op;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  text(name: string, fallback: string): string {
    return this.#byName.get(name)?.text(4) ?? fallback;
  }

  integer(name: string, fallback: number): number {
    return this.#byName.get(name)?.integer(3) ?? fallback;
  }

  texts(name: string): string[] {
    return this.#byName.get(name)?.texts(9) ?? [];
  }

  integers(name: string): number[] {
    return this.#byName.get(name)?.integers(8) ?? [];
  }

  /** Floats, or under the name `<name>_as_tensor` a tensor of them. */
  floats(name: string): number[] {
    const tensor = this.tensor(`${name}_as_tensor`);
    return tensor.length > 0 ? tensor : (this.#byName.get(name)?.floats(7) ?? []);
  }

  /** The values of a tensor of one dimension; empty without one. */
  tensor(name: string): number[] {
    const tensor = this.#byName.get(name)?.message(5, `${this.#op}.${name}`);
    return tensor === undefined ? [] : tensorValues(tensor, `${this.#op}.${name}`);
  }
}

function tensorValues(tensor: ProtoMessage, what: string): number[] {
  if (tensor.integer(14) === 1) throw unsupported("onnx", `${what} lies in another file (external data)`);
  const raw = tensor.bytes(9);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const fromRaw = (width: number, read: (at: number) => number): number[] => {
    if (raw.length % width !== 0) throw badFile("onnx", `${what} has ${raw.length} bytes`);
    return Array.from({ length: raw.length / width }, (_, i) => read(i * width));
  };
  const type = tensor.integer(2);
  switch (type) {
    case elementTypes.float:
      return raw.length > 0 ? fromRaw(4, (at) => view.getFloat32(at, true)) : tensor.floats(4);
    case elementTypes.double:
      return raw.length > 0 ? fromRaw(8, (at) => view.getFloat64(at, true)) : tensor.doubles(10);
    case elementTypes.uint8:
      return raw.length > 0 ? Array.from(raw) : tensor.integers(5);
    case elementTypes.int64:
      return raw.length > 0 ? fromRaw(8, (at) => Number(view.getBigInt64(at, true))) : tensor.integers(7);
    default:
      throw unsupported("onnx", `${what} is a tensor of the element type ${type}`);
  }
}
