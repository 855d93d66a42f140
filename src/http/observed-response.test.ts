import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { openServingRoom } from "../serving/testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { watchEverything } from "../telemetry/testing/watching.ts";
import { startPredictionServer } from "./prediction-server.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PREDICT = "/v1/models/late:predict";
const BODY = JSON.stringify({ instances: [FLIGHT, FLIGHT] });

async function openWatchedRoom() {
  const room = await openServingRoom();
  await room.dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0.25 })]));
  const watching = watchEverything();
  const server = await startPredictionServer({
    dataPlane: room.dataPlane,
    listen: { host: "127.0.0.1", port: 0 },
    observer: watching.observer,
  });
  onTestFinished(() => server.close({ drainMs: 0, graceMs: 0 }));
  const send = (path: string, init: RequestInit = {}) => fetch(server.address + path, init);
  /** What was logged, once there is as much as was asked. */
  const entries = async (count: number) => {
    await expect.poll(() => watching.lines.length).toBe(count);
    return watching.lines.map((line) => JSON.parse(line));
  };
  return { ...watching, server, send, entries };
}

describe("a watched server", () => {
  it("logs who was answered by which version, and nothing of what they sent", async () => {
    const { send, entries } = await openWatchedRoom();
    const answer = await send(`${PREDICT}?key=secret`, { method: "POST", body: BODY });
    const text = await answer.text();
    const [entry] = await entries(1);
    expect(entry).toMatchObject({
      ...{ protocol: "http_v1", method: "POST", path: PREDICT, status: 200, address: "127.0.0.1" },
      ...{ model: "late", version: 1, arm: "champion", instances: 2, worker: process.pid },
      ...{ bytesIn: BODY.length, bytesOut: text.length },
      predictionId: answer.headers.get("x-slipway-prediction-id"),
    });
    expect(entry.durationMicros).toBeGreaterThan(0);
    expect(JSON.stringify(entry)).not.toMatch(/secret|instances":\[/);
  });

  it("logs refusals by their code, probes, and clients that did not wait", async () => {
    const { send, entries, server } = await openWatchedRoom();
    await send(PREDICT, { method: "POST", body: "{" });
    await send("/nowhere");
    await send("/livez");
    const impatient = connect(server.port, "127.0.0.1", () => {
      impatient.write(`POST ${PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{`);
      setTimeout(() => impatient.destroy(), 20);
    });
    const logged = await entries(4);
    expect(logged.map(({ path, status, code }) => [path, status, code])).toEqual([
      [PREDICT, 400, "WIRE_NOT_JSON"],
      ["/nowhere", 404, "HTTP_NO_SUCH_PATH"],
      ["/livez", 200, undefined],
      [PREDICT, "CLOSED", undefined],
    ]);
  });

  it("goes on with the trace of its caller and says so", async () => {
    const { send, entries, spans } = await openWatchedRoom();
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
    const answers = [
      await send(PREDICT, { method: "POST", body: BODY, headers }),
      await send(PREDICT, { method: "POST", body: "{", headers }),
    ];
    const [first] = await entries(2);
    expect(first.traceId).toBe(TRACE);
    const roots = spans.filter(({ kind }) => kind === "server");
    expect(answers.map((answer) => answer.headers.get("traceresponse"))).toEqual(
      roots.map(({ spanId }) => `00-${TRACE}-${spanId}-01`),
    );
    expect(spans.map(({ name }) => name)).toEqual([
      ...["POST /v1/models/{model}:predict", "read", "queue", "parse", "predict", "log", "answer"],
      ...["POST /v1/models/{model}:predict", "read", "queue"],
    ]);
    expect(roots.map(({ attributes }) => attributes["error.type"])).toEqual([undefined, "WIRE_NOT_JSON"]);
  });
});
