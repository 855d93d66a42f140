import { describe, expect, it } from "vitest";
import { images, roots, writeGraphBundle } from "../serving/testing/graph-bundle.ts";
import { routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

type Room = Awaited<ReturnType<typeof openPredictionRoom>>;

/** Sends every example of the document to the path that it stands at. */
async function expectAnswered({ get, post }: Room, model: string): Promise<void> {
  const { json } = await get(`/v1/models/${model}/openapi.json`);
  expect(json.openapi).toBe("3.1.0");
  const paths = Object.entries<{ post: { requestBody: { content: Record<string, { example: object }> } } }>(
    json.paths,
  );
  expect(paths.length).toBeGreaterThan(2);
  for (const [path, { post: operation }] of paths) {
    const example = operation.requestBody.content["application/json"]?.example;
    const answer = await post(path, example, { headers: { "content-type": "application/json" } });
    expect(answer.status, `${path}: ${answer.text}`).toBe(200);
  }
}

describe("the OpenAPI document of a model", () => {
  it("describes its records, and its examples are answered", async () => {
    const room = await openPredictionRoom();
    await expectAnswered(room, "late");
    const { json } = await room.get("/v1/models/late/versions/1/openapi.json");
    expect(json.info).toMatchObject({ title: "late", version: "1" });
    expect(Object.keys(json.paths)).toEqual([
      "/v1/models/late:predict",
      "/invocations",
      "/v2/models/late/infer",
    ]);
    const { Instance, PredictAnswer } = json.components.schemas;
    expect(Instance.required).toEqual(["date", "distance", "miles", "nonstop", "origin"]);
    expect(JSON.stringify(Instance.properties.distance)).toContain('"integer"');
    expect(JSON.stringify(Instance.properties.origin)).toContain('"string"');
    expect(PredictAnswer.properties.predictions.items).toEqual({ type: "number" });
    const references = JSON.stringify(json).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
    for (const [, name] of references) expect(json.components.schemas).toHaveProperty(name!);
  });

  it.each([
    ["a graph of tensors", images],
    ["a graph of other tensors", roots],
  ])("describes %s", async (_what, graph) => {
    const room = await openPredictionRoom();
    const bundle = await writeGraphBundle(room.blobs, graph);
    await room.dataPlane.apply(routingOf(2, [bundle], { name: "graph" }));
    await expectAnswered(room, "graph");
  });

  it("describes a model of one column, and nothing that is not served", async () => {
    const room = await openPredictionRoom();
    const bundle = await writeSmallBundle(room.blobs, { base: 0.5, oneColumn: true });
    await room.dataPlane.apply(routingOf(2, [bundle], { name: "solo" }));
    await expectAnswered(room, "solo");
    expect((await room.get("/v1/models/late/openapi.json")).status).toBe(404);
  });
});
