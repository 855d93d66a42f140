import {
  badRequest,
  bodyText,
  floatText,
  type InputRecord,
  type InputRules,
  isObject,
  parseJson,
  parseKeepingInexact,
  refuseInexact,
  suspectInteger,
} from "./prediction-body.ts";

/** The body of a `:recommend` request. */
export interface V1RecommendRequest {
  readonly context: InputRecord;
  readonly candidates?: readonly unknown[];
  readonly exclude?: readonly unknown[];
  readonly n: number;
}

const MEMBERS = ["context", "candidates", "exclude", "n"];
const DEFAULT_N = 10;
const MOST_N = 1_000;

/**
 * `{"context": {…}, "candidates": [key or {…}, …], "exclude": [key, …], "n": 10}`; only `context` must be there.
 *
 * @throws WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER
 */
export function parseV1Recommend(body: Buffer, rules: InputRules): V1RecommendRequest {
  const text = bodyText(body, rules);
  const document = parseJson(text);
  if (!isObject(document)) throw badRequest('the body must be a JSON object with "context"', rules);
  const other = Object.keys(document).find((name) => !MEMBERS.includes(name));
  if (other !== undefined) {
    throw badRequest(`the body has no member "${other.slice(0, 100)}"; it has ${MEMBERS.join(", ")}`, rules);
  }
  const { context, candidates, exclude, n = DEFAULT_N } = document;
  if (!isObject(context)) {
    throw badRequest('"context" must be an object: the fields that all candidates share', rules, {
      field: "context",
    });
  }
  for (const [field, list] of Object.entries({ candidates, exclude })) {
    if (list !== undefined && !Array.isArray(list))
      throw badRequest(`"${field}" must be a list`, rules, { field });
  }
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > MOST_N) {
    throw badRequest(`"n" must be a whole number from 1 to ${MOST_N}`, rules, { field: "n" });
  }
  const request = {
    context,
    n,
    ...(Array.isArray(candidates) ? { candidates } : {}),
    ...(Array.isArray(exclude) ? { exclude } : {}),
  };
  if (recordsIn(request).some((record) => suspectInteger(record, rules) !== undefined)) {
    const exact = parseKeepingInexact(text);
    if (isObject(exact)) refuseInexact(recordsIn(exact), rules);
  }
  return request;
}

function recordsIn({ context, candidates }: InputRecord): InputRecord[] {
  return [context, ...(Array.isArray(candidates) ? candidates : [])].filter(isObject);
}

/** The body of the answer, the best first. */
export function writeV1Recommendations(
  items: readonly { readonly item: unknown; readonly score: number }[],
  candidates: number,
): string {
  const list = items.map(
    ({ item, score }) => `{"item": ${JSON.stringify(item)}, "score": ${floatText(score)}}`,
  );
  return `{"recommendations": [${list.join(", ")}], "candidates": ${candidates}}`;
}
