import type { ColumnType } from "../kernel/index.ts";
import {
  badRequest,
  bodyText,
  type InputColumn,
  type InputRecord,
  type InputRules,
  inexactInteger,
  isObject,
  mayBeInexact,
  type ParsedInstances,
  parseJson,
  parseKeepingInexact,
  recordsOf,
  unknownField,
} from "./prediction-body.ts";
import type { TensorElement } from "./tensor-bytes.ts";
import { splitTensor } from "./tensor-values.ts";
import { binaryOutputs, withBinaryData } from "./v2-binary.ts";

/** The Open Inference Protocol V2 over REST with JSON tensors: one tensor for each raw column. */
export interface V2InferRequest extends ParsedInstances {
  /** Echoed in the answer. */
  readonly id: string | undefined;
  /** Names of the outputs that were asked for; all when nothing was. */
  readonly outputs: readonly string[] | undefined;
  /** Names of the outputs that are to be answered as bytes behind the JSON. */
  readonly binaryOutputs: ReadonlySet<string>;
  /** True when the body holds the tensors of a model without a batch axis as they are. */
  readonly isWhole: boolean;
}

/** What a column of each type may be sent as; the first is what metadata says. */
export const DATATYPES: Readonly<Record<ColumnType, readonly [string, ...string[]]>> = (() => {
  const integers = ["INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"] as const;
  return {
    int: integers,
    float: ["FP64", "FP32", ...integers],
    bool: ["BOOL"],
    timestamp: ["BYTES", "INT64", "FP64"],
    category: ["BYTES"],
    text: ["BYTES"],
    image: ["BYTES"],
  };
})();

/**
 * Reads the body of an `infer` call.
 *
 * @param jsonBytes how much of the body is JSON; what follows are the binary tensors, in the order of the inputs that say
 *   `binary_data_size`. All of it without the binary tensor extension.
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_BAD_TENSOR, WIRE_INEXACT_INTEGER,
 *   WIRE_UNKNOWN_FIELD
 */
export function parseV2Infer(
  body: Buffer,
  rules: InputRules,
  outputNames: string | readonly string[],
  jsonBytes: number = body.length,
): V2InferRequest {
  const text = bodyText(body.subarray(0, jsonBytes), rules);
  const document = parseJson(text);
  if (!isObject(document)) throw badRequest("the body must be a JSON object", rules);
  const { id } = document;
  if (id !== undefined && typeof id !== "string")
    throw badRequest('"id" must be a string', rules, { field: "id" });
  const outputs = readOutputs(document.outputs, outputNames, rules);
  const { inputs, isBinary } = withBinaryData(document.inputs, body.subarray(jsonBytes), rules);
  const tensors = tensorsOf(inputs, rules);
  refuseLostDigits(tensors, rules, text);
  if (isBinary) refuseBigIntegers(tensors, rules);
  return {
    id,
    outputs,
    binaryOutputs: binaryOutputs(document, outputNames),
    isWhole: areWhole(tensors),
    records: recordsFrom(tensors, rules),
    json: undefined,
  };
}

/** A tensor that was not sent as JSON. */
export interface InputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: readonly TensorElement[];
}

/**
 * The records of a request that did not come as JSON.
 *
 * @param outputs names of the outputs that are asked for; none means all
 * @throws WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER, WIRE_UNKNOWN_FIELD
 */
export function recordsOfTensors(
  request: { readonly inputs: readonly InputTensor[]; readonly outputs: readonly string[] },
  rules: InputRules,
  outputNames: string | readonly string[],
): Omit<V2InferRequest, "id" | "binaryOutputs"> {
  const outputs = readOutputs(
    request.outputs.map((name) => ({ name })),
    outputNames,
    rules,
  );
  const tensors = tensorsOf(request.inputs, rules);
  refuseBigIntegers(tensors, rules);
  return { outputs, isWhole: areWhole(tensors), records: recordsFrom(tensors, rules), json: undefined };
}

