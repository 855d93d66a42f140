import type { ErrorKind, SlipwayError } from "../kernel/index.ts";
import { mayHoldBase64, withBase64Texts } from "./base64-values.ts";
import { recordsOfCsv } from "./csv-records.ts";
import {
  badRequest,
  bodyText,
  type InputRecord,
  type InputRules,
  isObject,
  type ParsedInstances,
  parseJson,
  parseKeepingInexact,
  recordsOf,
  refuseUnknown,
} from "./prediction-body.ts";
import { checkRecords, columnarRecords, rowRecords } from "./v1.ts";

/** The protocol of MLflow's scoring server, which SageMaker's containers speak too. */
export type MlflowType = "json" | "csv";

const FORMS = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;
const FORM_NAMES = FORMS.map((form) => `"${form}"`).join(", ");

/** What a content type says of a body; undefined for one that scoring does not read. */
export function mlflowType(contentType: string | undefined): MlflowType | undefined {
  const [type, ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  if (parameters.some((parameter) => !/^charset="?utf-8"?$/.test(parameter))) return undefined;
  return type === "application/json" ? "json" : type === "text/csv" ? "csv" : undefined;
}

/**
 * Reads the body of an `/invocations` call: CSV, or JSON with one of `dataframe_split`, `dataframe_records`, `instances` and
 * `inputs`. `params` is for models that take some, which ours do not.
 *
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_BAD_CSV, WIRE_INEXACT_INTEGER, WIRE_UNKNOWN_FIELD
 */
export function parseInvocations(body: Buffer, type: MlflowType, rules: InputRules): ParsedInstances {
  const text = bodyText(body, type === "csv" ? { ...rules, maxDepth: Number.POSITIVE_INFINITY } : rules);
  if (type === "csv") {
    const records = recordsOfCsv(text, rules);
    if (rules.refuseUnknownFields) refuseUnknown(records, rules);
    return { records, json: undefined };
  }
  const decode = (document: unknown) => (mayHoldBase64(text) ? withBase64Texts(document, rules) : document);
  const records = recordsOfForm(decode(parseJson(text)), rules);
  checkRecords(records, rules, () => recordsOfForm(decode(parseKeepingInexact(text)), rules));
  return { records, json: undefined };
}

function recordsOfForm(document: unknown, rules: InputRules): InputRecord[] {
  if (!isObject(document))
    throw badRequest(`the body must be a JSON object with one of ${FORM_NAMES}`, rules);
  const given = FORMS.filter((form) => Object.hasOwn(document, form));
  const [form] = given;
  if (form === undefined || given.length > 1)
    throw badRequest(
      `the body must have exactly one of ${FORM_NAMES}; it has ${given.length === 0 ? "none" : given.join(" and ")}`,
      rules,
    );
  const other = Object.keys(document).find((key) => key !== form && key !== "params");
  if (other !== undefined)
    throw badRequest(
      `besides "${form}" the body has "${other.slice(0, 200)}"; only "params" may stand there`,
      rules,
      {
        field: other.slice(0, 200),
      },
    );
  const value = document[form];
  switch (form) {
    case "dataframe_split":
      return splitRecords(value, rules);
    case "dataframe_records":
      return listedRecords(value, rules);
    case "instances":
      return rowRecords(value, rules);
    case "inputs":
      return Array.isArray(value) && value.length > 0 && value.every(isObject)
        ? value
        : columnarRecords(value, rules);
  }
}

function listedRecords(value: unknown, rules: InputRules): InputRecord[] {
  const at = { field: "dataframe_records" };
  if (!Array.isArray(value) || value.length === 0)
    throw badRequest('"dataframe_records" must be a list of objects, at least one', rules, at);
  const wrong = value.findIndex((record) => !isObject(record));
  if (wrong !== -1) throw badRequest("an object is expected", rules, { ...at, instance: wrong });
  return value as InputRecord[];
}

function splitRecords(value: unknown, rules: InputRules): InputRecord[] {
  const bad = (problem: string, instance?: number) =>
    badRequest(problem, rules, {
      field: "dataframe_split",
      ...(instance === undefined ? {} : { instance }),
    });
  if (!isObject(value)) throw bad('"dataframe_split" must be an object with "columns" and "data"');
  const { columns, data } = value;
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === "string"))
    throw bad('"columns" must be a list of names');
  if (new Set(columns).size < columns.length) throw bad('"columns" names a column twice');
  if (!Array.isArray(data) || data.length === 0) throw bad('"data" must be a list of rows, at least one');
  for (const [instance, row] of data.entries())
    if (!Array.isArray(row) || row.length !== columns.length)
      throw bad(`a list of ${columns.length} values is expected, one for each column`, instance);
  const rows = data as readonly (readonly unknown[])[];
  const values = new Map<string, readonly unknown[]>(
    columns.map((name, place) => [name, rows.map((row) => row[place])]),
  );
  return recordsOf(values, rows.length);
}

const ERROR_CODES: Readonly<Record<ErrorKind, string>> = {
  invalid: "BAD_REQUEST",
  denied: "PERMISSION_DENIED",
  "not-found": "RESOURCE_DOES_NOT_EXIST",
  conflict: "RESOURCE_CONFLICT",
  unsupported: "BAD_REQUEST",
  exhausted: "RESOURCE_LIMIT_EXCEEDED",
  internal: "INTERNAL_ERROR",
  unavailable: "TEMPORARILY_UNAVAILABLE",
};

/** `{error_code, message}` as MLflow answers it, with the stable code of the error beside it. */
export function mlflowError({ kind, code, message, details, hint }: SlipwayError): object {
  return {
    error_code: ERROR_CODES[kind],
    message,
    code,
    ...(Object.keys(details).length === 0 ? {} : { details }),
    ...(hint === undefined ? {} : { hint }),
  };
}
