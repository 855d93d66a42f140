import { type SerializedError, SlipwayError } from "../kernel/index.ts";
import { appErrors } from "./errors.ts";

/** Any thrown value in the form in which errors cross processes; a stack travels only where the fault is ours. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof SlipwayError) return error.toJSON();
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return appErrors.APP_INTERNAL.error(message).toJSON();
}
