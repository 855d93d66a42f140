import { type Clock, entropy, monotonicMs } from "../kernel/index.ts";
import { type AccessEntry, type AddressForm, accessLine, keptAddress } from "./access-entry.ts";
import type { LineFile } from "./line-file.ts";
import type { MetricSample } from "./metric-table.ts";
import { requestSpans } from "./request-spans.ts";
import type { SpanExporter } from "./span-exporter.ts";
import {
  formatTraceparent,
  isSampled,
  parseTraceparent,
  type TraceContext,
  type TraceSampler,
} from "./trace-context.ts";

export interface AccessLogOptions {
  readonly file: Pick<LineFile, "add" | "counts" | "close">;
  /** Share of the answered requests that are logged, 0 … 1. Refused ones always are. */
  readonly share: number;
  readonly addresses: AddressForm;
}

export interface TracingOptions {
  readonly exporter: Pick<SpanExporter, "add" | "counts" | "close">;
  readonly sampler: TraceSampler;
  readonly ratio: number;
}

export interface RequestObserverOptions {
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Process id. */
  readonly worker: number;
  readonly accessLog?: AccessLogOptions | undefined;
  readonly tracing?: TracingOptions | undefined;
}

/** What is known of a request when it arrives. */
export interface ArrivingRequest {
  readonly transport: "http" | "grpc";
  /** A method of HTTP; `POST` for gRPC, which is HTTP too. */
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly protocol: string;
  readonly traceparent: string | undefined;
  readonly address: string | undefined;
}

/** What answered a request. */
export interface RequestAnswer {
  readonly model: string;
  readonly version: number;
  readonly arm: string;
  readonly predictionId: string;
  readonly instances: number;
}

/** The moments at which a request that is answered with a prediction passes from one step to the next. */
export const requestSteps = ["arrived", "started", "parsed", "predicted", "logged"] as const;

export type RequestStep = (typeof requestSteps)[number];

/** What is found out about one request while it is answered. */
export class RequestObservation {
  readonly request: ArrivingRequest;
  /** By the clock. */
  readonly startedAt: number;
  /** By `monotonicMs`. */
  readonly since = monotonicMs();
  readonly trace: TraceContext | undefined;
  readonly parentSpanId: string | undefined;
  /** When a step was over, by `monotonicMs`. */
  readonly steps: Partial<Record<RequestStep, number>> = {};
  answer: RequestAnswer | undefined;
  code: string | undefined;
  status: number | string = "CLOSED";
  bytesIn: number | undefined;
  bytesOut: number | undefined;

  constructor(
    request: ArrivingRequest,
    startedAt: number,
    given: { readonly trace: TraceContext | undefined; readonly parentSpanId: string | undefined },
  ) {
    this.request = request;
    this.startedAt = startedAt;
    this.trace = given.trace;
    this.parentSpanId = given.parentSpanId;
  }

  passed(step: RequestStep): void {
    this.steps[step] = monotonicMs();
  }

  /** What the answer's `traceresponse` header says; undefined where nothing is traced. */
  get traceresponse(): string | undefined {
    return this.trace === undefined ? undefined : formatTraceparent(this.trace);
  }
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** Watches requests for the access log and for traces. Where neither is wanted there is none, and nothing is watched. */
export class RequestObserver {
  readonly #options: RequestObserverOptions;
  #sampledOut = 0;

  constructor(options: RequestObserverOptions) {
    this.#options = options;
  }

  begin(request: ArrivingRequest): RequestObservation {
    const { tracing, clock } = this.#options;
    const parent = parseTraceparent(request.traceparent);
    let trace: TraceContext | undefined;
    if (tracing !== undefined) {
      const traceId = parent?.traceId ?? hexadecimal(TRACE_ID_BYTES);
      trace = {
        traceId,
        spanId: hexadecimal(SPAN_ID_BYTES),
        sampled: isSampled(tracing, { parent, traceId }),
      };
    }
    return new RequestObservation(request, clock(), { trace, parentSpanId: parent?.spanId });
  }

  /** When the answer has been sent, or the client has gone. */
  end(observation: RequestObservation): void {
    const durationMs = monotonicMs() - observation.since;
    const { accessLog, tracing } = this.#options;
    if (accessLog !== undefined) this.#log(observation, accessLog, durationMs);
    if (tracing !== undefined && observation.trace?.sampled === true)
      tracing.exporter.add(requestSpans(observation, durationMs, () => hexadecimal(SPAN_ID_BYTES)));
  }

  samples(): MetricSample[] {
    const { accessLog, tracing } = this.#options;
    const count = (
      name: "slipway_access_log_entries_total" | "slipway_spans_total",
      outcome: string,
      value: number,
    ) => ({
      name,
      labels: [outcome],
      value,
    });
    return [
      ...(accessLog === undefined
        ? []
        : [
            count("slipway_access_log_entries_total", "written", accessLog.file.counts.written),
            count("slipway_access_log_entries_total", "dropped", accessLog.file.counts.dropped),
            count("slipway_access_log_entries_total", "sampled_out", this.#sampledOut),
          ]),
      ...(tracing === undefined
        ? []
        : [
            count("slipway_spans_total", "exported", tracing.exporter.counts.exported),
            count("slipway_spans_total", "dropped", tracing.exporter.counts.dropped),
          ]),
    ];
  }

  /** Writes and sends what waits. */
  async close(): Promise<void> {
    const { accessLog, tracing } = this.#options;
    await Promise.all([accessLog?.file.close(), tracing?.exporter.close()]);
  }

  #log(
    observation: RequestObservation,
    { file, share, addresses }: AccessLogOptions,
    durationMs: number,
  ): void {
    if (!hasFailed(observation) && share < 1 && this.#options.random() >= share) {
      this.#sampledOut++;
      return;
    }
    const { request, answer, trace } = observation;
    const entry: AccessEntry = {
      time: observation.startedAt,
      worker: this.#options.worker,
      protocol: request.protocol,
      method: request.method,
      path: request.path,
      status: observation.status,
      code: observation.code,
      model: answer?.model,
      version: answer?.version,
      arm: answer?.arm,
      instances: answer?.instances,
      durationMicros: Math.round(durationMs * 1000),
      bytesIn: observation.bytesIn,
      bytesOut: observation.bytesOut,
      predictionId: answer?.predictionId,
      traceId: trace?.traceId ?? parseTraceparent(request.traceparent)?.traceId,
      address: keptAddress(request.address, addresses),
    };
    file.add(accessLine(entry));
  }
}

function hasFailed({ code, status }: RequestObservation): boolean {
  return code !== undefined || (typeof status === "number" ? status >= 400 : status !== "OK");
}

function hexadecimal(bytes: number): string {
  return entropy(bytes).toString("hex");
}
