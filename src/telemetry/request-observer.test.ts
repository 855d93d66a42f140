import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { keptAddress } from "./access-entry.ts";
import { type ArrivingRequest, type RequestObservation, RequestObserver } from "./request-observer.ts";
import { routeOf } from "./request-spans.ts";
import type { Span } from "./span.ts";
import { SpanExporter } from "./span-exporter.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const REQUEST: ArrivingRequest = {
  transport: "http",
  method: "POST",
  path: "/v1/models/late/versions/3:predict",
  protocol: "http_v1",
  traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
  address: "203.0.113.77",
};

function observer(given: { share?: number; random?: () => number } = {}) {
  const lines: string[] = [];
  const spans: Span[] = [];
  const none = { written: 0, dropped: 0, exported: 0 };
  const watching = new RequestObserver({
    clock: () => Date.UTC(2026, 0, 31, 12),
    random: given.random ?? (() => 0.5),
    worker: 7,
    accessLog: {
      file: { add: (line) => lines.push(line), counts: none, close: async () => undefined },
      share: given.share ?? 1,
      addresses: "network",
    },
    tracing: {
      exporter: { add: (more) => spans.push(...more), counts: none, close: async () => undefined },
      sampler: "parentbased_always_on",
      ratio: 1,
    },
  });
  return { watching, lines, spans };
}

function answered(observation: RequestObservation): RequestObservation {
  for (const step of ["arrived", "started", "parsed", "predicted", "logged"] as const)
    observation.passed(step);
  observation.answer = { model: "late", version: 3, arm: "champion", predictionId: "p1", instances: 2 };
  observation.status = 200;
  observation.bytesOut = 30;
  return observation;
}

describe("the access log", () => {
  it("says of a request what happened to it, not what was in it", () => {
    const { watching, lines } = observer();
    watching.end(answered(watching.begin(REQUEST)));
    const { durationMicros, ...entry } = JSON.parse(lines[0]!);
    expect(durationMicros).toBeGreaterThanOrEqual(0);
    expect(entry).toEqual({
      ...{
        kind: "request",
        time: "2026-01-31T12:00:00.000Z",
        worker: 7,
        protocol: "http_v1",
        method: "POST",
      },
      ...{ path: REQUEST.path, status: 200, model: "late", version: 3, arm: "champion", instances: 2 },
      ...{ bytesOut: 30, predictionId: "p1", traceId: TRACE, address: "203.0.113.0" },
    });
  });

  it("holds a share of the answered requests, and every one that was refused or given up", () => {
    let draw = 0;
    const { watching, lines } = observer({ share: 0.25, random: () => (draw++ % 10) / 10 });
    for (let at = 0; at < 100; at++) watching.end(answered(watching.begin(REQUEST)));
    expect(lines).toHaveLength(30);
    const refused = watching.begin(REQUEST);
    refused.status = 400;
    refused.code = "WIRE_NOT_JSON";
    watching.end(refused);
    watching.end(watching.begin(REQUEST));
    expect(lines.slice(30).map((line) => [JSON.parse(line).status, JSON.parse(line).code])).toEqual([
      [400, "WIRE_NOT_JSON"],
      ["CLOSED", undefined],
    ]);
    expect(watching.samples()).toContainEqual({
      name: "slipway_access_log_entries_total",
      labels: ["sampled_out"],
      value: 70,
    });
  });

  it("keeps as much of an address as it is told to", () => {
    const addresses = ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8:1:2:3::4", "::1"];
    expect(addresses.map((address) => keptAddress(address, "network"))).toEqual([
      "198.51.100.0",
      "198.51.100.0",
      "2001:db8:1::",
      "::",
    ]);
    expect(keptAddress("::ffff:198.51.100.7", "full")).toBe("198.51.100.7");
    expect(keptAddress("198.51.100.7", "none")).toBeUndefined();
  });
});

