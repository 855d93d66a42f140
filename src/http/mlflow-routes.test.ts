import { describe, expect, it } from "vitest";
import { findPrediction } from "../serving/index.ts";
import { imageOf, images, writeGraphBundle } from "../serving/testing/graph-bundle.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

const JSON_TYPE = { headers: { "content-type": "application/json" } };
const names = Object.keys(FLIGHT);
const values = Object.values(FLIGHT);
const SECOND = { ...FLIGHT, distance: 100, origin: "ORD" };
const CSV = `${names.join(",")}\n${values.join(",")}\n${Object.values(SECOND).join(",")}\n`;

describe("MLflow's scoring protocol", () => {
  it("answers the same to all of its forms, and logs each", async () => {
    const { post, logDirectory } = await openPredictionRoom();
    const { predictions } = (await post("/v1/models/late:predict", { instances: [FLIGHT, SECOND] })).json;
    const inputs = Object.fromEntries(
      names.map((name, at) => [name, [values[at], Object.values(SECOND)[at]]]),
    );
    for (const body of [
      { dataframe_split: { columns: names, index: [7, 8], data: [values, Object.values(SECOND)] } },
      { dataframe_records: [FLIGHT, SECOND], params: {} },
      { instances: [FLIGHT, SECOND] },
      { inputs },
      { inputs: [FLIGHT, SECOND] },
    ]) {
      const answer = await post("/invocations", body, JSON_TYPE);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json).toEqual({ predictions });
      const frame = await findPrediction(logDirectory, answer.headers.get("x-slipway-prediction-id") ?? "");
      expect(Array.from(frame.payload?.outputs ?? [])).toEqual(predictions);
    }
    const csv = await post("/invocations", CSV, { headers: { "content-type": "text/csv; charset=UTF-8" } });
    expect(csv.json).toEqual({ predictions });
  });

  it("answers health and version as text", async () => {
    const { get } = await openPredictionRoom();
    for (const path of ["/ping", "/health"])
      expect(await get(path)).toMatchObject({ status: 200, text: "\n" });
    expect((await get("/version")).status).toBe(200);
  });

  it("is not healthy without anything to predict with", async () => {
    const { get, dataPlane } = await openPredictionRoom();
    await dataPlane.close();
    expect((await get("/ping")).status).toBe(503);
  });

  it.each([
    ["text/plain"],
    ["application/json; charset=latin1"],
    ["application/json; boundary=x"],
    ["application/x-www-form-urlencoded"],
  ])("does not read %s", async (type) => {
    const { post } = await openPredictionRoom();
    const answer = await post("/invocations", { instances: [FLIGHT] }, { headers: { "content-type": type } });
    expect(answer.status).toBe(415);
    expect(answer.json).toMatchObject({ error_code: "BAD_REQUEST", code: "HTTP_TYPE_UNSUPPORTED" });
  });

  it.each<[string, unknown, RegExp]>([
    ["no form", { data: [] }, /dataframe_split.*dataframe_records.*instances.*inputs/],
    ["two forms", { instances: [FLIGHT], inputs: [FLIGHT] }, /instances and inputs/],
    ["a list", [FLIGHT], /must be a JSON object/],
    ["a signature's name", { instances: [FLIGHT], signature_name: "x" }, /signature_name/],
    ["rows of another length", { dataframe_split: { columns: names, data: [[1]] } }, /list of 5 values/],
    ["columns without names", { dataframe_split: { data: [[1]] } }, /"columns"/],
    ["records that are none", { dataframe_records: [FLIGHT, 3] }, /instance 1/],
    ["a missing field", { dataframe_records: [{ ...FLIGHT, miles: undefined }] }, /miles/],
    [
      "lost digits",
      '{"dataframe_split": {"columns": ["distance"], "data": [[9007199254740993]]}}',
      /exactly/,
    ],
  ])("refuses %s in MLflow's form", async (_what, body, message) => {
    const { post } = await openPredictionRoom();
    const answer = await post("/invocations", body, JSON_TYPE);
    expect(answer.status).toBe(400);
    expect(answer.json.error_code).toBe("BAD_REQUEST");
    expect(answer.json.message).toMatch(message);
  });

  it("wants to know which of several models is meant", async () => {
    const { post, dataPlane, blobs } = await openPredictionRoom();
    const [late] = routingOf(2, [await writeSmallBundle(blobs, { base: 0.25 })]).models;
    const [other] = routingOf(2, [await writeSmallBundle(blobs, { base: 0.5 })], { name: "other" }).models;
    await dataPlane.apply({ format: "slipway.routing/1", generation: 2, models: [late!, other!] });
    const body = { instances: [FLIGHT] };
    const unnamed = await post("/invocations", body, JSON_TYPE);
    expect(unnamed.status).toBe(400);
    expect(unnamed.json.message).toContain("late, other");
    const named = await post("/invocations?model=other&version=1", body, JSON_TYPE);
    expect(named.json).toEqual((await post("/v1/models/other:predict", body)).json);
    const unknown = await post("/invocations?model=nobody", body, JSON_TYPE);
    expect([unknown.status, unknown.json.error_code]).toEqual([404, "RESOURCE_DOES_NOT_EXIST"]);
  });

  it("asks a graph, and answers its tensors by their names", async () => {
    const { post, dataPlane, blobs } = await openPredictionRoom();
    const bundle = await writeGraphBundle(blobs, images);
    await dataPlane.apply(routingOf(2, [bundle], { name: "graph" }));
    const answer = await post("/invocations", { dataframe_records: [imageOf(1)] }, JSON_TYPE);
    expect(answer.json).toEqual({ predictions: [{ sums: [6, 15], same: "image 1", scaled: [2] }] });
  });
});
