import type { ColumnType } from "../kernel/index.ts";
import {
  badRequest,
  bodyText,
  floatList,
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

/** The Open Inference Protocol V2 over REST with JSON tensors: one tensor for each raw column. */
export interface V2InferRequest extends ParsedInstances {
  /** Echoed in the answer. */
  readonly id: string | undefined;
}

const DATATYPES: Readonly<Record<ColumnType, readonly [string, ...string[]]>> = (() => {
  const integers = ["INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"] as const;
  return {
    int: integers,
    float: ["FP64", "FP32", ...integers],
    bool: ["BOOL"],
    timestamp: ["BYTES", "INT64", "FP64"],
    category: ["BYTES"],
    text: ["BYTES"],
  };
})();

/**
 * Reads the body of an `infer` call.
 *
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER, WIRE_UNKNOWN_FIELD
 */
export function parseV2Infer(body: Buffer, rules: InputRules, outputName: string): V2InferRequest {
  const text = bodyText(body, rules);
  const document = parseJson(text);
  if (!isObject(document)) throw badRequest("the body must be a JSON object", rules);
  const { id } = document;
  if (id !== undefined && typeof id !== "string")
    throw badRequest('"id" must be a string', rules, { field: "id" });
  checkOutputs(document.outputs, outputName, rules);
  const tensors = tensorsOf(document.inputs, rules);
  refuseLostDigits(tensors, rules, text);
  return { id, records: recordsFrom(tensors, rules), json: undefined };
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
  outputName: string,
): ParsedInstances {
  checkOutputs(
    request.outputs.map((name) => ({ name })),
    outputName,
    rules,
  );
  const tensors = tensorsOf(request.inputs, rules);
  for (const { name, values } of tensors.values()) {
    for (const [instance, value] of values.entries()) {
      if (typeof value === "bigint") throw inexactInteger(rules, { instance, field: name, value });
    }
  }
  return { records: recordsFrom(tensors, rules), json: undefined };
}

/** Any text may stand for a version: `3` and `v3` are numbers, others are taken for labels; nothing for the champion. */
export function v2VersionSelector(text: string): { version?: number; label?: string } {
  if (text === "") return {};
  const match = /^v?(\d{1,10})$/.exec(text);
  return match === null ? { label: text } : { version: Number(match[1]) };
}

interface Tensor {
  readonly name: string;
  /** Place among the inputs. */
  readonly index: number;
  readonly values: readonly unknown[];
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
    tensors.set(name, { name, index, values: valuesOf(input, column, rules) });
  }
  return tensors;
}

function valuesOf(input: InputRecord, column: InputColumn, rules: InputRules): readonly unknown[] {
  const { name, type } = column;
  const { datatype, shape, data, parameters } = input;
  if (typeof datatype !== "string" || !DATATYPES[type].includes(datatype)) {
    throw badRequest(
      `input "${name}" has the datatype ${JSON.stringify(datatype) ?? "undefined"}; a column of type ${type} takes ${DATATYPES[type].join(", ")}`,
      rules,
      { field: name },
    );
  }
  if (isObject(parameters) && Object.hasOwn(parameters, "binary_data_size"))
    throw badRequest(`input "${name}" is a binary tensor; this server reads JSON tensors only`, rules, {
      field: name,
    });
  const rowCount = rowsOf(shape, name, rules);
  if (!Array.isArray(data)) throw badRequest(`input "${name}" has no list "data"`, rules, { field: name });
  if (data.length !== rowCount)
    throw badRequest(
      `input "${name}" has ${data.length} values in "data" and the shape ${JSON.stringify(shape)}`,
      rules,
      { field: name },
    );
  return data.map((value: unknown, row) => {
    const inner: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (typeof inner === "object" && inner !== null)
      throw badRequest(`field "${name}" must be a single value`, rules, { field: name, instance: row });
    return inner;
  });
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

function refuseLostDigits(tensors: ReadonlyMap<string, Tensor>, rules: InputRules, text: string): void {
  const suspects = rules.integers
    .map((name) => tensors.get(name))
    .filter((tensor) => tensor?.values.some(mayBeInexact) === true);
  if (suspects.length === 0) return;
  const exact = parseKeepingInexact(text);
  if (!isObject(exact) || !Array.isArray(exact.inputs)) return;
  for (const tensor of suspects) {
    if (tensor === undefined) continue;
    const input: unknown = exact.inputs[tensor.index];
    if (!isObject(input) || !Array.isArray(input.data)) continue;
    const data = input.data.flat() as readonly unknown[];
    for (const [instance, value] of data.entries()) {
      if (typeof value === "bigint") throw inexactInteger(rules, { instance, field: tensor.name, value });
    }
  }
}

function checkOutputs(outputs: unknown, known: string, rules: InputRules): void {
  if (outputs === undefined) return;
  if (!Array.isArray(outputs)) throw badRequest('"outputs" must be a list', rules, { field: "outputs" });
  for (const [index, output] of outputs.entries()) {
    const name: unknown = isObject(output) ? output.name : undefined;
    if (name !== known) {
      throw badRequest(
        `outputs[${index}] asks for ${JSON.stringify(name) ?? "nothing"}; the model has the output "${known}"`,
        rules,
        { field: "outputs" },
      );
    }
  }
  if (outputs.length > 1)
    throw badRequest(`the output "${known}" is asked for twice`, rules, { field: "outputs" });
}

/** The body of an `infer` answer. */
export function writeV2Response(
  answer: {
    readonly model: string;
    readonly version: number;
    readonly id: string | undefined;
    readonly predictionId: string;
    readonly output: string;
    /** Outputs of an instance: 1 unless given. */
    readonly width?: number;
  },
  outputs: readonly number[],
): string {
  const { model, version, id, predictionId, output, width = 1 } = answer;
  const shape = width === 1 ? outputs.length : `${outputs.length / width}, ${width}`;
  const echoed = id === undefined ? "" : `"id": ${JSON.stringify(id)}, `;
  return (
    `{"model_name": ${JSON.stringify(model)}, "model_version": "${version}", ${echoed}` +
    `"parameters": {"prediction_id": "${predictionId}"}, "outputs": [{"name": ${JSON.stringify(output)}, ` +
    `"datatype": "FP64", "shape": [${shape}], "data": ${floatList(outputs)}}]}`
  );
}

export function v2ModelMetadata(
  model: { name: string; versions: readonly number[]; engine: string; output: string; width?: number },
  rules: InputRules,
): object {
  return {
    name: model.name,
    versions: model.versions.map(String),
    platform: `slipway_${model.engine}`,
    inputs: rules.columns.map(({ name, type }) => ({ name, datatype: DATATYPES[type][0], shape: [-1] })),
    outputs: [
      { name: model.output, datatype: "FP64", shape: model.width === undefined ? [-1] : [-1, model.width] },
    ],
  };
}
