import type { DataPlane } from "../serving/index.ts";
import {
  type BodyLimits,
  parseRepositoryIndex,
  repositoryIndex,
  statisticsOf,
  v2VersionSelector,
} from "../wire/index.ts";
import { type AnswerSettings, sendJson } from "./prediction-answer.ts";
import { decoded, type Route } from "./route.ts";

interface Surroundings {
  readonly dataPlane: DataPlane;
  readonly settings: AnswerSettings;
  readonly limits: BodyLimits;
}

const STATISTICS_PATH = /^\/v2\/models(?:\/([^/]+)(?:\/versions\/([^/]+))?)?\/stats$/;

/** V2's repository index and statistics; undefined for other paths. */
export function repositoryRoute(path: string, surroundings: Surroundings): Route | undefined {
  const { dataPlane, settings, limits } = surroundings;
  if (path === "/v2/repository/index")
    return {
      method: "POST",
      answer: (body, { response }) =>
        sendJson(response, repositoryIndex(dataPlane.models(), parseRepositoryIndex(body, limits)), settings),
    };
  const asked = STATISTICS_PATH.exec(path);
  if (asked === null) return undefined;
  const [, name, version] = asked;
  const model = name === undefined ? undefined : decoded(name);
  const selector = version === undefined ? undefined : v2VersionSelector(decoded(version));
  return {
    method: "GET",
    answer: (_body, { response }) =>
      sendJson(response, { model_stats: statisticsOf(dataPlane, model, selector) }, settings),
  };
}
