import type { ServerResponse } from "node:http";
import { SlipwayError } from "../kernel/index.ts";
import type { ProgressEvent } from "../wire/index.ts";
import { statusOfKind } from "./error-status.ts";
import { httpErrors } from "./errors.ts";

/** Clients give up on a silent connection after five minutes, proxies often after one. */
const KEEP_ALIVE_MS = 15_000;

export interface StreamedAnswer {
  readonly onProgress: (event: ProgressEvent) => void;
  succeed(result: unknown): void;
  fail(error: SlipwayError): void;
}

/**
 * The answer to one operation as lines of JSON. The status line waits for the first of them: an operation that fails
 * at once answers with the status of its error, one that fails later with an error line.
 */
export function startAnswer(response: ServerResponse): StreamedAnswer {
  const keepAlive = setInterval(() => write({}), KEEP_ALIVE_MS);
  response.once("close", () => clearInterval(keepAlive));

  function write(line: unknown): void {
    if (!response.headersSent) {
      response.writeHead(200, {
        "content-type": "application/x-ndjson; charset=utf-8",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-accel-buffering": "no",
      });
    }
    response.write(`${JSON.stringify(line)}\n`);
  }

  return {
    onProgress: (event) => {
      // A reader that lags behind needs the newest state, not every one before it.
      const superseded = event.kind === "iteration" || event.kind === "progress";
      if (!(superseded && response.writableNeedDrain)) write({ progress: event });
    },
    succeed: (result) => {
      write({ result });
      response.end();
    },
    fail: (error) => {
      if (response.headersSent) {
        write({ error: error.toJSON() });
        response.end();
      } else {
        sendError(response, error);
      }
    },
  };
}

/** Where a code says more than its kind. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  [httpErrors.HTTP_TOKEN_MISSING.code]: 401,
  [httpErrors.HTTP_TOKEN_WRONG.code]: 401,
  [httpErrors.HTTP_BODY_TOO_LARGE.code]: 413,
};

function statusOf({ code, kind }: SlipwayError): number {
  return STATUS_OF_CODE[code] ?? statusOfKind[kind];
}

export function sendError(response: ServerResponse, error: SlipwayError): void {
  const status = statusOf(error);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 401 ? { "www-authenticate": 'Bearer realm="slipway"' } : {}),
  });
  response.end(`${JSON.stringify({ error: error.toJSON() })}\n`);
}

/** Errors nobody foresaw cross the wire by their message alone; their stack stays here. */
export function asSlipwayError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return httpErrors.HTTP_UNEXPECTED.error(message, {
    cause: error,
    hint: "this is a defect: the server's output has the stack",
  });
}
