import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { PredictionCounter, ServedVersion } from "../serving/index.ts";
import { httpErrors } from "./errors.ts";

/** One request, as far as its answer needs to know it. */
export interface HttpCall {
  readonly response: ServerResponse;
  readonly headers: IncomingHttpHeaders;
  /** When it had arrived whole, by `monotonicMs`. */
  readonly since: number;
  /** When its client stops waiting, by `monotonicMs`. */
  readonly deadline: number;
}

/** What answers at a path. Errors thrown by it are answered by its caller. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Of a version that predicts: told when `answer` throws. */
  readonly counter?: PredictionCounter;
  /** A version that is computed on the event loop when `answer` is called; calls of it may have to wait, or are refused. */
  readonly computes?: ServedVersion;
  /** A version on a thread, which is not closed before the request has been answered. */
  readonly needs?: ServedVersion;
  answer(body: Buffer, call: HttpCall): void;
}

/** How much of a body is JSON: the whole unless a header says that tensors follow. @throws HTTP_BAD_HEADER */
export function jsonBytesOf(headers: IncomingHttpHeaders, body: Buffer): number {
  const given = headers["inference-header-content-length"];
  if (given === undefined) return body.length;
  const bytes = Number(given);
  if (typeof given === "string" && /^\d{1,15}$/.test(given) && bytes > 0 && bytes <= body.length)
    return bytes;
  throw httpErrors.HTTP_BAD_HEADER.error(
    `inference-header-content-length is ${JSON.stringify(String(given).slice(0, 80))}; it must be the number of bytes of the JSON that a body of ${body.length} bytes begins with`,
    { details: { header: "inference-header-content-length" } },
  );
}

/** A segment of a path as the text it stands for. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A broken escape names nothing that exists; the text itself goes into the message.
    return segment;
  }
}
