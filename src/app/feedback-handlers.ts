import { CompactedLog } from "../compaction/index.ts";
import { type Feedback, newestFeedback } from "../feedback/index.ts";
import { formatIsoTime } from "../kernel/index.ts";
import { findPrediction, parsePredictionId, servingErrors } from "../serving/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";

type FeedbackHandlers = Pick<ControlHandlers, "feedback.list" | "feedback.show">;

/** Values and corrections that are shown of one prediction. */
const MOST_SHOWN = 1_000;

/** What was said about predictions afterwards. */
export function feedbackHandlers({ state, logUse }: ControlContext): FeedbackHandlers {
  return {
    "feedback.list": async ({ since, name, limit }) => {
      const filter = {
        ...(since === undefined ? {} : { since: Date.parse(since) }),
        ...(name === undefined ? {} : { name }),
      };
      const feedback = await newestFeedback(state.feedback, { filter, limit });
      return { feedback: feedback.map(feedbackRecord) };
    },
    "feedback.show": async ({ id }) => {
      const { time } = parsePredictionId(id);
      const [prediction, feedback] = await Promise.all([
        logUse.read(() => predictionOf(state.log, id)),
        newestFeedback(state.feedback, { filter: { predictionId: id, since: time }, limit: MOST_SHOWN }),
      ]);
      return { predictionId: id, prediction, feedback: feedback.map(feedbackRecord) };
    },
  };
}

async function predictionOf(
  log: string,
  id: string,
): Promise<OperationOutput<"feedback.show">["prediction"]> {
  const compacted = new CompactedLog(log);
  try {
    const { model, version, time, instances } = await findPrediction(log, id, compacted);
    return { model, version, at: isoTime(time), instances };
  } catch (thrown) {
    if (servingErrors.SERVING_NO_PREDICTION.is(thrown)) return null;
    throw thrown;
  } finally {
    await compacted.close();
  }
}

function feedbackRecord({
  predictionId,
  name,
  value,
  at,
  receivedAt,
}: Feedback): OperationOutput<"feedback.list">["feedback"][number] {
  return { predictionId, name, value, at: formatIsoTime(at), receivedAt: isoTime(receivedAt) };
}