/** Any text may stand for a version: `3` and `v3` are numbers, others are taken for labels; nothing for the champion. */
export function v2VersionSelector(text: string): { version?: number; label?: string } {
  if (text === "") return {};
  const match = /^v?(\d{1,10})$/.exec(text);
  return match === null ? { label: text } : { version: Number(match[1]) };
}

function refuseBigIntegers(tensors: ReadonlyMap<string, Tensor>, rules: InputRules): void {
  for (const { name, values } of tensors.values()) {
    for (let instance = 0; instance < values.length; instance++) {
      const value = values[instance];
      if (typeof value !== "bigint" && typeof value !== "object") continue;
      const inexact = firstBigInt(value);
      if (inexact !== undefined) throw inexactInteger(rules, { instance, field: name, value: inexact });
    }
  }
}

function firstBigInt(value: unknown): bigint | undefined {
  if (!Array.isArray(value)) return typeof value === "bigint" ? value : undefined;
  for (const item of value) {
    const found = firstBigInt(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function areWhole(tensors: ReadonlyMap<string, Tensor>): boolean {
  return Array.from(tensors.values()).some((tensor) => tensor.isWhole);
}

interface Tensor {
  readonly name: string;
  /** Place among the inputs. */
  readonly index: number;
  readonly values: readonly unknown[];
  readonly isWhole: boolean;
}

function tensorsOf(inputs: unknown, rules: InputRules): Map<string, Tensor> {
  if (!Array.isArray(inputs))
    throw badRequest('"inputs" must be a list of tensors', rules, { field: "inputs" });
  const tensors = new Map<string, Tensor>();
  for (const [index, input] of inputs.entries()) {
    if (!isObject(input)) throw badRequest(`inputs[${index}] must be an object`, rules, { field: "inputs" });
    const { name } = input;
    if (typeof name !== "string")
      throw badRequest(`inputs[${index}] has no name`, rules, { field: "inputs" });
    const column = rules.columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      if (rules.refuseUnknownFields) throw unknownField(rules, name);
      continue;
    }
    if (tensors.has(name)) throw badRequest(`the input "${name}" stands there twice`, rules, { field: name });
    tensors.set(name, { name, index, ...valuesOf(input, column, rules) });
  }
  return tensors;
}

function valuesOf(
  input: InputRecord,
  column: InputColumn,
  rules: InputRules,
): Pick<Tensor, "values" | "isWhole"> {
  const { name, type } = column;
  const { datatype, shape, data } = input;
  if (typeof datatype !== "string" || !DATATYPES[type].includes(datatype)) {
    throw badRequest(
      `input "${name}" has the datatype ${JSON.stringify(datatype) ?? "undefined"}; a column of type ${type} takes ${DATATYPES[type].join(", ")}`,
      rules,
      { field: name },
    );
  }
  if (!Array.isArray(data)) throw badRequest(`input "${name}" has no list "data"`, rules, { field: name });
  if (column.shape !== undefined) {
    const tensor = { ...column, shape: column.shape };
    const extents = extentsOf(shape, name, rules);
    const { instances } = splitTensor({ shape: extents, data }, tensor, rules);
    return { values: instances, isWhole: rules.unbatched && extents.length === column.shape.length };
  }
  const isWhole = rules.unbatched && Array.isArray(shape) && shape.length === 0;
  const rowCount = isWhole ? 1 : rowsOf(shape, name, rules);
  if (data.length !== rowCount)
    throw badRequest(
      `input "${name}" has ${data.length} values in "data" and the shape ${JSON.stringify(shape)}`,
      rules,
      { field: name },
    );
  return { values: singleValues(data, name, rules), isWhole };
}

/** Each value of `data`, or the only one in it. */
function singleValues(data: readonly unknown[], name: string, rules: InputRules): readonly unknown[] {
  if (!data.some((value) => typeof value === "object" && value !== null)) return data;
  return data.map((value, row) => {
    const inner: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof inner === "object" && inner !== null)
      throw badRequest(`field "${name}" must be a single value`, rules, { field: name, instance: row });
    return inner;
  });
}

function extentsOf(shape: unknown, name: string, rules: InputRules): readonly number[] {
  const isExtent = (extent: unknown) => Number.isSafeInteger(extent) && Number(extent) >= 0;
  if (Array.isArray(shape) && shape.every(isExtent)) return shape;
  throw badRequest(
    `input "${name}" has the shape ${JSON.stringify(shape) ?? "undefined"}; a list of extents is expected`,
    rules,
    { field: name },
  );
}

/** The first dimension of a shape [n] or [n, 1]. */
function rowsOf(shape: unknown, name: string, rules: InputRules): number {
  const [rows, columns, ...more] = Array.isArray(shape) ? (shape as readonly unknown[]) : [];
  if (
    typeof rows !== "number" ||
    !Number.isSafeInteger(rows) ||
    rows < 1 ||
    (columns !== undefined && columns !== 1) ||
    more.length > 0
  ) {
    throw badRequest(
      `input "${name}" has the shape ${JSON.stringify(shape) ?? "undefined"}; [n] or [n, 1] with n ≥ 1 is expected`,
      rules,
      { field: name },
    );
  }
  return rows;
}

function recordsFrom(tensors: ReadonlyMap<string, Tensor>, rules: InputRules): InputRecord[] {
  const columns = new Map<string, readonly unknown[]>();
  let first: Tensor | undefined;
  for (const { name, required } of rules.columns) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      if (required) throw badRequest(`the input "${name}" is missing`, rules, { field: name });
      continue;
    }
    first ??= tensor;
    if (tensor.values.length !== first.values.length) {
      throw badRequest(
        `input "${name}" has ${tensor.values.length} values, input "${first.name}" has ${first.values.length}`,
        rules,
        { field: name },
      );
    }
    columns.set(name, tensor.values);
  }
  if (first === undefined) throw badRequest("no input of the model is given", rules, { field: "inputs" });
  const rowCount = first.values.length;
  for (const { name } of rules.columns)
    if (!columns.has(name)) columns.set(name, new Array<null>(rowCount).fill(null));
  return recordsOf(columns, rowCount);
}

