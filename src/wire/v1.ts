import type { ColumnType } from "../kernel/index.ts";
import { mayHoldBase64, withBase64Texts } from "./base64-values.ts";
import {
  badRequest,
  bodyText,
  floatList,
  floatLists,
  type InputRecord,
  type InputRules,
  isObject,
  type ParsedInstances,
  parseJson,
  parseKeepingInexact,
  recordsOf,
  refuseInexact,
  refuseUnknown,
  suspectInteger,
  unknownField,
} from "./prediction-body.ts";
import type { AnswerTensor } from "./tensor-answers.ts";

/**
 * The REST protocol of TensorFlow Serving and KServe V1: `:predict` with row `instances` or columnar `inputs`,
 * status and metadata. Where the two differ, TensorFlow Serving is followed; documents are the union of both.
 */
export interface V1PredictRequest extends ParsedInstances {
  /** `row` answers `predictions`, `columnar` answers `outputs`. */
  readonly form: "row" | "columnar";
  /** True when the body holds the tensors of a model without a batch axis as they are. */
  readonly isWhole: boolean;
}

/** How bodies begin that hold nothing but instances, as JSON writers of most languages make them. */
const ROWS_ONLY = ['{"instances":[', '{"instances": ['] as const;

/**
 * Reads the body of a `:predict` call.
 *
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER, WIRE_UNKNOWN_FIELD
 */
export function parseV1Predict(body: Buffer, rules: InputRules): V1PredictRequest {
  const text = bodyText(body, rules);
  if (mayHoldBase64(text)) return parseAny(text, rules);
  return parseRowsOnly(text, body, rules) ?? parseAny(text, rules);
}

/** The common case: the list of instances is parsed by itself, so that its bytes are known and can be logged as they are. */
function parseRowsOnly(text: string, body: Buffer, rules: InputRules): V1PredictRequest | undefined {
  const start = text.startsWith(ROWS_ONLY[0]) ? 13 : text.startsWith(ROWS_ONLY[1]) ? 14 : -1;
  if (start === -1 || !text.endsWith("]}")) return undefined;
  const listText = text.slice(start, -1);
  let list: unknown;
  try {
    list = JSON.parse(listText);
  } catch {
    // The body holds more than instances, or is not JSON: the general way finds out which.
    return undefined;
  }
  if (!Array.isArray(list) || list.length === 0 || !list.every(isObject)) return undefined;
  checkRecords(list, rules, () => parseKeepingInexact(listText));
  return { form: "row", isWhole: false, records: list, json: body.subarray(start, body.length - 1) };
}

/**
 * @param exactRecords the same records, from a reading that kept integers which a double cannot hold
 * @throws WIRE_UNKNOWN_FIELD, WIRE_INEXACT_INTEGER
 */
export function checkRecords(
  records: readonly InputRecord[],
  rules: InputRules,
  exactRecords: () => unknown,
): void {
  if (rules.refuseUnknownFields) refuseUnknown(records, rules);
  for (let i = 0; i < records.length; i++) {
    if (suspectInteger(records[i]!, rules) !== undefined) {
      const exact = exactRecords();
      if (Array.isArray(exact)) refuseInexact(exact, rules);
      return;
    }
  }
}

function parseAny(text: string, rules: InputRules): V1PredictRequest {
  const decode = (parsed: unknown) => (mayHoldBase64(text) ? withBase64Texts(parsed, rules) : parsed);
  const document = decode(parseJson(text));
  if (!isObject(document))
    throw badRequest('the body must be a JSON object with "instances" or "inputs"', rules);
  checkSignatureName(document.signature_name, rules);
  const hasRows = Object.hasOwn(document, "instances");
  if (hasRows === Object.hasOwn(document, "inputs")) {
    throw badRequest(
      hasRows
        ? 'the body has both "instances" and "inputs"; send one of them'
        : 'the body has neither "instances" nor "inputs"',
      rules,
    );
  }
  const read = (whole: unknown): InputRecord[] => {
    if (!isObject(whole)) return [];
    return hasRows ? rowRecords(whole.instances, rules) : columnarRecords(whole.inputs, rules);
  };
  const records = read(document);
  checkRecords(records, rules, () => read(decode(parseKeepingInexact(text))));
  return {
    form: hasRows ? "row" : "columnar",
    isWhole: !hasRows && rules.unbatched,
    records,
    json: undefined,
  };
}

/** @throws WIRE_BAD_REQUEST */
export function checkSignatureName(name: unknown, rules: InputRules): void {
  if (name === undefined || name === "" || name === "serving_default") return;
  throw badRequest('"signature_name" must be "serving_default": models have one signature', rules, {
    field: "signature_name",
  });
}

/** The records of `instances`. */
export function rowRecords(instances: unknown, rules: InputRules): InputRecord[] {
  if (!Array.isArray(instances))
    throw badRequest('"instances" must be a list', rules, { field: "instances" });
  if (instances.length === 0) throw badRequest('"instances" is an empty list', rules, { field: "instances" });
  if (instances.every(isObject)) return instances;
  const only = rules.columns.length === 1 ? rules.columns[0] : undefined;
  const wrong = instances.findIndex((instance) => isObject(instance) === (only !== undefined));
  if (only === undefined || wrong !== -1) throw notARecord(instances[wrong], wrong, rules);
  const values =
    only.shape === undefined
      ? instances.map((instance, index) => scalarOf(instance, rules, { instance: index, field: only.name }))
      : instances;
  return recordsOf(new Map([[only.name, values]]), values.length);
}

