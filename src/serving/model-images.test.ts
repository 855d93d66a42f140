import { describe, expect, it } from "vitest";
import type { DerivedColumn } from "../features/index.ts";
import { openImageReader } from "../images/index.ts";
import { pngOf } from "../images/testing/png.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import type { SlipwayError } from "../kernel/index.ts";
import type { DataPlaneOptions } from "./data-plane-options.ts";
import type { ThreadedPrediction } from "./prediction.ts";
import { replayLog } from "./replay.ts";
import { openServingRoom } from "./testing/serving-room.ts";
import { routingOf } from "./testing/small-bundle.ts";
import { writeWindowBundle } from "./testing/window-bundle.ts";

const BLACK = pngOf({ width: 2, height: 2 }, () => [0, 0, 0]);
const WHITE = pngOf({ width: 40, height: 10 }, () => [255, 255, 255]);
const columns = [{ name: "banner", type: "image" }] as const;
const image = (number: Extract<DerivedColumn["from"], { kind: "image" }>["number"]): DerivedColumn => ({
  name: `banner.${JSON.stringify(number)}`,
  type: "float",
  from: { kind: "image", column: "banner", number },
});
const derived = [image({ fact: "brightness" }), image({ fact: "aspect" })];

async function openRoom(
  bundle: Parameters<typeof writeWindowBundle>[1] = { columns, derived },
  options: Partial<DataPlaneOptions> = {},
) {
  const room = await openServingRoom(options);
  const { dataPlane, blobs, logDirectory } = room;
  const report = await dataPlane.apply(
    routingOf(1, [await writeWindowBundle(blobs, bundle)], { name: "clicks" }),
  );
  expect(report.problems).toEqual([]);
  const predict = (records: readonly Readonly<Record<string, unknown>>[]) =>
    new Promise<ThreadedPrediction>((resolve, reject) => {
      let prediction: ThreadedPrediction | undefined;
      const acknowledge = () => (prediction ? resolve(prediction) : reject(new Error("too early")));
      dataPlane
        .predictOnThread(
          dataPlane.find("clicks"),
          { records, json: undefined },
          { acknowledge, refuse: reject },
        )
        .then((answered) => {
          prediction = answered;
        }, reject);
    });
  const refusal = (record: Readonly<Record<string, unknown>>): Promise<SlipwayError> =>
    predict([{ banner: BLACK.toString("base64") }, record]).then(
      () => expect.unreachable(),
      (thrown: SlipwayError) => thrown,
    );
  const replay = () => replayLog({ directory: logDirectory, blobs, filter: {} });
  return { ...room, predict, refusal, replay };
}

