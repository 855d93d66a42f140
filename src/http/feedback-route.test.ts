import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { FeedbackIntake, newestFeedback } from "../feedback/index.ts";
import { systemClock } from "../kernel/index.ts";
import { KnownWorkers } from "../serving/index.ts";
import { FLIGHT } from "../serving/testing/small-bundle.ts";
import { startPredictionServer } from "./prediction-server.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

async function openFeedbackRoom() {
  const room = await openPredictionRoom();
  const directory = join(room.directory, "feedback");
  const workers = new KnownWorkers(room.logDirectory, systemClock);
  const feedback = new FeedbackIntake({
    directory,
    clock: systemClock,
    incarnation: room.dataPlane.incarnation,
    mayBeKnown: (id) => workers.mayHaveMade(id),
  });
  onTestFinished(() => feedback.close());
  const server = await startPredictionServer({
    dataPlane: room.dataPlane,
    feedback,
    listen: { host: "127.0.0.1", port: 0 },
  });
  onTestFinished(() => server.close({ drainMs: 0, graceMs: 0 }));
  const call = async (body: unknown, path = "/v1/feedback") => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(server.address + path, { method: "POST", body: text });
    // biome-ignore lint/suspicious/noExplicitAny: documents of many forms
    const json: any = await response.json();
    return { status: response.status, headers: response.headers, json };
  };
  const predicted = await call({ instances: [FLIGHT] }, "/v1/models/late:predict");
  const id = predicted.headers.get("x-slipway-prediction-id")!;
  return { directory, server, call, id };
}

describe("POST /v1/feedback", () => {
  it("takes one item and answers with what became of it", async () => {
    const { call, id, directory } = await openFeedbackRoom();
    const outcome = { predictionId: id, name: "target", unmatched: false };
    expect(await call({ predictionId: id, value: true })).toMatchObject({
      status: 200,
      json: { outcome: "accepted", ...outcome },
    });
    expect((await call({ predictionId: id, value: true })).json).toEqual({
      outcome: "duplicate",
      ...outcome,
    });
    expect((await call({ predictionId: id, value: false })).json).toEqual({
      outcome: "corrected",
      ...outcome,
    });
    expect(await newestFeedback(directory, { filter: {}, limit: 9 })).toMatchObject([
      { value: false },
      { value: true },
    ]);
  });

  it.each([
    ["a list", (items: unknown[]) => JSON.stringify(items)],
    ['{"feedback": […]}', (items: unknown[]) => JSON.stringify({ feedback: items })],
    ["lines", (items: unknown[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("")],
  ])("takes many items as %s, each for itself", async (_, write) => {
    const { call, id } = await openFeedbackRoom();
    const items = [
      { predictionId: id, value: 1 },
      { predictionId: id, value: 1, nme: "x" },
      { predictionId: "0".repeat(24), value: 2 },
    ];
    const { status, json } = await call(write(items));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      accepted: 2,
      corrected: 0,
      duplicate: 0,
      refused: 1,
      results: [
        { outcome: "accepted", unmatched: false },
        { outcome: "refused", code: "FEEDBACK_BAD_ITEM", details: { field: "nme" } },
        { outcome: "accepted", unmatched: true },
      ],
    });
  });

  it("refuses what is no feedback with the code that says why", async () => {
    const { call, id, server } = await openFeedbackRoom();
    const refused = async (body: unknown) => {
      const { status, json } = await call(body);
      return `${status} ${json.code}`;
    };
    expect(await refused("")).toBe("400 WIRE_EMPTY_BODY");
    expect(await refused("{")).toBe("400 WIRE_NOT_JSON");
    expect(await refused('{"predictionId": "x", "value": 1}\n{"predict')).toBe("400 WIRE_NOT_JSON");
    expect(await refused({ feedback: 3 })).toBe("400 WIRE_BAD_REQUEST");
    expect(await refused({ feedback: [], more: 1 })).toBe("400 WIRE_BAD_REQUEST");
    expect(await refused([])).toBe("400 FEEDBACK_NO_ITEMS");
    expect(await refused({ predictionId: "x", value: 1 })).toBe("400 SERVING_BAD_PREDICTION_ID");
    expect(await refused(`{"predictionId": "${id}", "value": 1e999}`)).toBe("400 FEEDBACK_BAD_VALUE");
    expect(await refused(Array.from({ length: 10_001 }, () => 1))).toBe("413 FEEDBACK_TOO_MANY_ITEMS");
    expect((await fetch(`${server.address}/v1/feedback`)).status).toBe(405);
  });

  it("counts what became of it", async () => {
    const { call, id, server } = await openFeedbackRoom();
    await call([{ predictionId: id, value: 1 }, { predictionId: id, value: 1 }, {}]);
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    expect(metrics).toContain('slipway_feedback_total{outcome="accepted"} 1\n');
    expect(metrics).toContain('slipway_feedback_total{outcome="duplicate"} 1\n');
    expect(metrics).toContain('slipway_feedback_total{outcome="refused"} 1\n');
    expect(metrics).toContain("slipway_feedback_unmatched_total 0\n");
  });
});
