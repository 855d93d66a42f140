import { defineErrors } from "../kernel/index.ts";

export const httpErrors = defineErrors({
  HTTP_BAD_HEADER: { kind: "invalid", doc: "A header of a request does not say what it must." },
  HTTP_TOKEN_MISSING: { kind: "denied", doc: "A management call came without a bearer token." },
  HTTP_TOKEN_WRONG: { kind: "denied", doc: "The bearer token of a management call is not the server's." },
  HTTP_HOST_REFUSED: {
    kind: "denied",
    doc: "The Host header names a host under which the console may not be reached: a guard against DNS rebinding.",
  },
  HTTP_ORIGIN_REFUSED: { kind: "denied", doc: "A web page of another origin called the console." },
  HTTP_NOT_JSON: {
    kind: "invalid",
    doc: "The body of a call is empty, not JSON, or not declared to be JSON.",
  },
  HTTP_BODY_TOO_LARGE: { kind: "invalid", doc: "The body of a call is larger than the server reads." },
  HTTP_NO_SUCH_PATH: { kind: "not-found", doc: "Nothing answers at this path or method." },
  HTTP_UNEXPECTED: {
    kind: "internal",
    doc: "A call failed for a reason the server did not foresee: a defect.",
  },
  HTTP_CLOSING: {
    kind: "unavailable",
    retryable: true,
    doc: "The server was told to stop while the call was in hand.",
  },
  HTTP_CANNOT_LISTEN: { kind: "conflict", doc: "A server's host and port cannot be listened on." },
  HTTP_METHOD_NOT_ALLOWED: { kind: "invalid", doc: "The path exists, but not for this method." },
  HTTP_ENCODING_UNSUPPORTED: {
    kind: "unsupported",
    doc: "The body of a prediction request is compressed in a way that the server does not read.",
  },
  HTTP_BAD_ENCODING: {
    kind: "invalid",
    doc: "The body of a prediction request is not compressed as its header says.",
  },
  HTTP_TYPE_UNSUPPORTED: {
    kind: "unsupported",
    doc: "The content type of a scoring request is neither application/json nor text/csv in UTF-8.",
  },
  HTTP_MODEL_NOT_NAMED: {
    kind: "invalid",
    doc: "A scoring request does not say which of several models it is for.",
  },
  HTTP_METHOD_UNFIT: {
    kind: "invalid",
    doc: "A regression was asked to classify, or a classifier for one value.",
  },
  HTTP_NOT_IMPLEMENTED: {
    kind: "unsupported",
    doc: "The protocol knows this call, this server does not offer it.",
  },
  HTTP_MALFORMED: {
    kind: "invalid",
    doc: "A client of the prediction port sent something that is no HTTP request.",
  },
});
