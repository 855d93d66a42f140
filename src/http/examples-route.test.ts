import { describe, expect, it } from "vitest";
import { findPrediction } from "../serving/index.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

const { date, ...OWN } = FLIGHT;
const b64 = (text: string | Buffer) => ({ b64: Buffer.from(text).toString("base64") });

describe("classify and regress of TensorFlow Serving's REST protocol", () => {
  it("classify answers the score of each class, with features of the context in every example", async () => {
    const { post, logDirectory } = await openPredictionRoom();
    const [p] = (await post("/v1/models/late:predict", { instances: [FLIGHT] })).json.predictions;
    const answer = await post("/v1/models/late:classify", {
      signature_name: "serving_default",
      context: { date },
      examples: [OWN, { ...OWN, nonstop: [1], origin: [b64("ATL")] }],
    });
    expect(answer.status, answer.text).toBe(200);
    const classes = [
      ["0", 1 - p],
      ["1", p],
    ];
    expect(answer.json).toEqual({ results: [classes, classes] });
    const frame = await findPrediction(logDirectory, answer.headers.get("x-slipway-prediction-id") ?? "");
    expect(frame.payload?.outputs).toHaveLength(2);
  });

  it("regress answers one number for each example", async () => {
    const { post, dataPlane, blobs } = await openPredictionRoom();
    await dataPlane.apply(routingOf(2, [await writeSmallBundle(blobs, { base: 3, task: "regression" })]));
    const { predictions } = (await post("/v1/models/late:predict", { instances: [FLIGHT] })).json;
    const answer = await post("/v1/models/late/versions/1:regress", { examples: [FLIGHT] });
    expect(answer.json).toEqual({ results: predictions });
    const unfit = await post("/v1/models/late:classify", { examples: [FLIGHT] });
    expect([unfit.status, unfit.json.code]).toEqual([400, "HTTP_METHOD_UNFIT"]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no examples", {}, /"examples"/],
    ["an empty list", { examples: [] }, /"examples"/],
    ["an example that is none", { examples: [FLIGHT, 3] }, /instance 1/],
    ["another signature", { signature_name: "x", examples: [FLIGHT] }, /serving_default/],
    ["a feature that stands in the context too", { context: { date }, examples: [FLIGHT] }, /context/],
    ["a null", { examples: [{ ...FLIGHT, miles: null }] }, /miles/],
    ["a nested list", { examples: [{ ...FLIGHT, miles: [[1]] }] }, /miles/],
    ["an object", { examples: [{ ...FLIGHT, miles: { a: 1 } }] }, /miles/],
    ["mixed kinds", { examples: [{ ...FLIGHT, origin: ["a", 1] }] }, /mixes/],
    ["two values", { examples: [{ ...FLIGHT, miles: [1, 2] }] }, /2 values/],
    ["a missing feature", { examples: [OWN] }, /"date" is missing/],
    [
      "bytes that are no text",
      { examples: [{ ...FLIGHT, origin: b64(Buffer.from([0xc3, 0x28])) }] },
      /UTF-8/,
    ],
    ["no base64", { examples: [{ ...FLIGHT, origin: { b64: "*" } }] }, /base64/],
    [
      "lost digits",
      `{"examples": [${JSON.stringify(FLIGHT).replace("1234", "9007199254740993")}]}`,
      /exactly/,
    ],
  ])("refuse %s", async (_what, body, message) => {
    const { post } = await openPredictionRoom();
    const answer = await post("/v1/models/late:classify", body);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatch(message);
  });

  it("refuse a classifier asked for one value", async () => {
    const { post } = await openPredictionRoom();
    expect((await post("/v1/models/late:regress", { examples: [FLIGHT] })).status).toBe(400);
  });
});

describe("b64 values", () => {
  it("are texts in rows and in columns, and are logged as the texts they are", async () => {
    const { post, logDirectory } = await openPredictionRoom();
    const { predictions } = (await post("/v1/models/late:predict", { instances: [FLIGHT] })).json;
    const record = { ...FLIGHT, origin: b64("ATL"), date: b64(date) };
    const rows = await post("/v1/models/late:predict", { instances: [record] });
    expect(rows.json).toEqual({ predictions });
    const frame = await findPrediction(logDirectory, rows.headers.get("x-slipway-prediction-id") ?? "");
    expect(JSON.parse(String(frame.payload?.input))).toEqual([FLIGHT]);
    const inputs = Object.fromEntries(Object.entries(record).map(([name, value]) => [name, [value]]));
    expect((await post("/v1/models/late:predict", { inputs })).json).toEqual({ outputs: predictions });
  });

  it("are no numbers", async () => {
    const { post } = await openPredictionRoom();
    const answer = await post("/v1/models/late:predict", { instances: [{ ...FLIGHT, miles: b64("3") }] });
    expect(answer.status).toBe(400);
  });
});
