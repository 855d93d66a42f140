import { GrpcConnection } from "./grpc-connection.ts";
import { HttpConnection } from "./http-connection.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { AnswerListener, LoadConnection } from "./load-connection.ts";
import type { LoadResult, LoadTarget, LoadWindow, Pace } from "./load-order.ts";
import { cpuNanoseconds } from "./processor-time.ts";

/** What a closed loop is given to get going, before a window begins. */
const RAMP_MS = 20;
/** How long after its window what was due in it may still be sent, and then answered. */
const LATE_MS = 1_000;
const DRAIN_MS = 5_000;

/** The load on one server: its connections, and what came of the requests. */
export class ServerLoad {
  readonly #target: LoadTarget;
  readonly #connections: LoadConnection[] = [];
  readonly #latencies = new LatencyHistogram();
  readonly #lateness = new LatencyHistogram();
  readonly #windows: LoadWindow[] = [];
  readonly #reasons = new Map<string, number>();
  #sent = 0;
  #answered = 0;
  #failed = 0;
  #unsent = 0;
  #answerBytes = 0;
  #measuring = false;
  #answeredInWindow = 0;
  /** Uses a connection that has become free. */
  #refill: (connection: LoadConnection) => void = () => undefined;

  private constructor(target: LoadTarget) {
    this.#target = target;
  }

  static async connect(target: LoadTarget): Promise<ServerLoad> {
    const load = new ServerLoad(target);
    for (let i = 0; i < target.connections; i++) load.#connections.push(await load.#connect());
    return load;
  }

  async #connect(): Promise<LoadConnection> {
    const { port, request } = this.#target;
    const connection: { current?: LoadConnection } = {};
    const listener: AnswerListener = {
      answered: (time, bytes) => {
        this.#answered++;
        this.#answerBytes = bytes;
        if (this.#measuring) {
          this.#answeredInWindow++;
          this.#latencies.add(performance.now() - time);
        }
        if (connection.current !== undefined) this.#refill(connection.current);
      },
      failed: (_time, reason) => {
        this.#failed++;
        this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
        if (connection.current !== undefined) this.#refill(connection.current);
      },
    };
    connection.current =
      request.protocol === "http"
        ? await HttpConnection.open(port, request.bytes, listener)
        : await GrpcConnection.open(port, request, listener);
    return connection.current;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Loads the server for a while and then lets it finish what it has in hand. */
  async run(pace: Pace, milliseconds: number, measured: boolean): Promise<void> {
    if (pace.kind === "closed-loop") await this.#closedLoop(milliseconds, measured);
    else await this.#openLoop({ milliseconds, measured, perSecond: pace.perSecond });
    await this.#drain();
  }

  async #closedLoop(milliseconds: number, measured: boolean): Promise<void> {
    this.#refill = (connection) => {
      while (connection.room > 0) this.#send(connection, performance.now());
    };
    for (const connection of this.#connections) this.#refill(connection);
    await after(Math.min(RAMP_MS, milliseconds));
    const { seconds, finish } = this.#beginWindow(measured);
    await after(milliseconds);
    finish(seconds());
    // What is still under way is left out, which hides nothing: every connection has one such request at most.
    this.#measuring = false;
    this.#refill = () => undefined;
  }

  async #openLoop(window: {
    readonly milliseconds: number;
    readonly perSecond: number;
    readonly measured: boolean;
  }): Promise<void> {
    const { milliseconds, measured } = window;
    const intervalMs = 1_000 / window.perSecond;
    const due = Math.floor(milliseconds / intervalMs);
    const { seconds, finish } = this.#beginWindow(measured);
    const startedAt = performance.now();
    const lastSendAt = startedAt + milliseconds + LATE_MS;
    let next = 0;
    let turn = 0;
    const sendDue = (): void => {
      const now = performance.now();
      while (next < due && startedAt + next * intervalMs <= now) {
        const connection = this.#freeFrom(turn);
        if (connection === undefined) return;
        turn = (turn + 1) % this.#connections.length;
        const time = startedAt + next++ * intervalMs;
        if (measured) this.#lateness.add(now - time);
        this.#send(connection, time);
      }
    };
    this.#refill = sendDue;
    while (next < due && performance.now() < lastSendAt && this.#isConnected()) {
      sendDue();
      const waitMs = startedAt + next * intervalMs - performance.now();
      // A timer is late by up to a millisecond; what is due sooner is waited for by looking at the clock.
      if (waitMs > 2) await after(waitMs - 1);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    this.#refill = () => undefined;
    this.#unsent += due - next;
    await this.#drain();
    finish(Math.max(seconds(), milliseconds / 1_000));
  }

  #freeFrom(turn: number): LoadConnection | undefined {
    const { length } = this.#connections;
    for (let i = 0; i < length; i++) {
      const connection = this.#connections[(turn + i) % length]!;
      if (connection.room > 0) return connection;
    }
    return undefined;
  }

  #isConnected(): boolean {
    return this.#sent > this.#answered + this.#failed || this.#connections.some(({ room }) => room > 0);
  }

  #send(connection: LoadConnection, time: number): void {
    this.#sent++;
    connection.send(time);
  }

  #beginWindow(measured: boolean): { seconds: () => number; finish: (seconds: number) => void } {
    this.#answeredInWindow = 0;
    this.#measuring = measured;
    const startedAt = performance.now();
    const { pid } = this.#target;
    const cpuBefore = measured && pid > 0 ? cpuNanoseconds(pid) : Number.NaN;
    return {
      seconds: () => (performance.now() - startedAt) / 1_000,
      finish: (seconds) => {
        this.#measuring = false;
        if (!measured) return;
        const cpu = pid > 0 ? cpuNanoseconds(pid) - cpuBefore : Number.NaN;
        this.#windows.push({
          requestsPerSecond: this.#answeredInWindow / seconds,
          cpuMicroseconds: cpu / 1_000 / this.#answeredInWindow,
        });
      },
    };
  }

  async #drain(): Promise<void> {
    const until = performance.now() + DRAIN_MS;
    while (this.#sent > this.#answered + this.#failed) {
      if (performance.now() > until) for (const connection of this.#connections) connection.close();
      else await after(1);
    }
  }

  finish(): LoadResult {
    for (const connection of this.#connections) connection.close();
    return {
      windows: this.#windows,
      p50: this.#latencies.quantile(0.5),
      p99: this.#latencies.quantile(0.99),
      p999: this.#latencies.quantile(0.999),
      latenessP99: this.#lateness.quantile(0.99),
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      unsent: this.#unsent,
      reasons: Object.fromEntries(this.#reasons),
      answerBytes: this.#answerBytes,
    };
  }
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
