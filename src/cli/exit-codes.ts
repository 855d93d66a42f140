import { type ErrorKind, SlipwayError } from "../kernel/index.ts";
import { cliErrors } from "./errors.ts";

/**
 * 0: done. 1: it failed, or the answer is no (a gate failed, a replay differs). 2: the command line or the input
 * is wrong, so that the same command will fail again. 130: stopped by the user.
 */
export const exitCodes = { done: 0, failed: 1, badInput: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const CODE_OF_KIND: Readonly<Record<ErrorKind, ExitCode>> = {
  invalid: exitCodes.badInput,
  "not-found": exitCodes.badInput,
  unsupported: exitCodes.badInput,
  denied: exitCodes.failed,
  conflict: exitCodes.failed,
  exhausted: exitCodes.failed,
  unavailable: exitCodes.failed,
  internal: exitCodes.failed,
};

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof SlipwayError)) return exitCodes.failed;
  return error.code === cliErrors.CLI_INTERRUPTED.code ? exitCodes.interrupted : CODE_OF_KIND[error.kind];
}
