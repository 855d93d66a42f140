import type { DataPlane, VersionSelector } from "../serving/index.ts";
import { mlflowType, parseInvocations } from "../wire/index.ts";
import { httpErrors } from "./errors.ts";
import { type AnswerSettings, send } from "./prediction-answer.ts";
import { predictionRoute } from "./prediction-call.ts";
import type { Route } from "./route.ts";
import { type ThreadedArm, v1Answer } from "./threaded-routes.ts";

interface Surroundings {
  readonly dataPlane: DataPlane;
  readonly settings: AnswerSettings;
  readonly serverVersion: string;
}

/** The scoring protocol of MLflow and SageMaker; undefined for a path that it does not have. */
export function mlflowRoute(
  path: string,
  query: URLSearchParams,
  surroundings: Surroundings & {
    readonly prepare: (model: string, selector: VersionSelector | undefined) => ThreadedArm;
  },
): Route | undefined {
  const { dataPlane, settings, serverVersion, prepare } = surroundings;
  const text = (respond: () => { status: number; text: string }): Route => ({
    method: "GET",
    answer: (_body, { response }) =>
      send(response, { type: "text/plain; charset=utf-8", ...respond() }, settings),
  });
  switch (path) {
    case "/ping":
    case "/health":
      return text(() => ({ status: dataPlane.ready() && !settings.closing() ? 200 : 503, text: "\n" }));
    case "/version":
      return text(() => ({ status: 200, text: serverVersion }));
    case "/invocations":
      return invocations(prepare(modelOf(query, dataPlane), selectorOf(query)), surroundings);
    default:
      return undefined;
  }
}

function invocations(arm: ThreadedArm, surroundings: Surroundings): Route {
  return predictionRoute(arm, surroundings, {
    read: (body, headers) => {
      const type = mlflowType(headers["content-type"]);
      if (type === undefined) throw typeUnsupported(headers["content-type"]);
      return parseInvocations(body, type, arm.rules);
    },
    write: (answered, { records }) =>
      v1Answer("row", { ...answered, instances: records.length, isWhole: false }),
  });
}

/** The model that the query names, or the only one. */
function modelOf(query: URLSearchParams, dataPlane: DataPlane): string {
  const named = query.get("model");
  if (named !== null) return named;
  const names = dataPlane.models().map(({ name }) => name);
  const [only] = names;
  // Without models, finding one says what is missing.
  if (names.length < 2) return only ?? "";
  throw httpErrors.HTTP_MODEL_NOT_NAMED.error(
    `${names.length} models are served here: ${names.join(", ").slice(0, 500)}; say which one is meant`,
    {
      hint: `POST /invocations?model=${encodeURIComponent(only ?? "")}`,
      details: { models: names.slice(0, 50) },
    },
  );
}

function selectorOf(query: URLSearchParams): VersionSelector | undefined {
  const version = query.get("version");
  if (version === null) return undefined;
  if (/^\d{1,10}$/.test(version)) return { version: Number(version) };
  return { label: version };
}

function typeUnsupported(type: string | undefined): Error {
  return httpErrors.HTTP_TYPE_UNSUPPORTED.error(
    `${type === undefined ? "the request has no content type" : `the content type "${type.slice(0, 80)}" is not read here`}; send application/json or text/csv, in UTF-8`,
    { details: { header: "content-type" } },
  );
}
