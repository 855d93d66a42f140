import { bytesField, integerField } from "../onnx/protobuf-writer.ts";

/** Element types of onnx.proto. */
export const onnxTypes = {
  float: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  bfloat16: 16,
} as const;

type TypeName = keyof typeof onnxTypes;

/** An extent that is a text may be chosen by every call. */
export interface GraphValue {
  readonly name: string;
  readonly type: TypeName;
  readonly shape: readonly (number | string)[];
}

export interface GraphNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Plain numbers are integers. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Float32Array;

export interface GraphConstant {
  readonly name: string;
  readonly shape: readonly number[];
  /** float32 for floats, int64 for integers. */
  readonly values: Float32Array | BigInt64Array;
}

/** The bytes of an ONNX model, for tests. An output without a shape is a map, as ZipMap makes them. */
export function writeGraph(graph: {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly (GraphValue | { readonly name: string; readonly mapOf: "int64" | "string" })[];
  readonly constants?: readonly GraphConstant[];
  readonly opset?: number;
}): Uint8Array {
  const body = Buffer.concat([
    ...graph.nodes.map((node) => bytesField(1, writeNode(node))),
    bytesField(2, "graph"),
    ...(graph.constants ?? []).map((constant) => bytesField(5, writeConstant(constant))),
    ...graph.inputs.map((value) => bytesField(11, writeValue(value))),
    ...graph.outputs.map((value) => bytesField(12, "mapOf" in value ? writeMaps(value) : writeValue(value))),
  ]);
  const parts = [
    integerField(1, 8),
    bytesField(2, "slipway"),
    bytesField(7, body),
    bytesField(8, Buffer.concat([bytesField(1, ""), integerField(2, graph.opset ?? 17)])),
    bytesField(8, Buffer.concat([bytesField(1, "ai.onnx.ml"), integerField(2, 3)])),
  ];
  return Uint8Array.from(Buffer.concat(parts));
}

function writeNode({ op, domain, inputs, outputs, attributes = {} }: GraphNode): Uint8Array {
  return Buffer.concat([
    ...inputs.map((name) => bytesField(1, name)),
    ...outputs.map((name) => bytesField(2, name)),
    bytesField(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, writeAttribute(name, value))),
    ...(domain === undefined ? [] : [bytesField(7, domain)]),
  ]);
}

function writeAttribute(name: string, value: AttributeValue): Uint8Array {
  const named = (type: number, ...fields: readonly Uint8Array[]) =>
    Buffer.concat([bytesField(1, name), ...fields, integerField(20, type)]);
  if (typeof value === "number") return named(2, integerField(3, value));
  if (typeof value === "string") return named(3, bytesField(4, value));
  if (value instanceof Float32Array) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return named(6, bytesField(7, bytes));
  }
  if (value.every((item) => typeof item === "string"))
    return named(8, ...value.map((item) => bytesField(9, item)));
  return named(7, ...value.map((item) => integerField(8, Number(item))));
}

function writeConstant({ name, shape, values }: GraphConstant): Uint8Array {
  return Buffer.concat([
    ...shape.map((extent) => integerField(1, extent)),
    integerField(2, values instanceof Float32Array ? onnxTypes.float : onnxTypes.int64),
    bytesField(8, name),
    bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  ]);
}

function writeValue({ name, type, shape }: GraphValue): Uint8Array {
  const dimensions = shape.map((extent) =>
    bytesField(1, typeof extent === "number" ? integerField(1, extent) : bytesField(2, extent)),
  );
  const tensor = Buffer.concat([integerField(1, onnxTypes[type]), bytesField(2, Buffer.concat(dimensions))]);
  return Buffer.concat([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}

/** A sequence of maps to floats. */
function writeMaps({
  name,
  mapOf,
}: {
  readonly name: string;
  readonly mapOf: "int64" | "string";
}): Uint8Array {
  const float = bytesField(1, integerField(1, onnxTypes.float));
  const map = bytesField(5, Buffer.concat([integerField(1, onnxTypes[mapOf]), bytesField(2, float)]));
  return Buffer.concat([bytesField(1, name), bytesField(2, bytesField(4, bytesField(1, map)))]);
}
