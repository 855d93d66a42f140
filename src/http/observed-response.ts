import type { ServerResponse } from "node:http";
import type { RequestObservation, RequestObserver } from "../telemetry/index.ts";
import type { PredictionMessage } from "./prediction-message.ts";
import { protocolOf } from "./refusal-counter.ts";

const OBSERVATION = Symbol("observation");

interface Observed {
  [OBSERVATION]?: RequestObservation;
}

/** Watches a request from its headers to the end of its answer. */
export function observeRequest(
  observer: RequestObserver,
  request: PredictionMessage,
  response: ServerResponse,
): void {
  const { method = "", url = "", headers, socket } = request;
  const { traceparent } = headers;
  const observation = observer.begin({
    transport: "http",
    protocol: protocolOf(url),
    method,
    path: url.split("?", 1)[0] ?? "",
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
    address: socket.remoteAddress,
  });
  (response as Observed)[OBSERVATION] = observation;
  response.once("close", () => {
    observation.bytesIn = request.receivedBytes;
    if (response.headersSent) observation.status = response.statusCode;
    observer.end(observation);
  });
}

/** Undefined where nobody watches. */
export function observationOf(response: ServerResponse): RequestObservation | undefined {
  return (response as Observed)[OBSERVATION];
}
