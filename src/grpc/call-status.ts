import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type ErrorKind, SlipwayError } from "../kernel/index.ts";
import { type DataPlane, type Protocol, servingErrors } from "../serving/index.ts";
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

/** What refuses calls needs. */
export interface RefusingContext {
  readonly dataPlane: Pick<DataPlane, "counts" | "models">;
  readonly protocol: Protocol;
  /** Told of errors that nobody foresaw. */
  readonly onDefect: (error: unknown) => void;
}

/** Ends a call with an error, which is counted for the model that the request names. */
export function refusal(thrown: unknown, context: RefusingContext, request?: unknown): StatusObject {
  const ending = statusOfError(thrown, context.onDefect);
  const { dataPlane, protocol } = context;
  const named = modelNamedBy(request);
  const model = dataPlane.models().some(({ name }) => name === named) ? (named ?? "") : "";
  const code = String(ending.metadata.get("x-slipway-code")[0]);
  dataPlane.counts.refuse({ protocol, model, code, status: status[ending.code] });
  return ending;
}

/** The model of a request, where each protocol has it. */
function modelNamedBy(request: unknown): string | undefined {
  const { model_name, name, model_spec } = (request ?? {}) as Readonly<Record<string, unknown>>;
  const inSpec = (model_spec as { readonly name?: unknown } | null | undefined)?.name;
  return [model_name, inSpec, name].find((value) => typeof value === "string") as string | undefined;
}

/**
 * What a call ends with when it is refused; `x-slipway-code` in the trailers has the stable code, and
 * `grpc-retry-pushback-ms`, which clients that retry heed, says when to come back.
 */
function statusOfError(thrown: unknown, onDefect: (error: unknown) => void): StatusObject {
  const error = thrown instanceof SlipwayError ? thrown : unexpected(thrown, onDefect);
  const metadata = new Metadata();
  metadata.set("x-slipway-code", error.code);
  const { retryAfterSeconds } = error.details;
  if (typeof retryAfterSeconds === "number")
    metadata.set("grpc-retry-pushback-ms", String(retryAfterSeconds * 1000));
  const code = statusOfCode[error.code] ?? codeOfKind[error.kind];
  // grpc-js escapes details as a URI, which throws at half a surrogate pair; a name that was cut may end in one.
  return { code, details: error.message.toWellFormed(), metadata };
}

function unexpected(thrown: unknown, onDefect: (error: unknown) => void): SlipwayError {
  onDefect(thrown);
  return grpcErrors.GRPC_UNEXPECTED.error("the server failed to answer this request", { cause: thrown });
}
