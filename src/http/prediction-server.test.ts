import { describe, expect, it } from "vitest";
import { findPrediction, readPredictionLog, replayLog } from "../serving/index.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { exchange, openPredictionRoom } from "./testing/prediction-room.ts";

const PREDICT = "/v1/models/late:predict";
const INFER = "/v2/models/late/infer";
const ROW = { instances: [FLIGHT] };
const TENSORS = {
  id: "42",
  inputs: [
    { name: "date", datatype: "BYTES", shape: [1], data: [FLIGHT.date] },
    { name: "distance", datatype: "INT64", shape: [1], data: [FLIGHT.distance] },
    { name: "miles", datatype: "FP64", shape: [1], data: [FLIGHT.miles] },
    { name: "nonstop", datatype: "BOOL", shape: [1], data: [FLIGHT.nonstop] },
    { name: "origin", datatype: "BYTES", shape: [1], data: [FLIGHT.origin] },
  ],
};

function request(body: string, headers = ""): string {
  return `POST ${PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

describe("the V1 protocol", () => {
  it("predicts from raw records and says which prediction, model, version and arm it was", async () => {
    const { post, logDirectory, blobs } = await openPredictionRoom();
    const answer = await post(PREDICT, ROW);
    expect(answer.status).toBe(200);
    expect(answer.json.predictions).toHaveLength(1);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/json",
      "x-slipway-model": "late",
      "x-slipway-version": "1",
      "x-slipway-arm": "champion",
      "x-slipway-logged": "full",
    });
    const id = answer.headers.get("x-slipway-prediction-id") ?? "";
    const frame = await findPrediction(logDirectory, id);
    expect(frame.payload?.outputs[0]).toBe(answer.json.predictions[0]);
    expect(frame.payload?.input.toString()).toBe(JSON.stringify([FLIGHT]));
    expect(await replayLog({ directory: logDirectory, blobs, filter: { id } })).toMatchObject({
      identical: 1,
    });
  });

  it("predicts by version and by label, in rows and in columns, with the same result", async () => {
    const { post } = await openPredictionRoom();
    const { predictions } = (await post(PREDICT, ROW)).json;
    for (const path of ["/versions/1", "/labels/champion"])
      expect((await post(`/v1/models/late${path}:predict`, ROW)).json).toEqual({ predictions });
    const inputs = Object.fromEntries(Object.entries(FLIGHT).map(([name, value]) => [name, [value]]));
    expect((await post(PREDICT, { inputs })).json).toEqual({ outputs: predictions });
    expect((await post(`${PREDICT}?x=1`, ROW)).json).toEqual({ predictions });
  });

  it("answers status, metadata and the list of models", async () => {
    const { get } = await openPredictionRoom();
    expect((await get("/")).json).toEqual({ status: "alive" });
    expect((await get("/v1/models")).json).toEqual({ models: ["late"] });
    for (const path of ["", "/versions/1", "/labels/champion"]) {
      expect((await get(`/v1/models/late${path}`)).json).toMatchObject({
        model_version_status: [{ version: "1", state: "AVAILABLE", status: { error_code: "OK" } }],
        name: "late",
        ready: true,
      });
    }
    expect((await get("/v1/models/late/metadata")).json.model_spec).toMatchObject({
      name: "late",
      version: "1",
    });
  });

  it("answers large batches in order", async () => {
    const { post } = await openPredictionRoom();
    const instances = Array.from({ length: 3_000 }, (_, i) => ({ ...FLIGHT, distance: i }));
    const { predictions } = (await post(PREDICT, { instances })).json;
    expect(predictions).toHaveLength(3_000);
    const [alone] = (await post(PREDICT, { instances: [instances[2_999]] })).json.predictions;
    expect(predictions[2_999]).toBe(alone);
  });
});

describe("the V2 protocol", () => {
  it("infers from JSON tensors what V1 predicts from the same record", async () => {
    const { post } = await openPredictionRoom();
    const { predictions } = (await post(PREDICT, ROW)).json;
    for (const path of [INFER, "/v2/models/late/versions/1/infer", "/v2/models/late/versions/v1/infer"]) {
      const answer = await post(path, TENSORS);
      expect(answer.json).toEqual({
        model_name: "late",
        model_version: "1",
        id: "42",
        parameters: { prediction_id: answer.headers.get("x-slipway-prediction-id") },
        outputs: [{ name: "late", datatype: "FP64", shape: [1], data: predictions }],
      });
    }
  });

  it("echoes an id outside ASCII with the right length", async () => {
    const { post } = await openPredictionRoom();
    expect((await post(INFER, { ...TENSORS, id: "Grüße 🛫" })).json.id).toBe("Grüße 🛫");
  });

  it("reads binary tensors, and answers them when asked to", async () => {
    const { server } = await openPredictionRoom();
    const data = (value: unknown, datatype: string): Buffer => {
      if (datatype === "BOOL") return Buffer.of(value ? 1 : 0);
      if (datatype === "BYTES") {
        const text = Buffer.from(String(value));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return Buffer.concat([length, text]);
      }
      const bytes = Buffer.alloc(8);
      if (datatype === "INT64") bytes.writeBigInt64LE(BigInt(Number(value)));
      else bytes.writeDoubleLE(Number(value));
      return bytes;
    };
    const parts = TENSORS.inputs.map(({ datatype, data: [value] }) => data(value, datatype));
    const json = JSON.stringify({
      inputs: TENSORS.inputs.map(({ name, datatype, shape }, at) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: parts[at]?.length },
      })),
      parameters: { binary_data_output: true },
    });
    const send = (headers: Record<string, string>) =>
      fetch(server.address + INFER, {
        method: "POST",
        body: Buffer.concat([Buffer.from(json), ...parts]),
        headers,
      });
    const answer = await send({ "inference-header-content-length": String(json.length) });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    const jsonBytes = Number(answer.headers.get("inference-header-content-length"));
    const bytes = Buffer.from(await answer.arrayBuffer());
    const document = JSON.parse(bytes.subarray(0, jsonBytes).toString());
    expect(document.outputs[0].parameters).toEqual({ binary_data_size: 8 });
    const plain = await fetch(server.address + INFER, { method: "POST", body: JSON.stringify(TENSORS) });
    const expected = (await plain.json()) as { outputs: [{ data: [number] }] };
    expect(bytes.readDoubleLE(jsonBytes)).toBe(expected.outputs[0].data[0]);
    for (const length of ["0", "x", String(json.length + 10_000)]) {
      const refused = await send({ "inference-header-content-length": length });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ code: "HTTP_BAD_HEADER" });
    }
  });

  it("answers health, metadata and readiness", async () => {
    const { get } = await openPredictionRoom();
    expect((await get("/v2/health/live")).json).toEqual({ live: true });
    expect((await get("/v2/health/ready")).json).toEqual({ live: true, ready: true });
    for (const path of ["/v2", "/v2/"])
      expect((await get(path)).json).toMatchObject({
        name: "slipway",
        extensions: ["binary_tensor_data", "model_repository", "statistics"],
      });
    expect((await get("/v2/models")).json).toEqual({ models: ["late"] });
    expect((await get("/v2/models/late/ready")).json).toEqual({ name: "late", ready: true });
    expect((await get("/v2/models/late/versions/9/ready")).status).toBe(404);
    expect((await get("/v2/models/late")).json).toMatchObject({ name: "late", versions: ["1"] });
  });
});

describe("health and metrics", () => {
  it("say when nothing is served yet", async () => {
    const { another } = await openPredictionRoom();
    const { startPredictionServer } = await import("./prediction-server.ts");
    const server = await startPredictionServer({
      dataPlane: another(),
      listen: { host: "127.0.0.1", port: 0 },
    });
    const status = async (path: string) => (await fetch(server.address + path)).status;
    expect(await status("/livez")).toBe(200);
    expect(await status("/readyz")).toBe(503);
    expect(await status("/v2/health/ready")).toBe(503);
    const answer = await fetch(`${server.address}${PREDICT}`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    await server.close({ drainMs: 0 });
  });

  it("count requests, instances, latencies and errors", async () => {
    const { get, post } = await openPredictionRoom();
    await post(PREDICT, ROW);
    await post(PREDICT, { instances: [FLIGHT, FLIGHT] });
    await post(PREDICT, "nonsense");
    await post("/v1/models/unheard-of:predict", ROW);
    await post(INFER, TENSORS);
    const { text, headers } = await get("/metrics");
    expect(headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const late = 'model="late",version="1",arm="champion"';
    expect(text).toContain(`slipway_predictions_total{${late},protocol="http_v1"} 3\n`);
    expect(text).toContain(`slipway_predict_duration_seconds_count{${late},protocol="http_v1"} 2\n`);
    expect(text).toContain(
      `slipway_predict_duration_seconds_bucket{${late},protocol="http_v2",le="+Inf"} 1\n`,
    );
    const refused = (model: string, code: string, status: number) =>
      `slipway_request_errors_total{protocol="http_v1",model="${model}",code="${code}",status="${status}"} 1\n`;
    expect(text).toContain(refused("late", "WIRE_NOT_JSON", 400));
    // A name that strangers make up is no label.
    expect(text).toContain(refused("", "SERVING_UNKNOWN_MODEL", 404));
    expect(text).toContain("slipway_routing_generation{worker=");
  });
});

describe("a bad request", () => {
  const refusals: readonly (readonly [path: string, body: unknown, status: number, code: string])[] = [
    [PREDICT, "", 400, "WIRE_EMPTY_BODY"],
    [PREDICT, "hello", 400, "WIRE_NOT_JSON"],
    [PREDICT, '{"instances":[{"distance":NaN}]}', 400, "WIRE_NOT_JSON"],
    [PREDICT, {}, 400, "WIRE_BAD_REQUEST"],
    [PREDICT, { instances: [] }, 400, "WIRE_BAD_REQUEST"],
    [PREDICT, { instances: [1, 2] }, 400, "WIRE_BAD_REQUEST"],
    [PREDICT, { instances: [[FLIGHT]] }, 400, "WIRE_BAD_REQUEST"],
    [PREDICT, { instances: [{}] }, 400, "SERVING_BAD_INSTANCE"],
    [PREDICT, { instances: [{ ...FLIGHT, distance: "far" }] }, 400, "SERVING_BAD_INSTANCE"],
    [PREDICT, { instances: [{ ...FLIGHT, date: "yesterday" }] }, 400, "SERVING_BAD_INSTANCE"],
    [PREDICT, '{"instances":[{"distance":9007199254740993}]}', 400, "WIRE_INEXACT_INTEGER"],
    [PREDICT, JSON.stringify(ROW).replace("766.8", "1e999"), 400, "SERVING_BAD_INSTANCE"],
    [PREDICT, `{"instances":[${"[".repeat(100)}${"]".repeat(100)}]}`, 400, "WIRE_TOO_DEEP"],
    [INFER, { inputs: [] }, 400, "WIRE_BAD_REQUEST"],
    [INFER, "{", 400, "WIRE_NOT_JSON"],
    ["/v1/models/lates:predict", ROW, 404, "SERVING_UNKNOWN_MODEL"],
    ["/v1/models/late/versions/9:predict", ROW, 404, "SERVING_UNKNOWN_VERSION"],
    ["/v1/models/late/labels/canary:predict", ROW, 404, "SERVING_UNKNOWN_LABEL"],
    ["/v1/models/%E0%A4%A:predict", ROW, 404, "SERVING_UNKNOWN_MODEL"],
    ["/v1/models/late/versions/one:predict", ROW, 404, "HTTP_NO_SUCH_PATH"],
    ["/v1/models/late:explain", ROW, 501, "HTTP_NOT_IMPLEMENTED"],
    ["/v1/models/late:frobnicate", ROW, 404, "HTTP_NO_SUCH_PATH"],
    ["/v2/models/nope/infer", TENSORS, 404, "SERVING_UNKNOWN_MODEL"],
    ["/api/v1/deploy", {}, 404, "HTTP_NO_SUCH_PATH"],
    ["/v1/models/late", {}, 405, "HTTP_METHOD_NOT_ALLOWED"],
  ];

  it("is answered with the status and the code of its fault, and changes nothing", async () => {
    const { post, dataPlane, defects } = await openPredictionRoom();
    for (const [path, body, status, code] of refusals) {
      const answer = await post(path, body);
      const got = { path, body, status: answer.status, code: answer.json.code };
      expect(got).toEqual({ path, body, status, code });
      expect(answer.json.error).toEqual(expect.any(String));
      expect(answer.headers.has("x-slipway-prediction-id")).toBe(false);
    }
    expect(dataPlane.predictionCount()).toBe(0);
    expect(defects).toEqual([]);
    expect((await post(PREDICT, ROW)).status).toBe(200);
  });

  it("names model, instance and field, and what was meant", async () => {
    const { post } = await openPredictionRoom();
    const wrong = await post(PREDICT, { instances: [FLIGHT, { ...FLIGHT, nonstop: "yes" }] });
    expect(wrong.json).toMatchObject({
      error: expect.stringMatching(
        /^model late version 1, instance 1: field "nonstop" must be true or false/,
      ),
      details: {
        model: "late",
        version: 1,
        instance: 1,
        field: "nonstop",
        expected: "true or false",
      },
    });
    expect((await post("/v1/models/laet:predict", ROW)).json.hint).toBe('Did you mean "late"?');
  });

  it("by a wrong method says which is right", async () => {
    const { get } = await openPredictionRoom();
    const answer = await get(PREDICT);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("POST");
    expect((await get("/livez", { method: "DELETE" })).headers.get("allow")).toBe("GET, HEAD");
    expect((await get("/livez", { method: "HEAD" })).status).toBe(200);
  });

  it("with a body of 10 MB is refused, and its connection goes on", async () => {
    const { server, defects } = await openPredictionRoom();
    const body = `{"instances":[{"note":"${"x".repeat(10_000_000)}"}]}`;
    const chunked = [
      `POST ${PREDICT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ];
    for (const pieces of [[request(body)], chunked]) {
      const received = await exchange(server.port, [...pieces, request(JSON.stringify(ROW))], {
        responses: 2,
      });
      expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
      expect(received).toContain("HTTP_BODY_TOO_LARGE");
    }
    expect(defects).toEqual([]);
  });

  it("compressed in a way that is not read is refused", async () => {
    const { post } = await openPredictionRoom();
    const answer = await post(PREDICT, ROW, { headers: { "content-encoding": "br" } });
    expect(answer.status).toBe(415);
  });

  it("that is not HTTP is answered 400, one with endless headers 431, a slow one 408", async () => {
    const { server } = await openPredictionRoom({ headersTimeoutMs: 200, requestTimeoutMs: 300 });
    expect(await exchange(server.port, ["hello\r\n\r\n"])).toMatch(/^HTTP\/1\.1 400 /);
    const long = `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await exchange(server.port, [long])).toMatch(/^HTTP\/1\.1 431 /);
    // The server looks for slow clients every so often.
    const slow = request("x".repeat(100)).slice(0, -50);
    expect(await exchange(server.port, [slow])).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe("the connection", () => {
  it("takes bodies in pieces and several requests at once", async () => {
    const { server } = await openPredictionRoom();
    const one = request(JSON.stringify(ROW));
    const pieces = Array.from({ length: Math.ceil(one.length / 40) }, (_, i) =>
      one.slice(i * 40, i * 40 + 40),
    );
    expect((await exchange(server.port, pieces, { responses: 1 })).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    const pipelined = await exchange(server.port, [one + request("{}") + one], { responses: 3 });
    expect(pipelined.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400", "HTTP/1.1 200"]);
  });

  it("waits for the word to go on, as curl does for larger bodies", async () => {
    const { server } = await openPredictionRoom();
    const body = JSON.stringify(ROW);
    const whole = request(body, "Expect: 100-continue\r\n");
    const received = await exchange(server.port, [whole.slice(0, -body.length), body], { responses: 2 });
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"]);
  });

  it("ignores expectations that nobody knows", async () => {
    const { server } = await openPredictionRoom();
    const asked = request(JSON.stringify(ROW), "Expect: 200-maybe\r\n");
    expect(await exchange(server.port, [asked], { responses: 1 })).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("that breaks off in the middle of a body leaves nothing behind", async () => {
    const { server, post, dataPlane, defects } = await openPredictionRoom();
    await exchange(server.port, [request(JSON.stringify(ROW)).slice(0, -10)], { quietMs: 50 });
    expect((await post(PREDICT, ROW)).status).toBe(200);
    expect(dataPlane.predictionCount()).toBe(1);
    expect(defects).toEqual([]);
  });

  it("is closed when nothing arrives on it for a while, and not as long as something does", async () => {
    const { server } = await openPredictionRoom({ keepAliveTimeoutMs: 200 });
    const startedAt = performance.now();
    const alive = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const busy = new Array(100).fill(alive);
    const received = await exchange(server.port, busy);
    const elapsed = performance.now() - startedAt;
    expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(100);
    expect(elapsed).toBeGreaterThan(600);
    expect(elapsed).toBeLessThan(4_000);
  });

  it("that breaks off before its answer does not hurt the others", async () => {
    const { server, post, logDirectory, defects } = await openPredictionRoom();
    await Promise.all(
      Array.from({ length: 20 }, () => exchange(server.port, [request(JSON.stringify(ROW))], { quietMs: 1 })),
    );
    expect((await post(PREDICT, ROW)).status).toBe(200);
    let logged = 0;
    for await (const _ of readPredictionLog(logDirectory)) logged++;
    expect(logged).toBeGreaterThanOrEqual(1);
    expect(defects).toEqual([]);
  });
});

describe("a new champion", () => {
  it("is taken up without a failed request, and every answer is the one its version gives", async () => {
    const { post, blobs, dataPlane, logDirectory } = await openPredictionRoom();
    const bundles = await Promise.all([0.25, 1.5, 2.5].map((base) => writeSmallBundle(blobs, { base })));
    const answers: { version: string | null; output: number; status: number }[] = [];
    let done = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!done) {
        const { status, headers, json } = await post(PREDICT, ROW);
        answers.push({ status, version: headers.get("x-slipway-version"), output: json.predictions?.[0] });
      }
    });
    for (let generation = 2; generation <= 7; generation++) {
      const champion = (generation % bundles.length) + 1;
      const report = await dataPlane.apply(routingOf(generation, bundles, { champion }));
      expect(report.problems).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    done = true;
    await Promise.all(clients);

    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const outputsOf = Map.groupBy(answers, ({ version }) => version);
    expect([...outputsOf.keys()].sort()).toEqual(["1", "2", "3"]);
    for (const ofVersion of outputsOf.values())
      expect(new Set(ofVersion.map(({ output }) => output)).size).toBe(1);
    expect(await replayLog({ directory: logDirectory, blobs, filter: {} })).toMatchObject({
      total: answers.length,
      identical: answers.length,
    });
  });
});

describe("closing", () => {
  it("answers what is on its way, then lets go of idle connections", async () => {
    const { server, post } = await openPredictionRoom();
    await post(PREDICT, ROW);
    const whole = request(JSON.stringify(ROW));
    const answering = exchange(server.port, [whole.slice(0, -20), whole.slice(-20)]);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const startedAt = performance.now();
    const [received] = await Promise.all([answering, server.close({ drainMs: 100, graceMs: 2_000 })]);
    expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await expect(fetch(server.address)).rejects.toThrow();
  });

  it("cuts off a client that never finishes its request", async () => {
    const { server } = await openPredictionRoom();
    const hanging = exchange(server.port, [request(JSON.stringify(ROW)).slice(0, -5)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close({ drainMs: 10, graceMs: 50 });
    expect(await hanging).toBe("");
  });
});

describe("listening", () => {
  it("says when the port is taken", async () => {
    const { dataPlane, server } = await openPredictionRoom();
    const { startPredictionServer } = await import("./prediction-server.ts");
    const second = startPredictionServer({ dataPlane, listen: { host: "127.0.0.1", port: server.port } });
    await expect(second).rejects.toMatchObject({ code: "HTTP_CANNOT_LISTEN" });
  });
});
