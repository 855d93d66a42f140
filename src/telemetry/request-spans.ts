import type { RequestObservation } from "./request-observer.ts";
import type { AttributeValue, Span } from "./span.ts";

/** The steps of a prediction, each ending where the next begins. */
const STEPS = [
  { name: "read", ends: "arrived" },
  { name: "queue", ends: "started" },
  { name: "parse", ends: "parsed" },
  { name: "predict", ends: "predicted" },
  { name: "log", ends: "logged" },
] as const;

/** The statuses of gRPC that are the server's fault, by the semantic conventions, and the numbers of all. */
const GRPC_FAILURES = new Set([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);
const GRPC_STATUSES = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"],
  ...["UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

/**
 * The spans of one traced request: the request itself, and below it reading, waiting its turn, parsing, predicting (features and windows
 * included), logging and answering, as far as it came.
 *
 * @param durationMs from its headers to the end of its answer
 * @param newSpanId 16 hexadecimal digits, new ones each time
 */
export function requestSpans(
  observation: RequestObservation,
  durationMs: number,
  newSpanId: () => string,
): Span[] {
  const { trace, since, startedAt, steps, answer } = observation;
  if (trace === undefined) return [];
  const endMs = startedAt + durationMs;
  const spans: Span[] = [
    {
      ...trace,
      parentSpanId: observation.parentSpanId,
      name: spanName(observation),
      kind: "server",
      startMs: startedAt,
      endMs,
      attributes: { ...transportAttributes(observation), ...answerAttributes(observation) },
      failure: failureOf(observation),
    },
  ];
  const child = (name: string, startMs: number, until: number): void => {
    spans.push({
      ...trace,
      spanId: newSpanId(),
      parentSpanId: trace.spanId,
      name,
      kind: "internal",
      startMs,
      endMs: until,
      attributes:
        answer === undefined ? {} : { "slipway.model": answer.model, "slipway.version": answer.version },
    });
  };
  let from = startedAt;
  for (const { name, ends } of STEPS) {
    const at = steps[ends];
    if (at === undefined) continue;
    const until = startedAt + (at - since);
    child(name, from, until);
    from = until;
  }
  if (steps.logged !== undefined) child("answer", from, endMs);
  return spans;
}

/** Low in cardinality: what a path names is left out. */
export function routeOf(path: string): string {
  return path
    .replace(/^(\/v[12]\/models\/)[^/:]+/, "$1{model}")
    .replace(/\/versions\/[^/:]+/, "/versions/{version}")
    .replace(/\/labels\/[^/:]+/, "/labels/{label}");
}

function spanName({ request: { transport, method, path }, code }: RequestObservation): string {
  if (transport === "grpc") return path.slice(1);
  // A path that nothing answers at is anything at all.
  return code === "HTTP_NO_SUCH_PATH" ? method : `${method} ${routeOf(path)}`;
}

function transportAttributes(observation: RequestObservation): Record<string, AttributeValue> {
  const { request, status, bytesIn, bytesOut, code } = observation;
  const error = code === undefined ? {} : { "error.type": code };
  if (request.transport === "grpc") {
    const [, service = "", method = ""] = request.path.split("/");
    return {
      "rpc.system": "grpc",
      "rpc.service": service,
      "rpc.method": method,
      "rpc.grpc.status_code": GRPC_STATUSES.indexOf(String(status)),
      ...error,
    };
  }
  return {
    "http.request.method": request.method,
    "url.scheme": "http",
    "url.path": request.path.slice(0, 500),
    ...(code === "HTTP_NO_SUCH_PATH" ? {} : { "http.route": routeOf(request.path) }),
    ...(typeof status === "number" ? { "http.response.status_code": status } : {}),
    ...(bytesIn === undefined ? {} : { "http.request.body.size": bytesIn }),
    ...(bytesOut === undefined ? {} : { "http.response.body.size": bytesOut }),
    ...error,
  };
}

function answerAttributes({ answer, request }: RequestObservation): Record<string, AttributeValue> {
  if (answer === undefined) return { "slipway.protocol": request.protocol };
  return {
    "slipway.protocol": request.protocol,
    "slipway.model": answer.model,
    "slipway.version": answer.version,
    "slipway.arm": answer.arm,
    "slipway.prediction.id": answer.predictionId,
    "slipway.instances": answer.instances,
  };
}

function failureOf({ status, code }: RequestObservation): string | undefined {
  if (status === "CLOSED") return "the client went before it was answered";
  const isFailure = typeof status === "number" ? status >= 500 : GRPC_FAILURES.has(status);
  return isFailure ? (code ?? String(status)) : undefined;
}
