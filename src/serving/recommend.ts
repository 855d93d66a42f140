import type { Clock } from "../kernel/index.ts";
import { candidatesOf, type RecommendRequest } from "./candidates.ts";
import { servingErrors } from "./errors.ts";
import { inputOfRecommendation } from "./prediction-frame.ts";
import type { PredictionLog, Waiting } from "./prediction-log.ts";
import { type Ranked, rankCandidates } from "./ranking.ts";
import { badInstance, notFinite } from "./refusals.ts";
import type { Arm } from "./serving-table.ts";

/** The best candidates, each an instance of one prediction. */
export interface Recommendation {
  readonly id: string;
  /** The best first. */
  readonly items: readonly { readonly item: unknown; readonly score: number }[];
  /** How many were compared. */
  readonly candidates: number;
  /** Of a model with windows: the number of the last event of the stream that they had seen. */
  readonly streamSequence?: number;
}

/**
 * Ranks candidates and logs the request, the place in the stream and the answers, not the other candidates: those follow from
 * the request and the bundle.
 */
export async function recommend(
  served: Arm,
  request: RecommendRequest,
  plane: {
    readonly log: PredictionLog;
    readonly clock: Clock;
    readonly waiting: Waiting;
    readonly share: number | undefined;
  },
): Promise<Recommendation> {
  const { loaded, windows } = served;
  if (loaded.runs !== "inline" || loaded.width !== 1 || loaded.images !== undefined)
    throw cannotRecommend(served);
  const candidates = candidatesOf(loaded, request);
  const streamSequence = windows?.sequence;
  const best = await rankCandidates(
    loaded,
    candidates.map(({ record }) => record),
    {
      n: request.n,
      windows,
      timeMs: Math.trunc(plane.clock()),
      fault: (thrown, place) =>
        thrown instanceof RangeError
          ? notFinite(served, place, Number(thrown.message))
          : badInstance(thrown, served, place),
    },
  );
  // From here on within one turn of the event loop: the log has one frame under construction.
  plane.log.begin(served.template, {
    instances: best.length,
    featureCount: loaded.features.length,
    width: 1,
    input: inputOfRecommendation(
      best.map(({ place }) => candidates[place]!.record),
      request,
    ),
    share: plane.share,
    ...(streamSequence === undefined
      ? {}
      : { windows: { streamSequence, derivedCount: loaded.derivedNames.length } }),
  });
  for (const { record, timeMs, derived, score } of best)
    logAnswer(loaded, { record, timeMs, derived, score });
  const id = plane.log.append(plane.waiting);
  return {
    id,
    items: best.map(({ place, score }) => ({ item: candidates[place]!.item, score })),
    candidates: candidates.length,
    ...(streamSequence === undefined ? {} : { streamSequence }),
  };

  function logAnswer(model: typeof loaded, answer: Omit<Ranked, "place">): void {
    if (model.runs !== "inline") return;
    if (windows !== undefined) plane.log.putWindows(answer.timeMs, answer.derived);
    // Once more, for its features.
    model.predict(answer.record, answer.derived);
    plane.log.put(model.featureBytes, answer.score);
  }
}

function cannotRecommend({ model, version }: Arm): Error {
  return servingErrors.SERVING_CANNOT_RECOMMEND.error(
    `model ${model} version ${version} cannot recommend: it does not answer with one number by an engine of its own, or reads images`,
    {
      details: { model, version },
      hint: "Models of numbers and of yes/no questions, trained by gbdt or ftrl, can.",
    },
  );
}
