export { createDirectClient, type DirectClientOptions } from "./direct-client.ts";
export { clientErrors } from "./errors.ts";
export { createHttpClient, type HttpClientOptions } from "./http-client.ts";
export {
  type FeedbackAnswer,
  type FeedbackEntry,
  type FeedbackResult,
  type PredictAnswer,
  type PredictRequest,
  predict,
  sendFeedback,
} from "./prediction-client.ts";
