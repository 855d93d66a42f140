import type { ErrorKind } from "../kernel/index.ts";

/** The HTTP status of each kind of error. */
export const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  denied: 403,
  "not-found": 404,
  conflict: 409,
  unsupported: 422,
  exhausted: 507,
  internal: 500,
  unavailable: 503,
};
