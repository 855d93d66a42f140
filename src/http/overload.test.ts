import { describe, expect, it } from "vitest";
import { type DataPlane, ServicePace } from "../serving/index.ts";
import { learn, whileBusy } from "../serving/testing/busy-event-loop.ts";
import { FLIGHT } from "../serving/testing/small-bundle.ts";
import { exchange, openPredictionRoom } from "./testing/prediction-room.ts";

const PREDICT = "/v1/models/late:predict";
const BODY = JSON.stringify({ instances: [FLIGHT] });

/** Takes no time, as far as the queue knows. */
class UnknownPace extends ServicePace {
  override estimate(): number {
    return 0;
  }
}

function paceOfLate({ counts }: DataPlane) {
  return counts.counterOf({ model: "late", version: 1, arm: "champion" }, "http_v1").pace;
}

describe("a worker with too much to do", () => {
  it("refuses with 503 and Retry-After what would wait too long, and counts it", async () => {
    const room = await openPredictionRoom({}, { maxWaitMs: 5 });
    learn(paceOfLate(room.dataPlane), { bytes: BODY.length, milliseconds: 100 });
    const refused = await whileBusy(room.dataPlane, () => room.post(PREDICT, BODY));
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.json).toMatchObject({
      error: "model late is overloaded: this request would wait too long",
      code: "SERVING_OVERLOADED",
      details: { model: "late", reason: "expected-wait", retryAfterSeconds: 1 },
      hint: "Try again in 1 s, or send fewer requests at once.",
    });
    const { text } = await room.get("/metrics");
    expect(text).toMatch(
      /slipway_requests_shed_total\{model="late",version="1",arm="champion",protocol="http_v1",reason="expected-wait"\} [1-9]/,
    );
    expect(text).toMatch(/^slipway_queue_requests\S* 0$/m);
    expect((await room.post(PREDICT, BODY)).status).toBe(200);
  });

  it("refuses at once what would come after its deadline, and does not compute what waited past it", async () => {
    const room = await openPredictionRoom();
    const ask = (ms: number) => room.post(PREDICT, BODY, { headers: { "x-slipway-timeout-ms": String(ms) } });
    const early = await whileBusy(room.dataPlane, () => ask(2));
    expect([early.status, early.json.details.reason]).toEqual([503, "deadline"]);
    expect(early.headers.get("retry-after")).toBe("1");

    const late = await whileBusy(room.dataPlane, () => ask(5), new UnknownPace());
    expect(late.status).toBe(504);
    expect(late.json).toEqual({
      error: "the deadline of this request to model late passed before it could be answered",
      code: "SERVING_DEADLINE_EXCEEDED",
      details: { model: "late" },
    });
    // What was not answered was not computed either.
    const { requests } = room.dataPlane.counts.of({ model: "late", version: 1 });
    expect(room.dataPlane.predictionCount()).toBe(requests);
  });
});

describe("a deadline", () => {
  it("is a whole number of milliseconds", async () => {
    const room = await openPredictionRoom();
    for (const wrong of ["0", "-1", "1.5", "soon", "100000000"]) {
      const { status, json } = await room.post(PREDICT, BODY, { headers: { "x-slipway-timeout-ms": wrong } });
      expect([status, json.code, json.details]).toEqual([
        400,
        "HTTP_BAD_HEADER",
        { header: "x-slipway-timeout-ms" },
      ]);
    }
    for (const [header, value] of [
      ["x-slipway-timeout-ms", "5000"],
      ["x-envoy-expected-rq-timeout-ms", "5000"],
      ["x-envoy-expected-rq-timeout-ms", "0"],
    ] as const)
      expect((await room.post(PREDICT, BODY, { headers: { [header]: value } })).status).toBe(200);
  });
});

describe("a slow client", () => {
  it("is told that its request did not arrive in time", async () => {
    const room = await openPredictionRoom({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const headers = await exchange(room.server.port, ["POST / HTTP/1.1\r\nhost: x\r\n"], { responses: 1 });
    expect(headers).toContain("408 Request Timeout");
    const body = await exchange(
      room.server.port,
      [`POST ${PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{`],
      { responses: 1 },
    );
    expect(body).toContain("408 Request Timeout");
  });
});
