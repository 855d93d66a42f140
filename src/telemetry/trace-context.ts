/** Where a request stands in a trace, by the W3C Trace Context recommendation. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/**
 * What a `traceparent` header says. Undefined for none and for one that is not well-formed: the trace begins anew then, as the
 * recommendation asks.
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined) return undefined;
  const match = TRACEPARENT.exec(header);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, more] = match;
  // Version 00 has four fields; later ones may have more.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return {
    traceId: traceId!,
    spanId: spanId!,
    sampled: (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED,
  };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** Whether requests are traced, by the names of OTEL_TRACES_SAMPLER. */
export const traceSamplers = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

export type TraceSampler = (typeof traceSamplers)[number];

/**
 * Whether a request is traced: decided when it arrives, the same way by every service that sees the same trace.
 *
 * @param given.ratio between 0 and 1; for the samplers by ratio
 */
export function isSampled(
  { sampler, ratio }: { readonly sampler: TraceSampler; readonly ratio: number },
  given: { readonly parent: TraceContext | undefined; readonly traceId: string },
): boolean {
  const { parent, traceId } = given;
  switch (sampler) {
    case "always_on":
      return true;
    case "always_off":
      return false;
    case "traceidratio":
      return isWithin(traceId, ratio);
    case "parentbased_always_on":
      return parent?.sampled ?? true;
    case "parentbased_always_off":
      return parent?.sampled ?? false;
    case "parentbased_traceidratio":
      return parent?.sampled ?? isWithin(traceId, ratio);
  }
}

/** The last 48 bits of a trace id are random. */
const RANDOM_DIGITS = 12;

function isWithin(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < ratio * 16 ** RANDOM_DIGITS;
}
