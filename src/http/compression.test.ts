import { deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { findPrediction } from "../serving/index.ts";
import { FLIGHT } from "../serving/testing/small-bundle.ts";
import { acceptedCoding } from "./compression.ts";
import { exchange, openPredictionRoom } from "./testing/prediction-room.ts";

const PREDICT = "/v1/models/late:predict";
const ROW = JSON.stringify({ instances: [FLIGHT] });
const encoded = (coding: string) => ({ headers: { "content-encoding": coding } });

describe("a compressed request", () => {
  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["identity", (text: string) => Buffer.from(text)],
  ] as const)("is read: %s", async (coding, compress) => {
    const { post, get, logDirectory } = await openPredictionRoom();
    const plain = await post(PREDICT, ROW);
    const answer = await get(PREDICT, { method: "POST", body: compress(ROW), ...encoded(coding) });
    expect(answer.json).toEqual(plain.json);
    const frame = await findPrediction(logDirectory, answer.headers.get("x-slipway-prediction-id") ?? "");
    expect(frame.payload?.input.toString()).toBe(JSON.stringify([FLIGHT]));
  });

  it("is refused when it inflates to more than is read, or is something else", async () => {
    const { get } = await openPredictionRoom({ maxBodyBytes: 10_000 });
    const send = async (body: Buffer, coding: string) => {
      const answer = await get(PREDICT, { method: "POST", body, ...encoded(coding) });
      return [answer.status, answer.json.code];
    };
    const bomb = gzipSync(Buffer.alloc(5_000_000, 32));
    expect(bomb.length).toBeLessThan(10_000);
    expect(await send(bomb, "gzip")).toEqual([413, "HTTP_BODY_TOO_LARGE"]);
    expect(await send(Buffer.from(ROW), "gzip")).toEqual([400, "HTTP_BAD_ENCODING"]);
    expect(await send(gzipSync(ROW).subarray(0, -9), "gzip")).toEqual([400, "HTTP_BAD_ENCODING"]);
    expect(await send(Buffer.from(ROW), "br")).toEqual([415, "HTTP_ENCODING_UNSUPPORTED"]);
  });
});

describe("a compressed answer", () => {
  const many = JSON.stringify({ instances: Array.from({ length: 2_000 }, () => FLIGHT) });
  const request = (body: string, accepts: string, path = PREDICT) =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n${accepts}connection: close\r\n\r\n${body}`;
  const taken = (received: string) => {
    const end = received.indexOf("\r\n\r\n");
    return {
      head: received.slice(0, end).toLowerCase(),
      body: Buffer.from(received.slice(end + 4), "latin1"),
    };
  };

  it("is sent to who asks for it, when it is long", async () => {
    const { server } = await openPredictionRoom();
    const plain = taken(await exchange(server.port, [request(many, "")]));
    expect(plain.head).not.toContain("content-encoding");
    expect(plain.head).toContain("vary: accept-encoding");
    const gzipped = taken(await exchange(server.port, [request(many, "accept-encoding: br, gzip\r\n")]));
    expect(gzipped.head).toContain("content-encoding: gzip");
    expect(gzipped.head).toContain(`content-length: ${gzipped.body.length}`);
    expect(gunzipSync(gzipped.body).equals(plain.body)).toBe(true);
    const short = taken(await exchange(server.port, [request(ROW, "accept-encoding: gzip\r\n")]));
    expect(short.head).not.toContain("content-encoding");
  });

  it("says how long the JSON is before it was compressed", async () => {
    const { server } = await openPredictionRoom();
    const column = (datatype: string, value: unknown) => ({
      datatype,
      shape: [2_000],
      data: Array.from({ length: 2_000 }, () => value),
    });
    const body = JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [
        { name: "date", ...column("BYTES", FLIGHT.date) },
        { name: "distance", ...column("INT64", FLIGHT.distance) },
        { name: "miles", ...column("FP64", FLIGHT.miles) },
        { name: "nonstop", ...column("BOOL", FLIGHT.nonstop) },
        { name: "origin", ...column("BYTES", FLIGHT.origin) },
      ],
    });
    const answer = taken(
      await exchange(server.port, [request(body, "accept-encoding: gzip\r\n", "/v2/models/late/infer")]),
    );
    expect(answer.head).toContain("content-encoding: gzip");
    const jsonBytes = Number(/inference-header-content-length: (\d+)/.exec(answer.head)?.[1]);
    const inflated = gunzipSync(answer.body);
    expect(inflated.length - jsonBytes).toBe(16_000);
    expect(JSON.parse(inflated.toString("utf8", 0, jsonBytes)).model_name).toBe("late");
  });

  it.each([
    [undefined, undefined],
    ["", undefined],
    ["br", undefined],
    ["gzip, deflate, br", "gzip"],
    ["deflate", "deflate"],
    ["gzip;q=0.2, deflate;q=0.5", "deflate"],
    ["gzip;q=0", undefined],
    ["*", "gzip"],
    ["GZIP ; q=1.0", "gzip"],
    ["*;q=0.1, gzip;q=0", "deflate"],
  ])("is chosen by Accept-Encoding: %j → %s", (header, coding) => {
    expect(acceptedCoding(header)).toBe(coding);
  });
});