describe("a model that reads images", () => {
  it("looks into them in each form, in the order of the instances, and is replayed", async () => {
    const { dataPlane, predict, replay } = await openRoom();
    expect(dataPlane.find("clicks").runs).toBe("on-thread");
    const white = WHITE.toString("base64");
    const { outputs } = await predict([
      { banner: white },
      { banner: { b64: BLACK.toString("base64") } },
      { banner: null },
      { banner: `data:image/png;base64,${white}` },
    ]);
    // Brightness and aspect above 1 go right, to 0.2 and 0.4; missing ones left, as those of a black square.
    expect(outputs.map((output) => Number(output.toFixed(10)))).toEqual([0.6, -0.4, -0.4, 0.6]);
    expect(dataPlane.predictionCount()).toBe(4);
    expect(await replay()).toMatchObject({ total: 4, identical: 4, different: 0 });
  });

  it("names the instance and the field of an image that is none, and predicts nothing", async () => {
    const { dataPlane, refusal, replay } = await openRoom(undefined, {
      images: { limits: { maxBytes: 5000, maxPixels: 500 }, storedImages: false },
    });
    const cut = WHITE.subarray(0, 60).toString("base64");
    const large = pngOf({ width: 30, height: 30 }, () => [1, 2, 3]).toString("base64");
    const cases: readonly [record: Readonly<Record<string, unknown>>, message: RegExp][] = [
      [{ banner: cut }, /field "banner": the image is no whole PNG image/],
      [{ banner: "photo.jpg" }, /field "banner": the image is not base64/],
      [{ banner: large }, /field "banner": the image has 900 pixels, more than the 500 that are allowed/],
      [{ banner: "A".repeat(8000) }, /field "banner": the image has 6,000 bytes, more than the 5,000/],
      [{ banner: { digest: "0".repeat(64) } }, /is named by its digest, which this server does not allow/],
      [{ banner: 7 }, /field "banner" must be an image in base64 or null, got the number 7/],
      [{}, /field "banner" is missing/],
    ];
    for (const [record, message] of cases) {
      const error = await refusal(record);
      expect(error).toMatchObject({
        code: "SERVING_BAD_INSTANCE",
        details: { instance: 1, field: "banner" },
      });
      expect(error.message).toMatch(message);
    }
    expect(dataPlane.predictionCount()).toBe(0);
    expect(await replay()).toMatchObject({ total: 0 });
  });

  it("takes a stored image by its digest where that is allowed, and says when it is gone", async () => {
    const room = await openRoom(undefined, {
      images: { limits: { maxBytes: 1e6, maxPixels: 1e6 }, storedImages: true },
    });
    const digest = await room.blobs.put(WHITE);
    const { outputs } = await room.predict([{ banner: { digest } }]);
    expect(outputs[0]).toBeCloseTo(0.6, 10);
    expect(await room.replay()).toMatchObject({ total: 1, identical: 1 });
    await room.blobs.delete(digest);
    expect((await room.refusal({ banner: { digest } })).message).toContain(`${digest} is not stored`);
    const report = await room.replay();
    expect(report).toMatchObject({ total: 1, different: 1 });
    expect(report.examples[0]?.reason).toContain("is not stored");
  });

  it("reads the vectors that its encoder makes", async () => {
    const encoder = writeGraph({
      inputs: [{ name: "x", type: "float", shape: [1, 3, 2, 2] }],
      outputs: [{ name: "y", type: "float", shape: [1, 3] }],
      nodes: [{ op: "ReduceMean", inputs: ["x"], outputs: ["y"], attributes: { axes: [2, 3], keepdims: 0 } }],
    });
    const options = { width: 2, height: 2, deviation: [0.1, 1, 1] } as const;
    const reader = await openImageReader({ embedding: { options, model: encoder } });
    const { predict, replay } = await openRoom({
      columns,
      derived: [image({ fact: "embedding", at: 0 }), image({ fact: "embedding", at: 2 })],
      embeddings: { banner: reader.embedding! },
      encoders: [encoder],
    });
    await reader.close();
    const { outputs } = await predict([
      { banner: WHITE.toString("base64") },
      { banner: BLACK.toString("base64") },
    ]);
    // Red is 10 for white, above 1; blue is 1, which is not.
    expect(outputs.map((output) => Number(output.toFixed(10)))).toEqual([-0.1, -0.4]);
    expect(await replay()).toMatchObject({ total: 2, identical: 2 });
  });

  it("has windows beside its images, logged and replayed together", async () => {
    const { predict, replay } = await openRoom({
      columns: [{ name: "at", type: "timestamp" }, { name: "site", type: "category" }, ...columns],
      derived: [
        {
          name: "shown",
          type: "float",
          from: {
            kind: "window",
            statistic: "count",
            window: {
              time: "at",
              of: { from: "rows" },
              by: [{ op: "column", name: "site" }],
              overMs: 60_000,
              paneMs: 1000,
              knownAfterMs: 0,
            },
          },
        },
        ...derived,
      ],
    });
    const at = "2024-01-01T00:00:00Z";
    const banner = WHITE.toString("base64");
    const { outputs, streamSequence } = await predict([
      { at, site: "news", banner },
      { at, site: "mail", banner: null },
    ]);
    expect(streamSequence).toBe(0);
    expect(outputs.map((output) => Number(output.toFixed(10)))).toEqual([0.9, -0.9]);
    expect(await replay()).toMatchObject({ total: 2, identical: 2, different: 0 });
  });
});
