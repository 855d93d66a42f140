import { z } from "zod";

/** What control operations answer about feedback. Times are ISO 8601 in UTC. */
export const feedbackRecord = z.object({
  predictionId: z.string(),
  name: z.string(),
  value: z.union([z.number(), z.boolean(), z.string(), z.null()]),
  /** When it became known. */
  at: z.string(),
  receivedAt: z.string(),
});

export const feedbackDetail = z.object({
  predictionId: z.string(),
  /** `null`: no prediction of this id is in the log. */
  prediction: z
    .object({
      model: z.string(),
      version: z.number().int().min(0),
      at: z.string(),
      instances: z.number().int().min(0),
    })
    .nullable(),
  /** Newest first: the first of a name is what holds, the others were corrected. */
  feedback: z.array(feedbackRecord).readonly(),
});
