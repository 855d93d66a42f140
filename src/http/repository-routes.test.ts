import { describe, expect, it } from "vitest";
import { FLIGHT, routingOf, writeSmallBundle } from "../serving/testing/small-bundle.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

const PREDICT = "/v1/models/late:predict";

describe("the repository index", () => {
  it("names every version and what became of it", async () => {
    const { post, dataPlane, blobs } = await openPredictionRoom();
    const good = await writeSmallBundle(blobs, { base: 0.25 });
    const gone = "0".repeat(64) as typeof good;
    await dataPlane.apply(routingOf(2, [good, gone], { champion: 1 }));
    const ready = { name: "late", version: "1", state: "READY", reason: "" };
    for (const body of ["", {}, { ready: false }])
      expect((await post("/v2/repository/index", body)).json).toEqual([
        ready,
        { name: "late", version: "2", state: "UNAVAILABLE", reason: expect.stringMatching(/./) },
      ]);
    expect((await post("/v2/repository/index", { ready: true })).json).toEqual([ready]);
  });

  it.each(["[]", "no", '{"ready": 1}'])("refuses %s", async (body) => {
    const { post } = await openPredictionRoom();
    expect((await post("/v2/repository/index", body)).status).toBe(400);
  });
});

describe("statistics", () => {
  it("count what was answered and refused, and how long it took", async () => {
    const { get, post } = await openPredictionRoom();
    const before = (await get("/v2/models/late/stats")).json.model_stats[0];
    expect(before).toMatchObject({ name: "late", version: "1", inference_count: 0, last_inference: 0 });
    await post(PREDICT, { instances: [FLIGHT, FLIGHT] });
    await post("/v1/models/late:classify", { examples: [FLIGHT] });
    await post(PREDICT, { instances: [{}] });
    const all = (await get("/v2/models/stats")).json;
    const [stats] = all.model_stats;
    expect(stats).toMatchObject({ inference_count: 3, execution_count: 2 });
    expect(stats.inference_stats).toMatchObject({ success: { count: 2 }, fail: { count: 1 } });
    expect(stats.inference_stats.success.ns).toBeGreaterThan(0);
    expect(Math.abs(stats.last_inference - Date.now())).toBeLessThan(60_000);
    for (const path of ["/v2/models/late/stats", "/v2/models/late/versions/1/stats"])
      expect((await get(path)).json).toEqual(all);
  });

  it("are refused for what is not served", async () => {
    const { get } = await openPredictionRoom();
    for (const path of ["/v2/models/nobody/stats", "/v2/models/late/versions/7/stats"])
      expect((await get(path)).status).toBe(404);
  });
});
