import type { ServerResponse } from "node:http";
import type { FeedbackIntake, FeedbackOutcome } from "../feedback/index.ts";
import { type BodyLimits, parseFeedbackBody } from "../wire/index.ts";
import { type AnswerSettings, errorDocument, sendError, sendJson } from "./prediction-answer.ts";

/** Answers `POST /v1/feedback` when the feedback is in the log. Errors of the body are thrown at once. */
export function answerFeedback(
  body: Buffer,
  response: ServerResponse,
  context: {
    readonly intake: FeedbackIntake;
    readonly limits: BodyLimits;
    readonly settings: AnswerSettings;
  },
): void {
  const { intake, limits, settings } = context;
  const { form, items } = parseFeedbackBody(body, limits);
  intake
    .take(items)
    .then((outcomes) => {
      const [only] = outcomes;
      if (form === "bulk") sendJson(response, bulkDocument(outcomes), settings);
      else if (only?.outcome === "refused") sendError(response, only.error, settings);
      else sendJson(response, only, settings);
    })
    .catch((thrown: unknown) => sendError(response, thrown, settings));
}

/** Counts first, then what became of each item, in the order of the request. */
function bulkDocument(outcomes: readonly FeedbackOutcome[]): object {
  const counts = { accepted: 0, corrected: 0, duplicate: 0, refused: 0 };
  for (const { outcome } of outcomes) counts[outcome]++;
  return {
    ...counts,
    results: outcomes.map((outcome) =>
      outcome.outcome === "refused" ? { outcome: "refused", ...errorDocument(outcome.error) } : outcome,
    ),
  };
}
