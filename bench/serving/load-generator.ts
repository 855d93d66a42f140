import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

/** What to send to whom and for how long. The servers take turns, in short windows, so that whatever else the machine does meets them all. */
export interface LoadOrder {
  readonly servers: readonly { readonly port: number; readonly pid: number }[];
  readonly path: string;
  readonly body: string;
  /** Connections to each server, each with one request under way at a time (closed loop, no pipelining). */
  readonly connections: number;
  readonly warmMs: number;
  readonly windowMs: number;
  readonly rounds: number;
}

/** What one server did, in the order of `servers`. */
export interface LoadResult {
  /** Of each round. */
  readonly requestsPerSecond: readonly number[];
  /** Of each round: microseconds of the server's processor time per request; NaN where the system does not tell. */
  readonly cpuMicroseconds: readonly number[];
  /** Milliseconds, over all rounds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Bytes of one response, headers included. */
  readonly responseBytes: number;
  readonly failures: number;
}

/** Latencies of 0 … 1 s, in steps of 10 µs. */
const STEPS_PER_MS = 100;
const STEPS = 1_000 * STEPS_PER_MS;

process.on("message", (order: LoadOrder) => {
  generate(order).then((results) => process.send?.(results));
});

async function generate(order: LoadOrder): Promise<LoadResult[]> {
  const clients = await Promise.all(order.servers.map((server) => Client.connect(server, order)));
  for (const client of clients) await client.run(order.warmMs, false);
  for (let round = 0; round < order.rounds; round++) {
    // The order changes from round to round, so that no server always follows the same one.
    for (const client of round % 2 === 0 ? clients : clients.toReversed())
      await client.run(order.windowMs, true);
  }
  return clients.map((client) => client.finish());
}

/** The connections to one server. */
class Client {
  readonly #pid: number;
  readonly #request: Buffer;
  readonly #sockets: Socket[] = [];
  readonly #idle: (() => void)[] = [];
  readonly #latencies = new Uint32Array(STEPS);
  readonly #requestsPerSecond: number[] = [];
  readonly #cpuMicroseconds: number[] = [];
  #running = false;
  #measuring = false;
  #answered = 0;
  #responseBytes = 0;
  #failures = 0;

  private constructor(port: number, pid: number, order: LoadOrder) {
    this.#pid = pid;
    this.#request = Buffer.from(
      `POST ${order.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(order.body)}\r\n\r\n${order.body}`,
    );
  }

  static async connect(server: LoadOrder["servers"][number], order: LoadOrder): Promise<Client> {
    const client = new Client(server.port, server.pid, order);
    await Promise.all(Array.from({ length: order.connections }, () => client.#open(server.port)));
    return client;
  }

  /** Keeps every connection busy for a while and then lets each finish what it has under way. */
  async run(milliseconds: number, measure: boolean): Promise<void> {
    this.#running = true;
    for (const send of this.#idle.splice(0)) send();
    await after(Math.min(20, milliseconds));
    this.#measuring = measure;
    this.#answered = 0;
    const cpuBefore = cpuNanoseconds(this.#pid);
    const startedAt = performance.now();
    await after(milliseconds);
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = cpuNanoseconds(this.#pid) - cpuBefore;
    if (measure) {
      this.#requestsPerSecond.push(this.#answered / seconds);
      this.#cpuMicroseconds.push(cpu / 1000 / this.#answered);
    }
    this.#measuring = false;
    this.#running = false;
    while (this.#idle.length < this.#sockets.length) await after(1);
  }

  finish(): LoadResult {
    for (const socket of this.#sockets) socket.destroy();
    return {
      requestsPerSecond: this.#requestsPerSecond,
      cpuMicroseconds: this.#cpuMicroseconds,
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
      p999: this.#quantile(0.999),
      responseBytes: this.#responseBytes,
      failures: this.#failures,
    };
  }

  #open(port: number): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#sockets.push(socket);
    let sentAt = 0;
    let received = 0;
    let expected = 0;
    const send = () => {
      received = 0;
      sentAt = performance.now();
      socket.write(this.#request);
    };
    socket.on("data", (chunk: Buffer) => {
      if (received === 0) expected = this.#expectedLength(chunk);
      received += chunk.length;
      if (received < expected) return;
      this.#responseBytes = received;
      this.#answered++;
      if (this.#measuring) {
        const step = Math.floor((performance.now() - sentAt) * STEPS_PER_MS);
        this.#latencies[Math.min(step, STEPS - 1)]!++;
      }
      if (this.#running) send();
      else this.#idle.push(send);
    });
    socket.on("error", () => {
      this.#failures++;
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        this.#idle.push(send);
        resolve();
      });
    });
  }

  /** Length of a response whose headers came in one piece; anything but 200 counts as a failure. */
  #expectedLength(chunk: Buffer): number {
    const headEnd = chunk.indexOf("\r\n\r\n");
    const head = chunk.toString("latin1", 0, headEnd);
    if (!head.startsWith("HTTP/1.1 200")) this.#failures++;
    const length = /content-length: (\d+)/i.exec(head);
    return headEnd + 4 + Number(length?.[1] ?? 0);
  }

  #quantile(share: number): number {
    const all = this.#latencies.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      seen += this.#latencies[step]!;
      if (seen >= share * all) return step / STEPS_PER_MS;
    }
    return Number.NaN;
  }
}

/** Processor time of all threads of a process, where /proc tells it. */
function cpuNanoseconds(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ")[0]))
      .reduce((sum, nanoseconds) => sum + nanoseconds, 0);
  } catch {
    // No /proc: an operating system other than Linux. The row is left out then.
    return Number.NaN;
  }
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
