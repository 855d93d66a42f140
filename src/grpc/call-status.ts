import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type ErrorKind, SlipwayError } from "../kernel/index.ts";
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

/** What a call ends with when it is refused; `x-slipway-code` in the trailers has the stable code. */
export function statusOfError(thrown: unknown, onDefect: (error: unknown) => void): StatusObject {
  const error = thrown instanceof SlipwayError ? thrown : unexpected(thrown, onDefect);
  const metadata = new Metadata();
  metadata.set("x-slipway-code", error.code);
  // grpc-js escapes details as a URI, which throws at half a surrogate pair; a name that was cut may end in one.
  return { code: codeOfKind[error.kind], details: error.message.toWellFormed(), metadata };
}

function unexpected(thrown: unknown, onDefect: (error: unknown) => void): SlipwayError {
  onDefect(thrown);
  return grpcErrors.GRPC_UNEXPECTED.error("the server failed to answer this request", { cause: thrown });
}
