import type { IncomingHttpHeaders } from "node:http";
import { httpErrors } from "./errors.ts";

/** A day. */
const LONGEST_MS = 86_400_000;

/**
 * How long the client of a request waits for its answer: `x-slipway-timeout-ms`, or what an Envoy proxy before us says
 * (`x-envoy-expected-rq-timeout-ms`), in whole milliseconds of 1 … 86,400,000.
 *
 * @param defaultMs for a request that does not say
 * @throws HTTP_BAD_HEADER
 */
export function deadlineMs(headers: IncomingHttpHeaders, defaultMs: number): number {
  const own = headers["x-slipway-timeout-ms"];
  if (own !== undefined) return milliseconds("x-slipway-timeout-ms", own);
  const proxy = headers["x-envoy-expected-rq-timeout-ms"];
  // An expectation of 0 is a proxy without a timeout.
  if (proxy === undefined || proxy === "0") return defaultMs;
  return milliseconds("x-envoy-expected-rq-timeout-ms", proxy);
}

function milliseconds(header: string, given: string | string[]): number {
  const value = Number(given);
  if (typeof given === "string" && /^\d{1,8}$/.test(given) && value >= 1 && value <= LONGEST_MS) return value;
  throw httpErrors.HTTP_BAD_HEADER.error(
    `${header} is ${JSON.stringify(String(given).slice(0, 80))}; it must be a whole number of milliseconds from 1 to ${LONGEST_MS}`,
    { details: { header } },
  );
}
