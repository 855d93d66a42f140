import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { startGrpcServer } from "../../../src/grpc/index.ts";
import { inferenceProtocol } from "../../../src/grpc/protocols/inference.ts";
import { messagesOf } from "../../../src/grpc/service-definition.ts";
import { startPredictionServer } from "../../../src/http/index.ts";
import { openServingRoom } from "../../../src/serving/testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../../../src/serving/testing/small-bundle.ts";
import { httpRequest, type LoadOrder, type LoadRequest, type LoadResult, type Pace } from "./load-order.ts";
import { runLoad } from "./run-load.ts";

const LISTEN = { host: "127.0.0.1", port: 0 };
const CLOSED_LOOP: Pace = { kind: "closed-loop" };
const PREDICT = httpRequest({
  path: "/v1/models/late:predict",
  body: JSON.stringify({ instances: [FLIGHT] }),
});

async function openServers() {
  // However slow the machine is, nothing is refused because it would wait too long.
  const room = await openServingRoom({ admission: { maxWaitMs: 60_000 } });
  await room.dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0.25 })]));
  const http = await startPredictionServer({ dataPlane: room.dataPlane, listen: LISTEN });
  const grpc = await startGrpcServer({ dataPlane: room.dataPlane, listen: LISTEN });
  onTestFinished(async () => {
    await http.close({ drainMs: 0, graceMs: 0 });
    await grpc.close({ graceMs: 0 });
  });
  return { dataPlane: room.dataPlane, httpPort: http.port, grpcPort: grpc.port };
}

async function openHttp(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(LISTEN, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function run(
  { port, request, connections = 4 }: { port: number; request: LoadRequest; connections?: number },
  order: Partial<LoadOrder>,
): Promise<LoadResult> {
  const targets = [{ port, pid: process.pid, connections, request }];
  const [result] = await runLoad({
    ...{ targets, pace: CLOSED_LOOP, warmMs: 20, warmRequests: 0, windowMs: 50, rounds: 2 },
    ...order,
  });
  return result!;
}

function grpcRequest(model: string): LoadRequest {
  const type = messagesOf(inferenceProtocol).type("inference.ModelInferRequest");
  const tensor = (name: string, datatype: string, contents: object) => ({
    name,
    datatype,
    shape: [1],
    contents,
  });
  const text = (value: unknown) => ({ bytes_contents: [Buffer.from(String(value))] });
  const message = type
    .encode({
      model_name: model,
      inputs: [
        tensor("date", "BYTES", text(FLIGHT.date)),
        tensor("distance", "INT64", { int64_contents: [FLIGHT.distance] }),
        tensor("miles", "FP64", { fp64_contents: [FLIGHT.miles] }),
        tensor("nonstop", "BOOL", { bool_contents: [FLIGHT.nonstop] }),
        tensor("origin", "BYTES", text(FLIGHT.origin)),
      ],
    })
    .finish();
  return {
    ...{ protocol: "grpc", path: "/inference.GRPCInferenceService/ModelInfer", message },
    callsPerConnection: 3,
  };
}

describe("the load generator over HTTP", () => {
  it("counts in a closed loop exactly the requests that the server answered", async () => {
    const { dataPlane, httpPort } = await openServers();
    const result = await run({ port: httpPort, request: PREDICT }, {});
    expect(result).toMatchObject({ failed: 0, unsent: 0, reasons: {} });
    expect(result.windows).toHaveLength(2);
    expect(result.sent).toBe(result.answered);
    expect(dataPlane.predictionCount()).toBe(result.sent);
  });

  it("sends in an open loop exactly what is due", async () => {
    const { dataPlane, httpPort } = await openServers();
    const pace: Pace = { kind: "open-loop", perSecond: 400 };
    const result = await run({ port: httpPort, request: PREDICT }, { pace, warmMs: 0, windowMs: 100 });
    expect(result).toMatchObject({ sent: 80, answered: 80, failed: 0, unsent: 0 });
    expect(dataPlane.predictionCount()).toBe(80);
    expect(result.latenessP99).toBeGreaterThan(0);
  });

  it("counts latency from when a request was due, not from when it could be sent", async () => {
    let requests = 0;
    const port = await openHttp((_request, response) => {
      requests++;
      // The first of the window keeps all that are due after it waiting.
      if (requests === 1) setTimeout(() => response.end("late"), 200);
      else response.end("soon");
    });
    const request = httpRequest({ path: "/", body: "{}" });
    const pace: Pace = { kind: "open-loop", perSecond: 100 };
    const result = await run(
      { port, request, connections: 1 },
      { pace, warmMs: 0, windowMs: 300, rounds: 1 },
    );
    expect(result).toMatchObject({ sent: 30, answered: 30, failed: 0, unsent: 0 });
    // Request i was due at 10 i ms and answered at 200 ms at the earliest: of 30, at most 15 took less than 50 ms.
    expect(result.p50).toBeGreaterThanOrEqual(50);
    expect(result.latenessP99).toBeGreaterThanOrEqual(150);
  });

  it("says how many were refused, and why", async () => {
    let requests = 0;
    const port = await openHttp((_request, response) => {
      response.writeHead(requests++ % 2 === 0 ? 200 : 503, { "content-length": "9" }).end("an answer");
    });
    const result = await run({ port, request: httpRequest({ path: "/", body: "{}" }) }, {});
    expect(result.sent).toBe(requests);
    expect(result.answered).toBe(Math.ceil(requests / 2));
    expect(result.failed).toBe(Math.floor(requests / 2));
    expect(result.reasons).toEqual({ "status 503": result.failed });
  });

  it("counts what a broken connection loses, and what can then not be sent", async () => {
    const port = await openHttp((request) => request.socket.destroy());
    const pace: Pace = { kind: "open-loop", perSecond: 100 };
    const result = await run(
      { port, request: httpRequest({ path: "/", body: "{}" }), connections: 3 },
      { pace, warmMs: 0, windowMs: 200, rounds: 1 },
    );
    expect(result).toMatchObject({ sent: 3, answered: 0, failed: 3, unsent: 17 });
  });

  it("reads an answer that comes in pieces", async () => {
    const port = await openHttp((_request, response) => {
      response.writeHead(200, { "content-length": "6" });
      response.write("one");
      setImmediate(() => response.end("two"));
    });
    const result = await run({ port, request: httpRequest({ path: "/", body: "{}" }) }, {});
    expect(result.sent).toBeGreaterThan(0);
    expect(result).toMatchObject({ answered: result.sent, failed: 0 });
  });
});

describe("the load generator over gRPC", () => {
  it("counts exactly the calls that the server answered, with several under way on a connection", async () => {
    const { dataPlane, grpcPort } = await openServers();
    const result = await run({ port: grpcPort, request: grpcRequest("late") }, {});
    expect(result).toMatchObject({ failed: 0, unsent: 0, reasons: {} });
    expect(result.sent).toBeGreaterThan(12);
    expect(result.sent).toBe(result.answered);
    expect(dataPlane.predictionCount()).toBe(result.sent);
    expect(result.answerBytes).toBeGreaterThan(50);
  });

  it("counts refused calls as failed", async () => {
    const { grpcPort } = await openServers();
    const result = await run({ port: grpcPort, request: grpcRequest("no such model") }, {});
    expect(result.sent).toBeGreaterThan(0);
    expect(result).toMatchObject({ answered: 0, failed: result.sent, reasons: { refused: result.sent } });
    expect(result.p50).toBeNaN();
  });
});
