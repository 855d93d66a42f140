import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type ErrorKind, SlipwayError } from "../kernel/index.ts";
import { servingErrors } from "../serving/index.ts";
import { grpcErrors } from "./errors.ts";

const codeOfKind: Readonly<Record<ErrorKind, status>> = {
  invalid: status.INVALID_ARGUMENT,
  denied: status.PERMISSION_DENIED,
  "not-found": status.NOT_FOUND,
  conflict: status.ABORTED,
  unsupported: status.UNIMPLEMENTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
};

/** Codes that say more than the kind of their error. */
const statusOfCode: Readonly<Record<string, status>> = {
  [servingErrors.SERVING_DEADLINE_EXCEEDED.code]: status.DEADLINE_EXCEEDED,
};

/**
 * What a call ends with when it is refused; `x-slipway-code` in the trailers has the stable code, and
 * `grpc-retry-pushback-ms`, which clients that retry heed, says when to come back.
 */
export function statusOfError(thrown: unknown, onDefect: (error: unknown) => void): StatusObject {
  const error = thrown instanceof SlipwayError ? thrown : unexpected(thrown, onDefect);
  const metadata = new Metadata();
  metadata.set("x-slipway-code", error.code);
  const { retryAfterSeconds } = error.details;
  if (typeof retryAfterSeconds === "number")
    metadata.set("grpc-retry-pushback-ms", String(retryAfterSeconds * 1000));
  return { code: statusOfCode[error.code] ?? codeOfKind[error.kind], details: error.message, metadata };
}

function unexpected(thrown: unknown, onDefect: (error: unknown) => void): SlipwayError {
  onDefect(thrown);
  return grpcErrors.GRPC_UNEXPECTED.error("the server failed to answer this request", { cause: thrown });
}
