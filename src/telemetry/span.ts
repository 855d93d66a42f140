import type { TraceContext } from "./trace-context.ts";

export type AttributeValue = string | number | boolean;

/** A piece of work in a trace. */
export interface Span extends TraceContext {
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: "server" | "internal";
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Why it counts as failed. */
  readonly failure?: string | undefined;
}

export interface Resource {
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Version of what made the spans. */
  readonly scopeVersion: string;
}

/** Numbers of the protocol. */
const KINDS: Readonly<Record<Span["kind"], number>> = { internal: 1, server: 2 };
const UNSET = 0;
const ERROR = 2;

/** An ExportTraceServiceRequest of OTLP 1.x in its JSON mapping: ids in hexadecimal, 64-bit integers as texts. */
export function otlpRequest(resource: Resource, spans: readonly Span[]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource.attributes) },
        scopeSpans: [
          { scope: { name: "slipway", version: resource.scopeVersion }, spans: spans.map(otlpSpan) },
        ],
      },
    ],
  };
}

function otlpSpan(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, failure } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: keyValues(attributes),
    status: failure === undefined ? { code: UNSET } : { code: ERROR, message: failure },
  };
}

function keyValues(attributes: Readonly<Record<string, AttributeValue>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** To the microsecond: a number of milliseconds since 1970 holds no more. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}
