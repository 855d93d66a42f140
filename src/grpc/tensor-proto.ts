import {
  decodeTensor,
  type InputTensor,
  type OutputTensor,
  type TensorElement,
  type TensorType,
  textOf,
} from "../wire/index.ts";
import { grpcErrors } from "./errors.ts";
import { elementOf, numberOf, type WireInteger } from "./integers.ts";

/** TensorFlow's TensorProto: raw bytes in `tensor_content`, or one of the typed lists. */
export interface TensorProto {
  readonly dtype: number;
  readonly tensor_shape: {
    readonly dim: readonly { readonly size: WireInteger }[];
    readonly unknown_rank: boolean;
  } | null;
  readonly tensor_content: Uint8Array;
  readonly float_val: readonly number[];
  readonly double_val: readonly number[];
  readonly int_val: readonly number[];
  readonly string_val: readonly Uint8Array[];
  readonly int64_val: readonly WireInteger[];
  readonly bool_val: readonly boolean[];
  readonly half_val: readonly number[];
  readonly uint32_val: readonly number[];
  readonly uint64_val: readonly WireInteger[];
}

const FLOAT = 1;
const DOUBLE = 2;
const STRING = 7;
const INT64 = 9;
const BOOL = 10;

/** TensorFlow's numbers of the types, and the names they have in the Open Inference Protocol. */
const typeOfNumber: ReadonlyMap<number, TensorType> = new Map([
  [FLOAT, "FP32"],
  [DOUBLE, "FP64"],
  [3, "INT32"],
  [4, "UINT8"],
  [5, "INT16"],
  [6, "INT8"],
  [STRING, "BYTES"],
  [INT64, "INT64"],
  [BOOL, "BOOL"],
  [14, "BF16"],
  [17, "UINT16"],
  [19, "FP16"],
  [22, "UINT32"],
  [23, "UINT64"],
]);

export const tensorflowTypes = { int: INT64, float: DOUBLE, bool: BOOL, text: STRING } as const;

/**
 * @param proto null for an entry of a map that has a name and nothing else
 * @throws GRPC_BAD_REQUEST, WIRE_BAD_TENSOR naming the input
 */
export function inputTensor(name: string, proto: TensorProto | null): InputTensor {
  if (proto === null) throw badInput(name, "has no tensor");
  const datatype = typeOfNumber.get(proto.dtype);
  if (datatype === undefined)
    throw badInput(name, `has the type number ${proto.dtype}, which is not read here`);
  if (proto.tensor_shape?.unknown_rank) throw badInput(name, "has no shape");
  const shape = (proto.tensor_shape?.dim ?? []).map(({ size }) => numberOf(size));
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count) || shape.some((size) => size < 0))
    throw badInput(name, `has the shape [${shape.join(", ")}]`);
  // A scalar stands for one instance.
  const dimensions = shape.length === 0 ? [1] : shape;
  return { name, datatype, shape: dimensions, data: elementsOf(name, { datatype, count }, proto) };
}

function elementsOf(
  name: string,
  { datatype, count }: { readonly datatype: TensorType; readonly count: number },
  proto: TensorProto,
): readonly TensorElement[] {
  if (proto.tensor_content.length > 0 && datatype !== "BYTES")
    return decodeTensor({ name, type: datatype, count }, proto.tensor_content);
  const given = typedElements(name, datatype, proto);
  if (given.length === count) return given;
  // One value, or the last of several, stands for all that are left out.
  const last = given.at(-1);
  if (last === undefined || given.length > count || count > MOST_BROADCAST)
    throw badInput(name, `has ${given.length} values; its shape asks for ${count}`);
  return [...given, ...new Array<TensorElement>(count - given.length).fill(last)];
}

/** A few bytes may not ask for gigabytes. */
const MOST_BROADCAST = 1_000_000;

function typedElements(name: string, datatype: TensorType, proto: TensorProto): readonly TensorElement[] {
  switch (datatype) {
    case "FP32":
      return proto.float_val;
    case "FP64":
      return proto.double_val;
    case "INT8":
    case "INT16":
    case "INT32":
    case "UINT8":
    case "UINT16":
      return proto.int_val;
    case "INT64":
      return proto.int64_val.map(elementOf);
    case "BOOL":
      return proto.bool_val;
    case "UINT32":
      return proto.uint32_val;
    case "UINT64":
      return proto.uint64_val.map(elementOf);
    case "BYTES":
      return proto.string_val.map((bytes, at) => textOf(bytes, { name, at }));
    case "FP16":
    case "BF16":
      return halves(name, datatype, proto.half_val);
  }
}

/** `half_val` holds the 16 bits of each value as an integer. */
function halves(name: string, type: "FP16" | "BF16", bits: readonly number[]): readonly TensorElement[] {
  const bytes = new Uint8Array(Uint16Array.from(bits).buffer);
  return decodeTensor({ name, type, count: bits.length }, bytes);
}

/** An output as TensorFlow has it. */
export function tensorProto({ type, shape, values }: OutputTensor): object {
  const tensor_shape = { dim: shape.map((size) => ({ size })) };
  switch (type) {
    case "float":
      return { dtype: DOUBLE, tensor_shape, double_val: values };
    case "int":
      return { dtype: INT64, tensor_shape, int64_val: values };
    case "bool":
      return { dtype: BOOL, tensor_shape, bool_val: values.map((value) => value !== 0) };
    case "text":
      return { dtype: STRING, tensor_shape, string_val: values.map((text) => Buffer.from(text)) };
  }
}

function badInput(name: string, problem: string): Error {
  return grpcErrors.GRPC_BAD_REQUEST.error(`input "${name.slice(0, 200)}" ${problem}`, {
    details: { field: name.slice(0, 200) },
  });
}
