import type { Comparison, Computed } from "./compare-prediction.ts";
import type { PredictionFrame, PredictionPayload } from "./prediction-frame.ts";

/**
 * - `identical`: features and output came out bit for bit as they were logged
 * - `within-bound`: the features did, and the output of a model on a thread of its own differs by no more than
 *   `BOUND_ULPS` allow
 * - `different`: they did not
 * - `forgotten`: the input was erased on request
 * - `sampled-out`: the model's log is a sample, and of this request only the header was kept
 * - `missing-bundle`: the bundle that made it is no longer stored, or damaged
 * - `damaged`: the logged payload is not the one its header was made for
 */
export type ReplayVerdict =
  | "identical"
  | "within-bound"
  | "different"
  | "forgotten"
  | "sampled-out"
  | "missing-bundle"
  | "damaged";

/** What one instance was answered with: a number or a text, or a list where there are several. */
export type Answer = number | string | readonly (number | string)[];

/** What became of one instance that was predicted again. */
export interface Recomputed {
  readonly verdict: ReplayVerdict;
  readonly recomputed: Answer | null;
  /** Why it is not identical. */
  readonly reason?: string;
}

/** What was logged of one instance. */
export interface LoggedInstance extends Computed {
  /** What the windows said. */
  readonly derived: Float64Array;
}

export function loggedInstance(
  frame: PredictionFrame,
  payload: PredictionPayload,
  instance: number,
): LoggedInstance {
  const start = instance * frame.featureCount;
  const derivedCount = frame.windows?.derivedCount ?? 0;
  return {
    derived: payload.derived.subarray(instance * derivedCount, (instance + 1) * derivedCount),
    features: payload.features.subarray(start, start + frame.featureCount),
    outputs: payload.outputs.subarray(instance * payload.width, (instance + 1) * payload.width),
  };
}

/** @param textAt the text that an output stands for, if it does for one */
export function asAnswered(
  outputs: Float64Array,
  textAt: (at: number) => string | undefined = () => undefined,
): Answer {
  const answers = Array.from(outputs, (output, at) => textAt(at) ?? output);
  return answers.length === 1 ? answers[0]! : answers;
}

export function reasonOf(
  comparison: Extract<Comparison, { equal: false }>,
  { featureNames }: { readonly featureNames: readonly string[] },
): string {
  switch (comparison.what) {
    case "feature-count":
      return "another number of features";
    case "feature":
      return `feature "${featureNames[comparison.index] ?? comparison.index}" came out differently`;
    case "output-count":
      return "another number of outputs";
    case "output":
      return "the same features gave another output";
  }
}
