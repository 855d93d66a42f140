import { mayHoldBase64, withBase64Texts } from "./base64-values.ts";
import { recordsOfFeatures } from "./example-features.ts";
import type { AnsweredValues } from "./output-tensors.ts";
import {
  badRequest,
  bodyText,
  floatList,
  floatText,
  type InputRecord,
  type InputRules,
  isObject,
  type ParsedInstances,
  parseJson,
  parseKeepingInexact,
} from "./prediction-body.ts";
import { checkRecords, checkSignatureName } from "./v1.ts";

/**
 * Reads the body of TensorFlow Serving's `:classify` and `:regress`: `examples`, objects of features that are a value or a
 * list of values of one kind, and a `context` of features that all of them share.
 *
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER, WIRE_UNKNOWN_FIELD
 */
export function parseV1Examples(body: Buffer, rules: InputRules): ParsedInstances {
  const text = bodyText(body, rules);
  const decode = (document: unknown) => (mayHoldBase64(text) ? withBase64Texts(document, rules) : document);
  const records = recordsOfExamples(decode(parseJson(text)), rules);
  checkRecords(records, rules, () => recordsOfExamples(decode(parseKeepingInexact(text)), rules));
  return { records, json: undefined };
}

function recordsOfExamples(document: unknown, rules: InputRules): InputRecord[] {
  if (!isObject(document)) throw badRequest('the body must be a JSON object with "examples"', rules);
  checkSignatureName(document.signature_name, rules);
  const { examples, context = {} } = document;
  if (!Array.isArray(examples) || examples.length === 0)
    throw badRequest('"examples" must be a list of objects, at least one', rules, { field: "examples" });
  if (!isObject(context))
    throw badRequest('"context" must be an object of features', rules, { field: "context" });
  const shared = featuresOf(context, rules, undefined);
  const own = examples.map((example: unknown, instance) => {
    if (!isObject(example)) throw badRequest("an object of features is expected", rules, { instance });
    const both = Object.keys(example).find((name) => shared.has(name));
    if (both !== undefined)
      throw badRequest(`feature "${both}" stands in "context" too`, rules, { instance, field: both });
    return featuresOf(example, rules, instance);
  });
  return recordsOfFeatures(
    { count: own.length, valuesOf: (instance, name) => own[instance]!.get(name) ?? shared.get(name) },
    rules,
  );
}

type FeatureValue = string | number | bigint;

/** Kinds as TensorFlow's Example has them: booleans are integers, so that the two may stand in one list. */
function featuresOf(
  features: InputRecord,
  rules: InputRules,
  instance: number | undefined,
): Map<string, readonly FeatureValue[]> {
  const found = new Map<string, readonly FeatureValue[]>();
  for (const [name, value] of Object.entries(features)) {
    const field = name.slice(0, 200);
    const at = { field, ...(instance === undefined ? {} : { instance }) };
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const read = values.map((item): FeatureValue => {
      if (typeof item === "boolean") return item ? 1 : 0;
      if (typeof item === "string" || typeof item === "number" || typeof item === "bigint") return item;
      throw badRequest(`feature "${field}" must be a number, a text, a boolean or a list of them`, rules, at);
    });
    if (new Set(read.map((item) => typeof item === "string")).size > 1)
      throw badRequest(`feature "${field}" mixes texts and numbers`, rules, at);
    found.set(name, read);
  }
  return found;
}

/** What `:classify` answers: for each example its classes with their scores. */
export function writeV1Classes(labels: readonly string[], scores: readonly (readonly number[])[]): string {
  const results = scores.map((own) => {
    const classes = own.map((score, at) => `[${JSON.stringify(labels[at])}, ${floatText(score)}]`);
    return `[${classes.join(", ")}]`;
  });
  return `{"results": [${results.join(", ")}]}`;
}

/** What `:regress` answers. */
export function writeV1Values(values: readonly number[]): string {
  return `{"results": ${floatList(values)}}`;
}

/** A model's output, as far as it says what its numbers mean. */
export interface ScoredOutput {
  readonly task: "binary" | "regression" | "multiclass";
  readonly width?: number;
  readonly classes?: readonly string[];
  readonly tensors?: readonly unknown[];
}

/** Why a model cannot be asked for classes, or for one value; undefined when it can. */
export function unfitFor(method: "classify" | "regress", output: ScoredOutput): string | undefined {
  const { task, width = 1, tensors } = output;
  if (method === "classify")
    return task === "regression" ? "is a regression and has no classes; use regress" : undefined;
  return task === "regression" && width === 1 && tensors === undefined
    ? undefined
    : "does not predict one value; use classify or predict";
}

/** A score for each class; of a model with one probability, for "0" and "1" unless its classes have names. */
export function classScores(
  { classes }: ScoredOutput,
  { outputs, width }: Pick<AnsweredValues, "outputs" | "width">,
): { readonly labels: readonly string[]; readonly scores: readonly (readonly number[])[] } {
  const scores =
    width === 1
      ? outputs.map((p) => [1 - p, p])
      : Array.from({ length: outputs.length / width }, (_, at) =>
          outputs.slice(at * width, (at + 1) * width),
        );
  return { labels: classes ?? Array.from({ length: Math.max(2, width) }, (_, at) => String(at)), scores };
}
