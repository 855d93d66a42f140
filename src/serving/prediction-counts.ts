import { type Clock, monotonicMs } from "../kernel/index.ts";
import { LATENCY_BUCKETS, latencyBucket, type MetricSample } from "../telemetry/index.ts";
import type { ShedReason } from "./admission.ts";
import { shedReasonOf } from "./refusals.ts";
import { ServicePace } from "./service-pace.ts";

/** Through which door a request came. `http` is what belongs to no prediction protocol. */
export type Protocol =
  | "http"
  | "http_v1"
  | "http_v2"
  | "http_mlflow"
  | "grpc_v2"
  | "grpc_tensorflow"
  | "grpc";

/** What one version of a model has answered in this worker, by whichever protocol. */
export interface VersionCounts {
  /** Requests that were answered. */
  readonly requests: number;
  /** Instances that were answered. */
  readonly instances: number;
  /** Requests that were refused after their version was found. */
  readonly failures: number;
  /** From the whole request to its answer, log write included, over all answered requests. */
  readonly microseconds: number;
  /** When the last request was answered, in milliseconds since 1970; undefined before the first. */
  readonly lastAnsweredMs: number | undefined;
}

/** A version in its place, asked through one door. */
export interface CountedArm {
  readonly model: string;
  readonly version: number;
  readonly arm: string;
  readonly protocol: Protocol;
}

/** Counts the answers of one arm through one door, on the hot path. */
export class PredictionCounter {
  readonly counted: CountedArm;
  /** How long it takes. */
  readonly pace = new ServicePace();
  readonly #shed = new Map<ShedReason, number>();
  #requests = 0;
  #instances = 0;
  #failures = 0;
  #microseconds = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  readonly #buckets = new Float64Array(LATENCY_BUCKETS + 1);

  constructor(counted: CountedArm) {
    this.counted = counted;
  }

  /** @param since when the request had arrived, by `monotonicMs` */
  count(instances: number, since: number): void {
    const now = monotonicMs();
    const microseconds = (now - since) * 1000;
    this.#requests++;
    this.#instances += instances;
    this.#microseconds += microseconds;
    this.#lastAt = now;
    this.#buckets[latencyBucket(microseconds)]!++;
  }

  /** @param thrown why */
  fail(thrown: unknown): void {
    this.#failures++;
    const reason = shedReasonOf(thrown);
    if (reason !== undefined) this.#shed.set(reason, (this.#shed.get(reason) ?? 0) + 1);
  }

  /** When it answered last, by `monotonicMs`; minus infinity before. */
  get lastAt(): number {
    return this.#lastAt;
  }

  get totals(): Omit<VersionCounts, "lastAnsweredMs"> {
    return {
      requests: this.#requests,
      instances: this.#instances,
      failures: this.#failures,
      microseconds: this.#microseconds,
    };
  }

  samples(): MetricSample[] {
    const { model, version, arm, protocol } = this.counted;
    const labels = [model, String(version), arm, protocol];
    return [
      { name: "slipway_predictions_total", labels, value: this.#instances },
      {
        name: "slipway_predict_duration_seconds",
        labels,
        buckets: Array.from(this.#buckets),
        sum: this.#microseconds / 1e6,
      },
      ...Array.from(this.#shed, ([reason, value]) => ({
        name: "slipway_requests_shed_total" as const,
        labels: [...labels, reason],
        value,
      })),
    ];
  }
}

/** A request that was not answered with what it asked for. */
export interface Refusal {
  readonly protocol: Protocol;
  /** Empty where it is not known which model is meant, or no such model is served. */
  readonly model: string;
  /** The stable code of the error. */
  readonly code: string;
  /** `503`, or a status of gRPC such as `UNAVAILABLE`. */
  readonly status: string;
}

/** What was asked since the worker started, and what became of it. */
export class PredictionCounts {
  readonly #clock: Clock;
  readonly #counters = new Map<string, PredictionCounter>();
  /** Count by code, by model, by protocol; without a text to be made for each refusal. */
  readonly #refusals = new Map<Protocol, Map<string, Map<string, { status: string; count: number }>>>();
  /** The moment of the last answer by the clock, worked out when it is asked for. */
  readonly #lastAnswered = new Map<string, { readonly at: number; readonly answeredMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same one for the same version, arm and protocol. */
  counterOf({ model, version, arm }: Omit<CountedArm, "protocol">, protocol: Protocol): PredictionCounter {
    const key = JSON.stringify([model, version, arm, protocol]);
    const counter = this.#counters.get(key) ?? new PredictionCounter({ model, version, arm, protocol });
    this.#counters.set(key, counter);
    return counter;
  }

  refuse({ protocol, model, code, status }: Refusal): void {
    const models = at(this.#refusals, protocol, () => new Map());
    const codes = at(models, model, () => new Map());
    at(codes, code, () => ({ status, count: 0 })).count++;
  }

  /** Of a version, in whichever arm and by whichever protocol. */
  of({ model, version }: { readonly model: string; readonly version: number }): VersionCounts {
    const own = Array.from(this.#counters.values()).filter(
      ({ counted }) => counted.model === model && counted.version === version,
    );
    const sum = { requests: 0, instances: 0, failures: 0, microseconds: 0 };
    for (const { totals } of own) {
      sum.requests += totals.requests;
      sum.instances += totals.instances;
      sum.failures += totals.failures;
      sum.microseconds += totals.microseconds;
    }
    const lastAt = own.reduce(
      (latest, counter) => Math.max(latest, counter.lastAt),
      Number.NEGATIVE_INFINITY,
    );
    return { ...sum, lastAnsweredMs: this.#answeredMs(`${model}/${version}`, lastAt) };
  }

  samples(): MetricSample[] {
    const refused: MetricSample[] = [];
    for (const [protocol, models] of this.#refusals) {
      for (const [model, codes] of models) {
        for (const [code, { status, count }] of codes)
          refused.push({
            name: "slipway_request_errors_total",
            labels: [protocol, model, code, status],
            value: count,
          });
      }
    }
    return [...Array.from(this.#counters.values(), (counter) => counter.samples()).flat(), ...refused];
  }

  #answeredMs(key: string, lastAt: number): number | undefined {
    if (lastAt === Number.NEGATIVE_INFINITY) return undefined;
    const known = this.#lastAnswered.get(key);
    if (known?.at === lastAt) return known.answeredMs;
    const answeredMs = this.#clock() - (monotonicMs() - lastAt);
    this.#lastAnswered.set(key, { at: lastAt, answeredMs });
    return answeredMs;
  }
}

function at<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
