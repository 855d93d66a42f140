import { sleep } from "../kernel/index.ts";
import { otlpRequest, type Resource, type Span } from "./span.ts";

export interface SpanExporterOptions {
  /** Where OTLP over HTTP is taken: `http://collector:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Resource;
  /** Told of the first of a row of failures. */
  readonly onProblem: (problem: string) => void;
  /** Most spans that wait; more are dropped. Default 4,096. */
  readonly maxWaiting?: number;
  /** How long spans are collected before they are sent. Default 1 s. */
  readonly intervalMs?: number;
}

export interface SpanCounts {
  readonly exported: number;
  /** There was no room for them, or the collector did not take them. */
  readonly dropped: number;
}

const DEFAULT_MAX_WAITING = 4_096;
const DEFAULT_INTERVAL_MS = 1_000;
const MOST_AT_ONCE = 512;
const TIMEOUT_MS = 10_000;
const CLOSING_MS = 2_000;
const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 500;
/** The statuses that OTLP says may be tried again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** Sends spans to an OpenTelemetry collector, beside everything else: nobody waits for it, and what it cannot send it counts. */
export class SpanExporter {
  readonly #options: SpanExporterOptions;
  readonly #maxWaiting: number;
  readonly #closing = new AbortController();
  readonly #givingUp = new AbortController();
  #waiting: Span[] = [];
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #counts = { exported: 0, dropped: 0 };
  #failing = false;

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
  }

  get counts(): SpanCounts {
    return this.#counts;
  }

  /** The spans of one request: all of them or none. */
  add(spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > this.#maxWaiting) {
      this.#counts.dropped += spans.length;
      return;
    }
    this.#waiting.push(...spans);
    if (this.#waiting.length >= MOST_AT_ONCE) this.#send();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#send(), this.#options.intervalMs ?? DEFAULT_INTERVAL_MS);
      this.#timer.unref();
    }
  }

  /** Sends what waits, without trying again and for a short while only. */
  async close(): Promise<void> {
    this.#closing.abort();
    const patience = setTimeout(() => this.#givingUp.abort(), CLOSING_MS);
    await this.#sending;
    this.#send();
    await this.#sending;
    clearTimeout(patience);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, MOST_AT_ONCE);
      const problem = await this.#deliver(JSON.stringify(otlpRequest(this.#options.resource, spans)));
      if (problem === undefined) this.#counts.exported += spans.length;
      else this.#counts.dropped += spans.length;
      if (problem !== undefined && !this.#failing) this.#options.onProblem(problem);
      this.#failing = problem !== undefined;
    }
  }

  /** @returns why it could not be delivered */
  async #deliver(body: string): Promise<string | undefined> {
    const { signal } = this.#closing;
    for (let attempt = 1; ; attempt++) {
      const { problem, mayRetry } = await this.#post(body);
      if (problem === undefined || !mayRetry || attempt === ATTEMPTS || signal.aborted) return problem;
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal).catch(() => undefined);
    }
  }

  async #post(body: string): Promise<{ readonly problem?: string; readonly mayRetry: boolean }> {
    const { url, headers } = this.#options;
    try {
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", ...headers },
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#givingUp.signal]),
      });
      await response.arrayBuffer();
      if (response.ok) return { mayRetry: false };
      return {
        problem: `${url} answered with status ${response.status}`,
        mayRetry: RETRYABLE.has(response.status),
      };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return {
        problem: `${url}: ${cause instanceof Error ? cause.message : String(cause)}`,
        mayRetry: true,
      };
    }
  }
}
