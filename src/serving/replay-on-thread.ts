import { SlipwayError } from "../kernel/index.ts";
import { BOUND_ULPS, type Computed, compareWithinBound } from "./compare-prediction.ts";
import type { PredictionFrame, PredictionPayload } from "./prediction-frame.ts";
import { type Answer, asAnswered, loggedInstance, type Recomputed, reasonOf } from "./replayed-answer.ts";
import type { ThreadedAnswers, ThreadedModel } from "./threaded-model.ts";

/** A logged request as it is replayed. */
export interface LoggedRequest {
  readonly frame: PredictionFrame;
  readonly payload: PredictionPayload;
  /** With their times. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
  /** What outputs are places in. */
  readonly texts: readonly string[];
}

/** Asks a model on a thread of its own with a whole logged request. @returns what became of each instance */
export async function recomputeOnThread(
  model: ThreadedModel,
  { frame, payload, records, texts }: LoggedRequest,
): Promise<(instance: number) => Recomputed & { readonly logged?: Answer }> {
  let answers: ThreadedAnswers;
  try {
    answers = await model.predict(records, {
      derived: payload.derived,
      onWrong: ({ error }) => {
        throw error;
      },
    });
  } catch (thrown) {
    if (!(thrown instanceof SlipwayError)) throw thrown;
    const { message } = thrown;
    return () => ({ verdict: "different", recomputed: null, reason: message });
  }
  const kinds = kindsOf(answers);
  const { width } = answers;
  const features = model.featureNames.length;
  return (instance) => {
    const own = answers.outputs.subarray(instance * width, (instance + 1) * width);
    const recomputed: Answer = asAnswered(own, (at) =>
      kinds[at] === "text" ? answers.texts[own[at]!] : undefined,
    );
    // Texts are compared, not their places: another order would give the same text another place.
    const outputs = own.map((output, at) =>
      kinds[at] === "text" ? texts.indexOf(answers.texts[output]!) : output,
    );
    const again: Computed = {
      features: answers.features.subarray(instance * features, (instance + 1) * features),
      outputs,
    };
    const before = loggedInstance(frame, payload, instance);
    const logged = asAnswered(before.outputs, (at) =>
      kinds[at] === "text" ? texts[before.outputs[at]!] : undefined,
    );
    const comparison = compareWithinBound(before, again, (at) => kinds[at] === "float");
    switch (comparison.equal) {
      case true:
        return { verdict: "identical", logged, recomputed };
      case "within-bound":
        return {
          verdict: "within-bound",
          logged,
          recomputed,
          reason: `the output differs by no more than ${BOUND_ULPS} float32 units in the last place of the largest number of the answer`,
        };
      case false:
        return { verdict: "different", logged, recomputed, reason: reasonOf(comparison, model) };
    }
  };
}

/** What each number of an instance's answer is. */
function kindsOf({ tensors, width }: ThreadedAnswers): readonly ("int" | "float" | "bool" | "text")[] {
  if (tensors === undefined) return new Array<"float">(width).fill("float");
  return tensors.flatMap(({ type, shape }) =>
    new Array<typeof type>(shape.reduce((size, extent) => size * extent, 1)).fill(type),
  );
}
