import { Agent, request as httpRequest } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";

/** What one try came to. */
export type TryOutcome =
  | { readonly outcome: "answered"; readonly status: number; readonly text: string }
  /** There is no whole answer: why, in a few words. */
  | { readonly outcome: "failed"; readonly reason: string };

/** Longest answer that is read. */
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;
/** Connections to an address; more calls wait for one of them within their time. */
const MOST_CONNECTIONS = 64;

/** Connections that are kept alive, to any number of addresses. */
export class RemoteConnections {
  readonly #http = new Agent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  readonly #https = new TlsAgent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  readonly #closing = new AbortController();

  /** @param body given, it is posted as JSON */
  try(
    url: string,
    { body, timeoutMs }: { readonly body?: string; readonly timeoutMs: number },
  ): Promise<TryOutcome> {
    const isTls = url.startsWith("https:");
    return new Promise((resolve) => {
      const failed = (reason: string) => resolve({ outcome: "failed", reason });
      const timeout = AbortSignal.timeout(timeoutMs);
      const outgoing = (isTls ? httpsRequest : httpRequest)(
        url,
        {
          method: body === undefined ? "GET" : "POST",
          agent: isTls ? this.#https : this.#http,
          signal: AbortSignal.any([timeout, this.#closing.signal]),
          headers:
            body === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        },
        (incoming) => {
          const parts: Buffer[] = [];
          let length = 0;
          incoming.on("data", (part: Buffer) => {
            length += part.length;
            if (length > MOST_ANSWER_BYTES)
              outgoing.destroy(new Error(`an answer of more than ${MOST_ANSWER_BYTES} bytes`));
            else parts.push(part);
          });
          incoming.once("error", (error) => failed(reasonOf(error)));
          incoming.once("end", () =>
            resolve({
              outcome: "answered",
              status: incoming.statusCode ?? 0,
              text: Buffer.concat(parts).toString("utf8"),
            }),
          );
        },
      );
      const reasonOf = (error: NodeJS.ErrnoException): string => {
        if (timeout.aborted) return `no answer within ${timeoutMs} ms`;
        return this.#closing.signal.aborted ? "it was closed" : (error.code ?? error.message);
      };
      outgoing.once("error", (error: NodeJS.ErrnoException) => failed(reasonOf(error)));
      outgoing.end(body);
    });
  }

  /** Ends calls that are open. */
  close(): void {
    this.#closing.abort();
    this.#http.destroy();
    this.#https.destroy();
  }
}
