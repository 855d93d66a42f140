import { resolve } from "node:path";
import type { Settings } from "../config/index.ts";
import { entropy, systemClock } from "../kernel/index.ts";
import {
  type AddressForm,
  type AttributeValue,
  LineFile,
  RequestObserver,
  SpanExporter,
  type TraceSampler,
} from "../telemetry/index.ts";
import { slipwayVersion } from "./code-version.ts";

/** What a worker is told of the access log and of traces; null where there is none. */
export interface ObservationOrder {
  readonly accessLog: {
    /** Null is the standard output. */
    readonly path: string | null;
    readonly share: number;
    readonly maxBytes: number;
    readonly keptFiles: number;
    readonly addresses: AddressForm;
  } | null;
  readonly tracing: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly attributes: Readonly<Record<string, AttributeValue>>;
    readonly sampler: TraceSampler;
    readonly ratio: number;
  } | null;
}

const STDOUT = 1;

export function observationOrder(settings: Settings, projectRoot: string): ObservationOrder {
  return { accessLog: accessLogOrder(settings, projectRoot), tracing: tracingOrder(settings) };
}

function accessLogOrder(settings: Settings, projectRoot: string): ObservationOrder["accessLog"] {
  const { accessLog } = settings;
  if (accessLog === "off") return null;
  return {
    path: accessLog === "stdout" ? null : resolve(projectRoot, accessLog),
    share: settings.accessLogShare,
    maxBytes: settings.accessLogMaxBytes,
    keptFiles: settings.accessLogFiles,
    addresses: settings.accessLogAddresses,
  };
}

function tracingOrder(settings: Settings): ObservationOrder["tracing"] {
  const { otlpEndpoint, otlpTracesEndpoint } = settings;
  const url = otlpTracesEndpoint ?? (otlpEndpoint && `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces`);
  if (url === undefined || settings.otelDisabled || settings.tracesSampler === "always_off") return null;
  return {
    url,
    headers: keyValues(settings.otlpHeaders),
    attributes: {
      ...keyValues(settings.otelResourceAttributes),
      "service.name": settings.otelServiceName,
      "service.version": slipwayVersion,
    },
    sampler: settings.tracesSampler,
    ratio: settings.tracesSamplerShare,
  };
}

/** `name=value,name=value`, values percent-encoded. */
export function keyValues(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())];
    }),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Not every program that writes these lists encodes them.
    return value;
  }
}

/** Undefined where neither is wanted: requests are not watched then, at no cost. */
export function openObserver(
  { accessLog, tracing }: ObservationOrder,
  onProblem: (problem: string) => void,
): RequestObserver | undefined {
  if (accessLog === null && tracing === null) return undefined;
  return new RequestObserver({
    clock: systemClock,
    random: () => entropy(4).readUInt32LE() / 2 ** 32,
    worker: process.pid,
    accessLog:
      accessLog === null
        ? undefined
        : {
            share: accessLog.share,
            addresses: accessLog.addresses,
            file: new LineFile({
              target: accessLog.path === null ? { descriptor: STDOUT } : { path: accessLog.path },
              maxBytes: accessLog.maxBytes,
              keptFiles: accessLog.keptFiles,
              clock: systemClock,
              onProblem: (problem) => onProblem(`the access log cannot be written: ${String(problem)}`),
            }),
          },
    tracing:
      tracing === null
        ? undefined
        : {
            sampler: tracing.sampler,
            ratio: tracing.ratio,
            exporter: new SpanExporter({
              url: tracing.url,
              headers: tracing.headers,
              resource: {
                attributes: { ...tracing.attributes, "process.pid": process.pid },
                scopeVersion: slipwayVersion,
              },
              onProblem: (problem) => onProblem(`traces cannot be exported: ${problem}`),
            }),
          },
  });
}
