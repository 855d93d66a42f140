import type { ModelStatus } from "./served-version.ts";

/** Whether a worker should get traffic, and which of the configured models do not answer. */
export interface Readiness {
  readonly ready: boolean;
  readonly unready: readonly string[];
}

/** Before the first routing snapshot. */
export const NOT_READY: Readiness = { ready: false, unready: [] };

/**
 * The readiness after a routing snapshot has been loaded. A worker becomes ready when every configured model answers, with
 * its champion or the version before. From then on it stays ready while any of them answers: a model that was added later and
 * does not load must not take the worker away from the others, which it was serving all the time.
 *
 * @param given.joinsServing the worker stands beside, or in place of, workers that were ready: they are its past
 */
export function nextReadiness(
  before: Readiness,
  given: {
    readonly statuses: readonly Pick<ModelStatus, "name" | "ready">[];
    readonly joinsServing: boolean;
  },
): Readiness {
  const { statuses, joinsServing } = given;
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  const some = unready.length < statuses.length;
  const wasReady = before.ready || joinsServing;
  return { ready: unready.length === 0 || (wasReady && some), unready };
}
