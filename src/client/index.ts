export { createDirectClient, type DirectClientOptions } from "./direct-client.ts";
export { clientErrors } from "./errors.ts";
export { createHttpClient, type HttpClientOptions } from "./http-client.ts";
export { type PredictAnswer, type PredictRequest, predict } from "./prediction-client.ts";
