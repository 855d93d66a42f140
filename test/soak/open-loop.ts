import { connect, type Socket } from "node:net";
import { cpuNanoseconds } from "../../bench/serving/load/processor-time.ts";

/** Requests at a rate of their own, whether or not the ones before have been answered. Sent to the process of this file. */
export interface OpenLoopOrder {
  readonly port: number;
  readonly path: string;
  /** Sent in turn. */
  readonly bodies: readonly string[];
  /** Each carries one request at a time. A request that is due while none is free is not sent, and counted. */
  readonly connections: number;
  /** One after the other, without a pause. */
  readonly phases: readonly OpenLoopPhase[];
  /** The process that answers. */
  readonly pid: number;
}

export interface OpenLoopPhase {
  readonly ms: number;
  /** Requests a second; `closed`: a connection sends its next request when it has been answered. */
  readonly rate: number | "closed";
  /** How many connections are used. Default: all. */
  readonly connections?: number;
}

/** What became of the requests of one phase, in columns. */
export interface OpenLoopResult {
  /** When it was due, milliseconds since the phase began. */
  readonly dueMs: Float64Array;
  /** From when it was due to its whole answer. */
  readonly latencyMs: Float64Array;
  /** Of HTTP; 0 for a connection that broke, 1 for a 503 without a `Retry-After` of at least 1. */
  readonly status: Uint16Array;
  readonly unsent: number;
  readonly ms: number;
  /** Processor time of the server in the meantime; NaN where the system does not tell. */
  readonly cpuMs: number;
  /** Of all answered predictions. */
  readonly ids: readonly string[];
}

interface Answered {
  readonly phase: number;
  readonly dueMs: number;
  readonly latencyMs: number;
  readonly status: number;
}

const TICK_MS = 1;
const CONNECTED_AT_ONCE = 50;
const GIVE_UP_MS = 10_000;

process.on("message", (order: OpenLoopOrder) => {
  new OpenLoop(order).run().then(
    (results) => process.send?.(results),
    (error: unknown) => {
      throw error;
    },
  );
});

class OpenLoop {
  readonly #order: OpenLoopOrder;
  readonly #requests: readonly Buffer[];
  readonly #idle: Connection[] = [];
  readonly #answered: Answered[] = [];
  readonly #ids: string[][];
  readonly #unsent: number[];
  readonly #lasted: number[];
  readonly #cpuMs: number[];
  #sent = 0;
  #due = 0;
  #open = 0;
  #onIdle = (): void => undefined;

  constructor(order: OpenLoopOrder) {
    this.#order = order;
    this.#requests = order.bodies.map((body) =>
      Buffer.from(
        `POST ${order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    );
    this.#ids = order.phases.map(() => []);
    this.#unsent = order.phases.map(() => 0);
    this.#lasted = order.phases.map(() => 0);
    this.#cpuMs = order.phases.map(() => 0);
  }

  async run(): Promise<OpenLoopResult[]> {
    const { connections, phases } = this.#order;
    const all = Array.from({ length: connections }, () => new Connection(this.#order.port));
    // More at once than a server accepts in time would be dropped, and tried again after a second.
    for (let from = 0; from < connections; from += CONNECTED_AT_ONCE)
      await Promise.all(all.slice(from, from + CONNECTED_AT_ONCE).map((connection) => connection.connect()));
    this.#idle.push(...all);
    for (const [phase, order] of phases.entries()) await this.#run(phase, order);
    const gaveUp = performance.now() + GIVE_UP_MS;
    while (this.#open > 0 && performance.now() < gaveUp) await tick();
    for (const connection of all) connection.giveUp();
    return phases.map((_, phase) => {
      const own = this.#answered.filter((answered) => answered.phase === phase);
      return {
        dueMs: Float64Array.from(own, ({ dueMs }) => dueMs),
        latencyMs: Float64Array.from(own, ({ latencyMs }) => latencyMs),
        status: Uint16Array.from(own, ({ status }) => status),
        unsent: this.#unsent[phase]!,
        ms: this.#lasted[phase]!,
        cpuMs: this.#cpuMs[phase]!,
        ids: this.#ids[phase]!,
      };
    });
  }

  async #run(phase: number, { ms, rate, connections }: OpenLoopPhase): Promise<void> {
    const cpuBefore = cpuNanoseconds(this.#order.pid);
    const startedAt = performance.now();
    const spare = this.#order.connections - (connections ?? this.#order.connections);
    const sendDue = (): void => {
      const now = performance.now() - startedAt;
      if (now >= ms) return;
      if (rate === "closed") {
        while (this.#idle.length > spare) this.#send(phase, startedAt, now);
        return;
      }
      for (; (this.#due * 1000) / rate <= now; this.#due++) {
        if (this.#idle.length > spare) this.#send(phase, startedAt, (this.#due * 1000) / rate);
        else this.#unsent[phase]!++;
      }
    };
    this.#due = 0;
    this.#onIdle = rate === "closed" ? sendDue : () => undefined;
    while (performance.now() - startedAt < ms) {
      sendDue();
      await tick();
    }
    this.#onIdle = () => undefined;
    this.#lasted[phase] = performance.now() - startedAt;
    this.#cpuMs[phase] = (cpuNanoseconds(this.#order.pid) - cpuBefore) / 1e6;
  }

  #send(phase: number, startedAt: number, dueMs: number): void {
    const connection = this.#idle.shift()!;
    this.#open++;
    connection.send(this.#requests[this.#sent++ % this.#requests.length]!, (status, head) => {
      this.#open--;
      this.#idle.push(connection);
      this.#answered.push({ phase, dueMs, latencyMs: performance.now() - startedAt - dueMs, status });
      if (status === 200) this.#ids[phase]!.push(/x-slipway-prediction-id: (\S+)/i.exec(head)?.[1] ?? "");
      this.#onIdle();
    });
  }
}

type OnAnswer = (status: number, head: string) => void;

/** A keep-alive connection that is made anew when the server closes it. */
class Connection {
  readonly #port: number;
  #socket: Socket | undefined;
  #onAnswer: OnAnswer | undefined;
  #received = 0;
  #expected = 0;
  #status = 0;
  #head = "";

  constructor(port: number) {
    this.#port = port;
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
      this.#socket = socket;
      socket.once("connect", resolve);
      socket.once("error", reject);
      socket.on("data", (chunk: Buffer) => this.#take(chunk));
      socket.on("close", () => {
        if (this.#socket === socket) this.#broken();
      });
    });
  }

  send(request: Buffer, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#received = 0;
    if (this.#socket === undefined)
      this.connect().then(
        () => this.#socket?.write(request),
        () => this.#broken(),
      );
    else this.#socket.write(request);
  }

  giveUp(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#onAnswer?.(0, "");
  }

  #take(chunk: Buffer): void {
    if (this.#received === 0) this.#readHead(chunk);
    this.#received += chunk.length;
    if (this.#received < this.#expected) return;
    if (/\r\nconnection: close/i.test(this.#head)) {
      this.#socket?.destroy();
      this.#socket = undefined;
    }
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(this.#status, this.#head);
  }

  #readHead(chunk: Buffer): void {
    const end = chunk.indexOf("\r\n\r\n");
    this.#head = chunk.toString("latin1", 0, end);
    this.#expected = end + 4 + Number(/content-length: (\d+)/i.exec(this.#head)?.[1] ?? 0);
    this.#status = Number(this.#head.slice(9, 12));
    if (this.#status === 503 && !/\r\nretry-after: [1-9]\d*(\r\n|$)/i.test(this.#head)) this.#status = 1;
  }

  #broken(): void {
    this.#socket = undefined;
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(0, "");
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