function holdsInexact(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsInexact) : mayBeInexact(value);
}

function refuseLostDigits(tensors: ReadonlyMap<string, Tensor>, rules: InputRules, text: string): void {
  const suspects = rules.integers
    .map((name) => tensors.get(name))
    .filter((tensor) => tensor?.values.some(holdsInexact) === true);
  if (suspects.length === 0) return;
  const exact = parseKeepingInexact(text);
  if (!isObject(exact) || !Array.isArray(exact.inputs)) return;
  for (const tensor of suspects) {
    if (tensor === undefined) continue;
    const input: unknown = exact.inputs[tensor.index];
    if (!isObject(input) || !Array.isArray(input.data)) continue;
    const data = input.data.flat(Number.POSITIVE_INFINITY) as readonly unknown[];
    const perInstance = data.length / tensor.values.length;
    for (const [at, value] of data.entries()) {
      const instance = Math.floor(at / perInstance);
      if (typeof value === "bigint") throw inexactInteger(rules, { instance, field: tensor.name, value });
    }
  }
}

function readOutputs(
  outputs: unknown,
  outputNames: string | readonly string[],
  rules: InputRules,
): readonly string[] | undefined {
  if (outputs === undefined) return undefined;
  const known = typeof outputNames === "string" ? [outputNames] : outputNames;
  if (!Array.isArray(outputs)) throw badRequest('"outputs" must be a list', rules, { field: "outputs" });
  const names: string[] = [];
  for (const [index, output] of outputs.entries()) {
    const name: unknown = isObject(output) ? output.name : undefined;
    if (typeof name !== "string" || !known.includes(name)) {
      const listed = `output${known.length === 1 ? "" : "s"} ${known.map((one) => `"${one}"`).join(", ")}`;
      throw badRequest(
        `outputs[${index}] asks for ${JSON.stringify(name) ?? "nothing"}; the model has the ${listed}`,
        rules,
        { field: "outputs" },
      );
    }
    if (names.includes(name))
      throw badRequest(`the output "${name}" is asked for twice`, rules, { field: "outputs" });
    names.push(name);
  }
  return names.length === 0 ? undefined : names;
}
