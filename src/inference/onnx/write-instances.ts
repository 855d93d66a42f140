import type { ErrorDetails } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import type { Batching, GraphInterface, InstanceTensor } from "./graph-interface.ts";
import { isSingle } from "./graph-interface.ts";
import {
  type NumericTensorType,
  type OnnxTensor,
  type TensorType,
  tensorArrays,
  tensorSize,
} from "./tensor.ts";

export type InstanceRecord = Readonly<Record<string, unknown>>;

/** The tensors of one call of a graph, and how many instances lie in them. */
export interface GraphCall {
  readonly instances: number;
  readonly inputs: Readonly<Record<string, OnnxTensor>>;
}

/** The values of one tensor of one instance, before they lie in a tensor. */
interface InstanceValues {
  readonly shape: readonly number[];
  /** Numbers, bigints, booleans as 0 and 1, or texts; null for a float that is missing. */
  readonly values: readonly unknown[];
}

/** Thrown for a record, with the place of it. */
export interface WrongInstance {
  readonly instance: number;
  readonly error: unknown;
}

/**
 * Lays records into the tensors of as few calls as the graph allows: one where all instances lie along a first axis and have
 * the same shapes, else one for each instance.
 *
 * A tensor is given as lists nested as deep as it has axes, or as one flat list where its shape leaves nothing open. A missing
 * float (null) is NaN; other types must be given.
 *
 * @param onWrong throws for the record with the error: INFERENCE_MISSING_TENSOR or INFERENCE_BAD_TENSOR with details
 *   `{field, expected, got}`
 */
export function writeInstances(
  { inputs, batching }: GraphInterface,
  records: readonly InstanceRecord[],
  onWrong: (wrong: WrongInstance) => never,
): GraphCall[] {
  const read = records.map((record, instance) => {
    try {
      return inputs.map((input) => readTensor(record, input));
    } catch (error) {
      return onWrong({ instance, error });
    }
  });
  const together = batching === "rows" && inputs.every((_, at) => haveSameShape(read, at));
  const groups = together ? [read] : read.map((one) => [one]);
  return groups.map((group) => ({
    instances: group.length,
    inputs: Object.fromEntries(
      inputs.map(({ name, type }, at) => [
        name,
        tensorOf(
          type,
          group.map((one) => one[at]!),
          batching,
        ),
      ]),
    ),
  }));
}

function haveSameShape(read: readonly (readonly InstanceValues[])[], at: number): boolean {
  const first = read[0]?.[at]?.shape.join();
  return read.every((one) => one[at]!.shape.join() === first);
}

function tensorOf(type: TensorType, parts: readonly InstanceValues[], batching: Batching): OnnxTensor {
  const [{ shape } = { shape: [] }] = parts;
  const full = batching === "whole" ? shape : [parts.length, ...shape];
  if (type === "string")
    return { type, shape: full, data: parts.flatMap(({ values }) => values as string[]) };
  const data = new tensorArrays[type](tensorSize(full));
  let at = 0;
  for (const { values } of parts)
    for (let i = 0; i < values.length; i++) data[at++] = (values[i] ?? Number.NaN) as never;
  return { type, shape: full, data } as OnnxTensor;
}

function readTensor(record: InstanceRecord, input: InstanceTensor): InstanceValues {
  const { name, shape } = input;
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  if (value === undefined) {
    const expected = describe(input);
    throw inferenceErrors.INFERENCE_MISSING_TENSOR.error(`input ${JSON.stringify(name)} is missing`, {
      details: { field: name, expected, got: "nothing" },
      hint: `send ${expected}`,
    });
  }
  const check = checks[input.type];
  const values: unknown[] = [];
  const put = (item: unknown): void => {
    const checked = check(item);
    if (checked === undefined) throw wrong(input, kindOfValue(item));
    values.push(checked);
  };
  if (isSingle(shape)) {
    put(Array.isArray(value) && value.length === 1 ? value[0] : value);
    return { shape, values };
  }
  if (!Array.isArray(value)) throw wrong(input, kindOfValue(value));
  if (!shape.includes(-1) && value.length === tensorSize(shape) && !Array.isArray(value[0])) {
    for (const item of value) put(item);
    return { shape, values };
  }
  const extents = [...shape];
  readNested(value, 0, { input, extents, put });
  return { shape: extents, values };
}

function readNested(
  list: readonly unknown[],
  axis: number,
  into: {
    readonly input: InstanceTensor;
    readonly extents: number[];
    readonly put: (item: unknown) => void;
  },
): void {
  const { input, extents, put } = into;
  if (extents[axis] === -1) extents[axis] = list.length;
  if (list.length !== extents[axis])
    throw wrong(input, `a list of ${list.length} where ${extents[axis]} are expected along axis ${axis}`);
  const isLast = axis === extents.length - 1;
  for (const item of list) {
    if (isLast) put(item);
    else if (Array.isArray(item)) readNested(item, axis + 1, into);
    else throw wrong(input, `${kindOfValue(item)} at depth ${axis + 1}`);
  }
}

const integer =
  (least: number, most: number) =>
  (value: unknown): number | undefined =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? value
      : undefined;

const long =
  (least: number) =>
  (value: unknown): bigint | undefined =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least ? BigInt(value) : undefined;

/** A number, or null for one that is missing: it becomes NaN when it is laid into the tensor. */
const float = (value: unknown): number | null | undefined =>
  value === null || (typeof value === "number" && value - value === 0) ? value : undefined;

/** What a value of a type is laid down as; undefined for what is none. */
const checks: Readonly<Record<TensorType, (value: unknown) => unknown>> = {
  float32: float,
  float64: float,
  int8: integer(-128, 127),
  uint8: integer(0, 255),
  int16: integer(-32_768, 32_767),
  uint16: integer(0, 65_535),
  int32: integer(-2_147_483_648, 2_147_483_647),
  uint32: integer(0, 4_294_967_295),
  int64: long(Number.MIN_SAFE_INTEGER),
  uint64: long(0),
  bool: (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : undefined),
  string: (value) => (typeof value === "string" ? value : undefined),
};

const EXPECTED: Readonly<Record<TensorType, string>> = {
  float32: "a number or null",
  float64: "a number or null",
  int8: "a whole number from -128 to 127",
  uint8: "a whole number from 0 to 255",
  int16: "a whole number from -32768 to 32767",
  uint16: "a whole number from 0 to 65535",
  int32: "a whole number of 32 bits",
  uint32: "a whole number of 32 bits, not negative",
  int64: "a whole number within ±2^53",
  uint64: "a whole number from 0 to 2^53",
  bool: "true or false",
  string: "a string",
} satisfies Record<NumericTensorType | "string", string>;

function describe({ type, shape }: InstanceTensor): string {
  if (isSingle(shape)) return EXPECTED[type];
  return `lists of the shape [${shape.map((extent) => (extent === -1 ? "n" : extent)).join(", ")}], each value ${EXPECTED[type]}`;
}

function wrong(input: InstanceTensor, got: string): Error {
  const expected = describe(input);
  const details: ErrorDetails = { field: input.name, expected, got };
  return inferenceErrors.INFERENCE_BAD_TENSOR.error(
    `input ${JSON.stringify(input.name)} must be ${expected}; got ${got}`,
    { details },
  );
}

function kindOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 40).toWellFormed())}`;
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}