describe("a trace", () => {
  it("has a span for the request below its caller's, and one for each step below that", () => {
    const { watching, spans } = observer();
    const observation = answered(watching.begin(REQUEST));
    watching.end(observation);
    const [root, ...steps] = spans;
    expect(root).toMatchObject({
      traceId: TRACE,
      parentSpanId: "00f067aa0ba902b7",
      kind: "server",
      name: "POST /v1/models/{model}/versions/{version}:predict",
      attributes: {
        "http.response.status_code": 200,
        "slipway.model": "late",
        "slipway.version": 3,
        "slipway.arm": "champion",
        "slipway.prediction.id": "p1",
      },
    });
    expect(observation.traceresponse).toBe(`00-${TRACE}-${root?.spanId}-01`);
    expect(steps.map(({ name }) => name)).toEqual(["read", "queue", "parse", "predict", "log", "answer"]);
    expect(new Set(steps.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([root?.spanId]));
    let from = root!.startMs;
    for (const { startMs, endMs } of steps) {
      expect(startMs).toBe(from);
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      from = endMs;
    }
    expect(from).toBe(root!.endMs);
  });

  it("is not recorded when the caller's is not, but its id is in the log", () => {
    const { watching, spans, lines } = observer();
    watching.end(
      answered(watching.begin({ ...REQUEST, traceparent: REQUEST.traceparent!.replace(/01$/, "00") })),
    );
    expect(spans).toEqual([]);
    expect(JSON.parse(lines[0]!).traceId).toBe(TRACE);
  });

  it("calls failed what is the server's fault, and over gRPC speaks of calls", () => {
    const { watching, spans } = observer();
    for (const [status, code] of [
      ["INVALID_ARGUMENT", "GRPC_MALFORMED"],
      ["UNAVAILABLE", "SERVING_NOT_READY"],
    ] as const) {
      const call = watching.begin({
        ...REQUEST,
        transport: "grpc",
        path: "/inference.GRPCInferenceService/ModelInfer",
      });
      call.status = status;
      call.code = code;
      watching.end(call);
    }
    expect(spans.map(({ name, failure }) => [name, failure])).toEqual([
      ["inference.GRPCInferenceService/ModelInfer", undefined],
      ["inference.GRPCInferenceService/ModelInfer", "SERVING_NOT_READY"],
    ]);
    expect(spans[0]?.attributes).toMatchObject({
      "rpc.system": "grpc",
      "rpc.service": "inference.GRPCInferenceService",
      "rpc.method": "ModelInfer",
      "rpc.grpc.status_code": 3,
      "error.type": "GRPC_MALFORMED",
    });
  });

  it("names routes without what they name", () => {
    expect(routeOf("/v2/models/late/versions/3/infer")).toBe("/v2/models/{model}/versions/{version}/infer");
    expect(routeOf("/v1/models/late/labels/champion:predict")).toBe(
      "/v1/models/{model}/labels/{label}:predict",
    );
    expect(routeOf("/metrics")).toBe("/metrics");
  });
});

/** A collector that answers with the given statuses, one after the other and then 200. */
async function collector(statuses: number[] = []) {
  // biome-ignore lint/suspicious/noExplicitAny: a document of another program's form
  const received: { headers: NodeJS.Dict<string | string[]>; body: any }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const status = statuses.shift() ?? 200;
      if (status === 200)
        received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) });
      response.writeHead(status).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

const SPAN: Span = {
  ...{ traceId: TRACE, spanId: "00f067aa0ba902b7", sampled: true, parentSpanId: undefined, name: "one" },
  ...{ kind: "server", startMs: 1_700_000_000_000.125, endMs: 1_700_000_000_001 },
  attributes: { text: "a", whole: 3, fraction: 0.5, flag: true },
};

describe("the exporter", () => {
  const options = (url: string, problems: string[]) => ({
    url,
    headers: { authorization: "Bearer x" },
    resource: { attributes: { "service.name": "slipway" }, scopeVersion: "1" },
    onProblem: (problem: string) => problems.push(problem),
  });

  it("sends spans as OTLP's JSON", async () => {
    const { url, received } = await collector();
    const problems: string[] = [];
    const exporter = new SpanExporter(options(url, problems));
    exporter.add([SPAN, { ...SPAN, failure: "it broke" }]);
    await exporter.close();
    expect(received[0]?.headers).toMatchObject({
      authorization: "Bearer x",
      "content-type": "application/json",
    });
    const [{ resource, scopeSpans }] = received[0]!.body.resourceSpans;
    expect(resource.attributes).toEqual([{ key: "service.name", value: { stringValue: "slipway" } }]);
    expect(scopeSpans[0].spans[0]).toEqual({
      ...{ traceId: TRACE, spanId: "00f067aa0ba902b7", name: "one", kind: 2, status: { code: 0 } },
      startTimeUnixNano: "1700000000000125000",
      endTimeUnixNano: "1700000000001000000",
      attributes: [
        { key: "text", value: { stringValue: "a" } },
        { key: "whole", value: { intValue: "3" } },
        { key: "fraction", value: { doubleValue: 0.5 } },
        { key: "flag", value: { boolValue: true } },
      ],
    });
    expect(scopeSpans[0].spans[1].status).toEqual({ code: 2, message: "it broke" });
    expect([exporter.counts, problems]).toEqual([{ exported: 2, dropped: 0 }, []]);
  });

  it("drops and counts what there is no room for and what is refused, and says why once", async () => {
    const { url, received } = await collector([400, 400]);
    const problems: string[] = [];
    const exporter = new SpanExporter({ ...options(url, problems), maxWaiting: 3 });
    exporter.add([SPAN, SPAN]);
    exporter.add([SPAN, SPAN]);
    await exporter.close();
    exporter.add([SPAN]);
    await exporter.close();
    exporter.add([SPAN]);
    await exporter.close();
    expect(received).toHaveLength(1);
    expect(exporter.counts).toEqual({ exported: 1, dropped: 5 });
    expect(problems).toEqual([`${url} answered with status 400`]);
  });

  it("tries again when the collector is busy", async () => {
    const { url, received } = await collector([503]);
    const problems: string[] = [];
    const exporter = new SpanExporter({ ...options(url, problems), intervalMs: 1 });
    exporter.add([SPAN]);
    await expect.poll(() => received.length, { timeout: 30_000 }).toBe(1);
    await exporter.close();
    expect([exporter.counts, problems]).toEqual([{ exported: 1, dropped: 0 }, []]);
  });
});
