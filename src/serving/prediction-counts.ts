import { type Clock, monotonicMs } from "../kernel/index.ts";

import type { ShedReason } from "./admission.ts";
import { ServicePace } from "./service-pace.ts";

/** Upper bounds of the latency histogram's buckets: 2^0 … 2^24 µs (16.8 s). */
export const LATENCY_BUCKETS = 25;

/** What one version of a model has answered in this worker, by whichever protocol. */
export interface VersionCounts {
  readonly model: string;
  readonly version: number;
  /** Requests that were answered. */
  readonly requests: number;
  /** Instances that were answered. */
  readonly instances: number;
  /** Requests that were refused after their version was found. */
  readonly failures: number;
  /** Those of them that were refused because there was too much to do. */
  readonly shed: ReadonlyMap<ShedReason, number>;
  /** From the whole request to its answer, log write included, over all answered requests. */
  readonly microseconds: number;
  /** Answered requests by latency; the last one holds those beyond all bounds. */
  readonly buckets: ArrayLike<number>;
  /** When the last request was answered, in milliseconds since 1970; undefined before the first. */
  readonly lastAnsweredMs: number | undefined;
}

/** Counts the answers of one version, on the hot path. */
export class PredictionCounter {
  /** How long the version takes. */
  readonly pace = new ServicePace();
  readonly #model: string;
  readonly #version: number;
  readonly #shed = new Map<ShedReason, number>();
  #requests = 0;
  #instances = 0;
  #failures = 0;
  #microseconds = 0;
  #lastAt: number | undefined;
  /** The same moment by the clock, worked out when it is asked for. */
  #lastAnswered: { readonly at: number; readonly answeredMs: number } | undefined;
  readonly #buckets = new Float64Array(LATENCY_BUCKETS + 1);

  constructor(model: string, version: number) {
    this.#model = model;
    this.#version = version;
  }

  /** @param since when the request had arrived, by `monotonicMs` */
  count(instances: number, since: number): void {
    const now = monotonicMs();
    const microseconds = (now - since) * 1000;
    this.#requests++;
    this.#instances += instances;
    this.#microseconds += microseconds;
    this.#lastAt = now;
    const bucket = Math.min(LATENCY_BUCKETS, 32 - Math.clz32(Math.ceil(microseconds) - 1));
    this.#buckets[bucket]!++;
  }

  fail(): void {
    this.#failures++;
  }

  shed(reason: ShedReason): void {
    this.#failures++;
    this.#shed.set(reason, (this.#shed.get(reason) ?? 0) + 1);
  }

  counts(clock: Clock): VersionCounts {
    const at = this.#lastAt;
    if (at !== undefined && this.#lastAnswered?.at !== at)
      this.#lastAnswered = { at, answeredMs: clock() - (monotonicMs() - at) };
    return {
      model: this.#model,
      version: this.#version,
      requests: this.#requests,
      instances: this.#instances,
      failures: this.#failures,
      shed: this.#shed,
      microseconds: this.#microseconds,
      buckets: this.#buckets,
      lastAnsweredMs: this.#lastAnswered?.answeredMs,
    };
  }
}

/** The counts of all versions that were asked since the worker started. */
export class PredictionCounts {
  readonly #clock: Clock;
  readonly #counters = new Map<string, PredictionCounter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same one for the same version. */
  counterOf({ model, version }: { readonly model: string; readonly version: number }): PredictionCounter {
    const key = `${model}/${version}`;
    const counter = this.#counters.get(key) ?? new PredictionCounter(model, version);
    this.#counters.set(key, counter);
    return counter;
  }

  of(served: { readonly model: string; readonly version: number }): VersionCounts {
    return this.counterOf(served).counts(this.#clock);
  }

  all(): VersionCounts[] {
    return Array.from(this.#counters.values(), (counter) => counter.counts(this.#clock));
  }
}
