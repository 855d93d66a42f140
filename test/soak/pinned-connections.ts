import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** A keep-alive connection, which stays with the worker that accepted it. */
interface Pinned {
  readonly agent: Agent;
  /** The incarnation of the worker. */
  readonly worker: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: documents of many forms
  readonly body: any;
}

const CONNECT_MS = 60_000;

/** One connection to each worker of a server, made anew when workers are killed. */
export class PinnedConnections {
  readonly #base: string;
  readonly #count: number;
  #pinned: Pinned[] = [];

  constructor(base: string, workers: number) {
    this.#base = base;
    this.#count = workers;
  }

  /** Asks the worker of this place in turn. Rejects when the connection breaks; then `connect` is to be called. */
  async ask(turn: number, path: string, body?: unknown): Promise<HttpAnswer> {
    if (this.#pinned.length < this.#count) await this.connect();
    return await send(this.#pinned[turn % this.#count]!.agent, `${this.#base}${path}`, body);
  }

  /** Connects until every worker has a connection. */
  async connect(): Promise<void> {
    this.close();
    const deadline = performance.now() + CONNECT_MS;
    while (this.#pinned.length < this.#count) {
      if (performance.now() > deadline) throw new Error(`only ${this.#pinned.length} workers answer`);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        const { body } = await send(agent, `${this.#base}/v1/stream`);
        if (this.#pinned.some(({ worker }) => worker === body.worker)) agent.destroy();
        else this.#pinned.push({ agent, worker: body.worker });
      } catch {
        agent.destroy();
        await pause(20);
      }
    }
  }

  /** Waits until the windows of every worker have seen so many events. */
  async waitForSequence(sequence: number): Promise<void> {
    const deadline = performance.now() + CONNECT_MS;
    for (let turn = 0; turn < this.#count; turn++) {
      for (;;) {
        const seen = await this.ask(turn, "/v1/stream").then(
          ({ body }) => body.sequence as number,
          async () => {
            await this.connect();
            return -1;
          },
        );
        if (seen === sequence) break;
        if (seen > sequence)
          throw new Error(`a worker has seen ${seen} events where there should be ${sequence}`);
        if (performance.now() > deadline)
          throw new Error(`a worker has seen ${seen} of ${sequence} events only`);
        await pause(5);
      }
    }
  }

  close(): void {
    for (const { agent } of this.#pinned) agent.destroy();
    this.#pinned = [];
  }
}

function send(agent: Agent, url: string, body?: unknown): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const outgoing = request(url, { agent, method, timeout: 20_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }),
      );
    });
    outgoing.once("error", reject);
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer within 20 s")));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