/** The records of `inputs`. */
export function columnarRecords(inputs: unknown, rules: InputRules): InputRecord[] {
  const given = isObject(inputs) ? inputs : bareColumn(inputs, rules);
  if (rules.refuseUnknownFields) {
    for (const name of Object.keys(given)) if (!rules.names.has(name)) throw unknownField(rules, name);
  }
  const columns = new Map<string, readonly unknown[]>();
  let rowCount: number | undefined;
  for (const { name, shape } of rules.columns) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    if (isObject(value))
      throw badRequest(`input "${name}" must be a list of values, not an object`, rules, { field: name });
    const isOne = rules.unbatched || !Array.isArray(value);
    const items: readonly unknown[] = isOne ? [value] : value;
    const column =
      shape === undefined
        ? items.map((item, instance) => scalarOf(item, rules, { instance, field: name }))
        : items;
    if (rowCount !== undefined && column.length !== rowCount) {
      throw badRequest(
        `input "${name}" has ${column.length} values, the inputs before it have ${rowCount}`,
        rules,
        { field: name },
      );
    }
    rowCount = column.length;
    columns.set(name, column);
  }
  const missing = rules.columns.find(({ name, required }) => required && !columns.has(name));
  if (missing !== undefined)
    throw badRequest(`"inputs" lacks the input "${missing.name}"`, rules, { field: missing.name });
  if (rowCount === undefined || rowCount === 0)
    throw badRequest('"inputs" holds no values', rules, { field: "inputs" });
  for (const { name } of rules.columns)
    if (!columns.has(name)) columns.set(name, new Array<null>(rowCount).fill(null));
  return recordsOf(columns, rowCount);
}

function bareColumn(inputs: unknown, rules: InputRules): InputRecord {
  const only = rules.columns.length === 1 ? rules.columns[0] : undefined;
  if (only === undefined) {
    const names = rules.columns.map(({ name }) => name).join(", ");
    throw badRequest(`"inputs" must be an object with a list for each of ${names}`, rules, {
      field: "inputs",
    });
  }
  return recordsOf(new Map([[only.name, [inputs]]]), 1)[0]!;
}

/** A value, or the list of one value that a tensor of shape [n, 1] has for each instance. */
function scalarOf(value: unknown, rules: InputRules, at: { instance: number; field: string }): unknown {
  const inner: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof inner === "object" && inner !== null)
    throw badRequest(`field "${at.field}" must be a single value`, rules, at);
  return inner;
}

function notARecord(value: unknown, instance: number, rules: InputRules): Error {
  if (rules.columns.length === 1)
    return badRequest('objects and bare values cannot be mixed in "instances"', rules, { instance });
  const names = rules.columns.map(({ name }) => name).join(", ");
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  return badRequest(`an object with the fields ${names} is expected, not ${got}`, rules, { instance });
}

/**
 * The body of a `:predict` answer. Floats stay floats: `3.0`.
 *
 * @param width outputs of an instance; several of them are a list of their own
 */
export function writeV1Predictions(
  form: V1PredictRequest["form"],
  outputs: readonly number[],
  width = 1,
): string {
  const list = width === 1 ? floatList(outputs) : floatLists(outputs, width);
  return form === "row" ? `{"predictions": ${list}}` : `{"outputs": ${list}}`;
}

export interface V1VersionStatus {
  readonly version: number;
  readonly available: boolean;
  readonly problem?: string;
}

/** The union of TensorFlow Serving's status and KServe's `{name, ready}`. */
export function v1Status(
  model: { name: string; ready: boolean },
  versions: readonly V1VersionStatus[],
): object {
  return {
    model_version_status: versions.map(({ version, available, problem }) => ({
      version: String(version),
      state: available ? "AVAILABLE" : "END",
      status: available
        ? { error_code: "OK", error_message: "" }
        : { error_code: "UNAVAILABLE", error_message: problem ?? "" },
    })),
    name: model.name,
    ready: model.ready,
  };
}

const V1_TYPES: Readonly<Record<ColumnType, string>> = {
  int: "DT_INT64",
  float: "DT_DOUBLE",
  bool: "DT_BOOL",
  timestamp: "DT_STRING",
  category: "DT_STRING",
  text: "DT_STRING",
};

/** TensorFlow Serving's metadata document, doubly nested `signature_def` included. */
export function v1Metadata(
  model: {
    name: string;
    version: number;
    output: string;
    width?: number;
    tensors?: readonly AnswerTensor[];
  },
  rules: InputRules,
): object {
  const tensor = (name: string, dtype: string, shape: readonly number[] = []) => ({
    dtype,
    tensor_shape: {
      dim: (rules.unbatched ? shape : [-1, ...shape]).map((extent) => ({ size: String(extent), name: "" })),
      unknown_rank: false,
    },
    name: `${name}:0`,
  });
  const outputs: readonly AnswerTensor[] = model.tensors ?? [
    { name: model.output, type: "float", shape: model.width === undefined ? [] : [model.width] },
  ];
  return {
    model_spec: { name: model.name, signature_name: "", version: String(model.version) },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: {
            inputs: Object.fromEntries(
              rules.columns.map(({ name, type, shape }) => [name, tensor(name, V1_TYPES[type], shape)]),
            ),
            outputs: Object.fromEntries(
              outputs.map(({ name, type, shape }) => [name, tensor(name, V1_TYPES[type], shape)]),
            ),
            method_name: "tensorflow/serving/predict",
          },
        },
      },
    },
  };
}
