import { connect, type Socket } from "node:net";
import type { Random } from "../../../src/kernel/index.ts";
import { chance } from "./mutations.ts";
import {
  brokenFraming,
  damagedRequest,
  goodRequest,
  type KnownAnswer,
  type SentRequest,
} from "./requests.ts";
import type { Tally } from "./tally.ts";

/** Longest time for an answer, or for a connection to be closed whose other side is. */
export const HANG_MS = 10_000;

export interface VisitContext {
  readonly port: number;
  readonly grpcPort: number;
  readonly answers: readonly KnownAnswer[];
  readonly tally: Tally;
}

/**
 * One connection: damaged and well-formed requests by turns, several of them at once on their way, and often something at
 * the end that is no request.
 *
 * @returns how many requests were sent
 */
export async function visitHttp(random: Random, { port, answers, tally }: VisitContext): Promise<number> {
  const connection = await HttpConnection.open(port, tally);
  let sent = 0;
  try {
    for (let batches = random.integer(8); batches > 0; batches--) {
      const requests = Array.from({ length: 1 + random.integer(8) }, () =>
        chance(random, 0.25) ? goodRequest(random, answers) : damagedRequest(random, answers),
      );
      sent += requests.length;
      await connection.exchange(requests);
    }
    if (chance(random, 0.7)) {
      sent++;
      await connection.sendBroken(brokenFraming(random, answers), chance(random, 0.2));
    }
  } finally {
    connection.destroy();
  }
  return sent;
}

const EMPTY_CHUNKS = "0\r\n\r\n".length;

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

class HttpConnection {
  readonly #socket: Socket;
  readonly #tally: Tally;
  #arrived: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, tally: Tally) {
    this.#socket = socket;
    this.#tally = tally;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.#arrived = this.#arrived.length === 0 ? bytes : Buffer.concat([this.#arrived, bytes]);
      this.#wake();
    });
    // A reset is one of the ways in which a server closes a connection.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static async open(port: number, tally: Tally): Promise<HttpConnection> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new HttpConnection(socket, tally);
  }

  /** Sends requests in one piece; each must be answered, in order. */
  async exchange(requests: readonly SentRequest[]): Promise<void> {
    this.#socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
    for (const [at, request] of requests.entries()) {
      const answer = await this.#next(request.isHead);
      if (answer === undefined)
        throw new Error(
          `${at} of ${requests.length} requests were answered before the connection ${this.#isClosed ? "was closed" : "hung"}; the next was:\n${shown(request.bytes)}`,
        );
      this.#tally.count(answer.status);
      check(request, answer);
    }
  }

  /** Sends what cannot be answered for sure; whatever comes back must be no 5xx, and the connection must end. */
  async sendBroken(bytes: Buffer, isAbandoned: boolean): Promise<void> {
    this.#socket.write(bytes);
    if (isAbandoned) return;
    this.#socket.end();
    for (;;) {
      const answer = await this.#next(false);
      if (answer === undefined) break;
      this.#tally.count(answer.status);
      if (answer.status >= 500) throw new Error(`status ${answer.status} for:\n${shown(bytes)}`);
    }
    if (!this.#isClosed)
      throw new Error(`the connection stayed open for ${HANG_MS} ms after:\n${shown(bytes)}`);
    this.#tally.countClosed();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next answer; undefined when the connection was closed before, or nothing came in time. */
  async #next(isHead: boolean): Promise<Answer | undefined> {
    const deadline = performance.now() + HANG_MS;
    for (;;) {
      const answer = this.#take(isHead);
      if (answer !== undefined) return answer;
      if (this.#isClosed || performance.now() > deadline) return undefined;
      await this.#changed(deadline);
    }
  }

  #changed(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadline - performance.now() + 1);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(isHead: boolean): Answer | undefined {
    for (;;) {
      const headEnd = this.#arrived.indexOf("\r\n\r\n");
      if (headEnd === -1) return undefined;
      const head = this.#arrived.toString("latin1", 0, headEnd);
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
      if (Number.isNaN(status)) throw new Error(`this is no answer: ${head.slice(0, 200)}`);
      const isInterim = status < 200;
      // node:http refuses a request without a Host header by an empty body in chunks.
      const isChunked = /\r\ntransfer-encoding: chunked/i.test(head);
      const given = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const length = isInterim || isHead ? 0 : isChunked ? EMPTY_CHUNKS : given;
      const end = headEnd + 4 + length;
      if (this.#arrived.length < end) return undefined;
      const body = this.#arrived.subarray(headEnd + 4, end);
      this.#arrived = this.#arrived.subarray(end);
      if (!isInterim) return { status, head, body };
    }
  }
}

function check({ bytes, isHead, expected, read }: SentRequest, { status, head, body }: Answer): void {
  const fault = (text: string) =>
    new Error(`${text}\n${head}\n\n${body.toString("utf8", 0, 500)}\nThe request was:\n${shown(bytes)}`);
  if (status >= 500) throw fault(`status ${status}`);
  if (expected !== undefined) {
    if (status !== 200) throw fault(`a well-formed request was answered with status ${status}`);
    const got = read?.(body) ?? [];
    if (got.length !== expected.length || got.some((value, at) => value !== expected[at]))
      throw fault(`${JSON.stringify(expected)} was expected`);
  } else if (status >= 400 && !isHead) {
    const { code } = JSON.parse(body.toString()) as { code?: unknown };
    if (typeof code !== "string") throw fault("a refusal without a code");
  }
}

export function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString("latin1", 0, 1_500));
  return bytes.length > 1_500 ? `${text} … ${bytes.length} bytes` : text;
}
