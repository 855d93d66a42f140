import { wireErrors } from "./errors.ts";
import { type BodyLimits, bodyText, isObject, parseJson } from "./prediction-body.ts";

/** The model repository and statistics extensions of the Open Inference Protocol V2, as far as they only look. */

interface RepositoryModel {
  readonly name: string;
  readonly versions: readonly {
    readonly version: number;
    readonly state: "available" | "failed";
    readonly problem?: string;
  }[];
}

/**
 * Reads the body of a `repository/index` call: nothing, or whether only what is ready is asked for.
 * @throws WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST
 */
export function parseRepositoryIndex(body: Buffer, limits: BodyLimits): { readonly onlyReady: boolean } {
  if (body.length === 0) return { onlyReady: false };
  const document = parseJson(bodyText(body, limits));
  const ready = isObject(document) ? (document.ready ?? false) : undefined;
  if (typeof ready === "boolean") return { onlyReady: ready };
  throw wireErrors.WIRE_BAD_REQUEST.error(
    isObject(document) ? '"ready" must be true or false' : "the body must be a JSON object",
    { details: { field: "ready" } },
  );
}

/** One entry for each version. */
export function repositoryIndex(
  models: readonly RepositoryModel[],
  { onlyReady }: { readonly onlyReady: boolean },
): { name: string; version: string; state: "READY" | "UNAVAILABLE"; reason: string }[] {
  return models.flatMap(({ name, versions }) =>
    versions
      .filter(({ state }) => state === "available" || !onlyReady)
      .map(({ version, state, problem }) => ({
        name,
        version: String(version),
        state: state === "available" ? ("READY" as const) : ("UNAVAILABLE" as const),
        reason: problem ?? "",
      })),
  );
}

interface AnsweredCounts {
  readonly requests: number;
  readonly instances: number;
  readonly failures: number;
  readonly microseconds: number;
  readonly lastAnsweredMs: number | undefined;
}

/**
 * The statistics of one version, in the form of Triton. What is not measured by itself, like the time in a queue, is left
 * at zero counts; durations are in nanoseconds.
 */
function modelStatistics(
  served: { readonly model: string; readonly version: number },
  counts: AnsweredCounts,
): object {
  const { requests, instances, failures, microseconds, lastAnsweredMs = 0 } = counts;
  const none = { count: 0, ns: 0 };
  return {
    name: served.model,
    version: String(served.version),
    last_inference: Math.trunc(lastAnsweredMs),
    inference_count: instances,
    execution_count: requests,
    inference_stats: {
      success: { count: requests, ns: Math.round(microseconds * 1000) },
      fail: { count: failures, ns: 0 },
      queue: none,
      compute_input: none,
      compute_infer: none,
      compute_output: none,
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: [],
  };
}

interface Selector {
  readonly version?: number;
  readonly label?: string;
}

/** Where statistics come from. */
export interface StatisticsSource {
  models(): readonly RepositoryModel[];
  /** @throws what a request that names it would be refused with */
  find(name: string, selector?: Selector): { readonly version: number };
  readonly counts: {
    of(served: { readonly model: string; readonly version: number }): AnsweredCounts;
  };
}

/**
 * The statistics of all models, of one, or of one version of it.
 * @throws what `find` does
 */
export function statisticsOf(source: StatisticsSource, name?: string, selector?: Selector): object[] {
  const models = source.models();
  // Finding it says what is wrong with an unknown name; a model without a champion has statistics all the same.
  const isKnown = models.some((model) => model.name === name);
  const found =
    name === undefined || (isKnown && selector === undefined) ? undefined : source.find(name, selector);
  return models
    .filter((model) => name === undefined || model.name === name)
    .flatMap((model) =>
      model.versions
        .filter(({ state, version }) => state === "available" && (found?.version ?? version) === version)
        .map(({ version }) => {
          const served = { model: model.name, version };
          return modelStatistics(served, source.counts.of(served));
        }),
    );
}
