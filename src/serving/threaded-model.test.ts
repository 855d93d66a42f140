import { describe, expect, it } from "vitest";
import { writeBundle } from "../bundle/index.ts";
import { identityPlan } from "../features/index.ts";
import { ONNX_ENGINE } from "../inference/index.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import { type Digest, monotonicMs } from "../kernel/index.ts";
import type { ThreadedPrediction } from "./prediction.ts";
import { replayLog } from "./replay.ts";
import { imageOf, images, roots, slope, writeGraphBundle } from "./testing/graph-bundle.ts";
import { openServingRoom, type ServingRoom } from "./testing/serving-room.ts";
import { routingOf } from "./testing/small-bundle.ts";

/** Resolves when the prediction is in the log. */
function predictLater(
  { dataPlane }: Pick<ServingRoom, "dataPlane">,
  model: string,
  records: readonly Readonly<Record<string, unknown>>[],
): Promise<ThreadedPrediction> {
  return new Promise((resolve, reject) => {
    let prediction: ThreadedPrediction | undefined;
    const acknowledge = () =>
      prediction === undefined ? reject(new Error("too early")) : resolve(prediction);
    dataPlane
      .predictOnThread(dataPlane.find(model), { records, json: undefined }, { acknowledge, refuse: reject })
      .then((answered) => {
        prediction = answered;
      }, reject);
  });
}

async function openRoom(graph: Uint8Array, options: { readonly maxOpenCalls?: number } = {}) {
  const room = await openServingRoom(options);
  const bundle = await writeGraphBundle(room.blobs, graph);
  const report = await room.dataPlane.apply(routingOf(1, [bundle], { name: "graph" }));
  expect(report.problems).toEqual([]);
  const replay = (filter: Parameters<typeof replayLog>[0]["filter"]) =>
    replayLog({ directory: room.logDirectory, blobs: room.blobs, filter });
  return { ...room, bundle, replay };
}

describe("a graph that is served", () => {
  it("answers every request with its own rows, and is replayed with its texts", async () => {
    const room = await openRoom(images);
    const batches = [[1, 2, 3], [10], [20, 21]].map((firsts) => firsts.map(imageOf));
    const answers = await Promise.all(batches.map((records) => predictLater(room, "graph", records)));
    for (const [at, records] of batches.entries()) {
      const { outputs, width, texts, tensors } = answers[at]!;
      expect(width).toBe(4);
      expect(tensors?.map(({ name, type, shape }) => [name, type, shape])).toEqual([
        ["sums", "float", [2]],
        ["same", "text", []],
        ["scaled", "int", [1]],
      ]);
      for (const [i, { image, label, scale }] of records.entries()) {
        const [first, second, place, scaled] = outputs.slice(i * 4, i * 4 + 4);
        const sums = image.map((row) => row.reduce((sum, value) => sum + value, 0));
        expect([first, second, texts[place!], scaled]).toEqual([...sums, label, 2 * scale]);
      }
    }
    const report = await room.replay({});
    expect(report).toMatchObject({ total: 6, identical: 6, withinBound: 0, different: 0, damaged: 0 });
    const one = await room.replay({ id: `${answers[2]!.id}.1` });
    expect(one.examples).toMatchObject([
      { verdict: "identical", logged: [66, 75, "image 21", 42], recomputed: [66, 75, "image 21", 42] },
    ]);
  });

  it("reports answers that differ by a few units in the last place, and others as different", async () => {
    const room = await openRoom(slope);
    const other = await openServingRoom();
    // The same graph but for the last digits of a weight.
    const near = slope.slice();
    const weights = Buffer.from(Float32Array.of(2, -1).buffer);
    const at = Buffer.from(near).indexOf(weights);
    new DataView(near.buffer, near.byteOffset).setFloat32(at, 2.000001, true);
    await predictLater(room, "graph", [{ x: [1, 0.5] }]);
    await predictLater(room, "graph", [{ x: [3, 7] }, { x: [1, 2] }]);
    const nearBundle = await writeGraphBundle(other.blobs, near);
    const manifest = await other.blobs.get(nearBundle);
    const get = async (digest: Digest) => {
      if (digest === room.bundle) return manifest;
      return (await other.blobs.has(digest)) ? other.blobs.get(digest) : room.blobs.get(digest);
    };
    const blobs = new Proxy(room.blobs, { get: (_, name) => (name === "get" ? get : undefined) });
    const report = await replayLog({ directory: room.logDirectory, filter: {}, blobs });
    expect(report).toMatchObject({ total: 3, withinBound: 2, different: 1 });
  });

  it("names the instance and the input that are wrong, and logs nothing then", async () => {
    const room = await openRoom(images);
    const { scale: _, ...lacking } = imageOf(1);
    const wrong: readonly (readonly [object, string])[] = [
      [lacking, 'instance 1: input "scale" is missing'],
      [{ ...imageOf(1), image: [[1, 2, 3]] }, 'input "image" must be lists of the shape [2, 3]'],
      [{ ...imageOf(1), image: [1, 2, 3, 4, 5, "6"] }, 'got the string "6"'],
      [{ ...imageOf(1), label: 7 }, 'input "label" must be a string; got the number 7'],
      [{ ...imageOf(1), scale: 0.5 }, "a whole number within"],
    ];
    for (const [record, message] of wrong) {
      await expect(
        predictLater(room, "graph", [imageOf(1), record as Record<string, unknown>]),
      ).rejects.toMatchObject({
        code: "SERVING_BAD_INSTANCE",
        message: expect.stringContaining(message),
        details: { instance: 1 },
      });
    }
    await expect(predictLater(room, "graph", [])).rejects.toMatchObject({ code: "SERVING_NO_INSTANCES" });
    expect(room.dataPlane.logCounts().predictions).toBe(0);
  });

  it("refuses what is no number, and more calls than may be open", async () => {
    const room = await openRoom(roots, { maxOpenCalls: 1 });
    await expect(predictLater(room, "graph", [{ m: [1, 4, 9, -1] }])).rejects.toMatchObject({
      code: "SERVING_NOT_FINITE",
    });
    const first = predictLater(room, "graph", [{ m: [1, 4, 9, 16] }]);
    await expect(predictLater(room, "graph", [{ m: [1, 4, 9, 16] }])).rejects.toMatchObject({
      code: "SERVING_BUSY",
    });
    expect((await first).outputs).toEqual([1, 2, 3, 4]);
  });

  it("answers requests that come together in fewer runs, each with its own rows, and replays them bit for bit", async () => {
    const room = await openRoom(slope);
    const asked = Array.from({ length: 60 }, (_, i) =>
      Array.from({ length: 1 + (i % 3) }, (_, k) => ({ x: [i, k] })),
    );
    const answers = await Promise.all(asked.map((records) => predictLater(room, "graph", records)));
    for (const [i, { outputs }] of answers.entries())
      expect(outputs).toEqual(asked[i]!.map(({ x: [x = 0, y = 0] }) => 2 * x - y));
    const [runs] = room.dataPlane.modelRuns();
    expect(runs).toMatchObject({ model: "graph", version: 1, calls: 60, rows: 120 });
    expect(runs!.runs).toBeLessThan(60);
    expect(await room.replay({})).toMatchObject({ total: 120, identical: 120 });
  });

  it("is not logged for a client that has stopped waiting", async () => {
    const { dataPlane } = await openRoom(roots);
    const call = dataPlane.predictOnThread(
      dataPlane.find("graph"),
      { records: [{ m: [1, 4, 9, 16] }], json: undefined },
      { deadline: monotonicMs() + 0.05, acknowledge: () => undefined, refuse: () => undefined },
    );
    await expect(call).rejects.toMatchObject({ kind: "unavailable" });
    expect(dataPlane.logCounts().predictions).toBe(0);
  });

  it("answers and logs what is open when the worker closes", async () => {
    const room = await openRoom(slope);
    const open = predictLater(room, "graph", [{ x: [1, 1] }]);
    await room.dataPlane.close();
    expect((await open).outputs).toEqual([1]);
    expect(await room.replay({})).toMatchObject({ total: 1, identical: 1 });
  });

  it("goes on answering those who hold it when another version has taken its place, and is closed after them", async () => {
    const room = await openRoom(slope);
    const before = room.dataPlane.find("graph");
    const release = room.dataPlane.hold(before);
    const next = await writeGraphBundle(room.blobs, roots);
    await room.dataPlane.apply(routingOf(2, [next], { name: "graph" }));
    const acknowledged = new Promise<void>((resolve, reject) => {
      const instances = { records: [{ x: [3, 1] }], json: undefined };
      room.dataPlane
        .predictOnThread(before, instances, { acknowledge: () => resolve(), refuse: reject })
        .then(({ outputs }) => expect(outputs).toEqual([5]), reject);
    });
    await acknowledged;
    release();
    const late = { records: [{ x: [3, 1] }], json: undefined };
    const never = { acknowledge: () => expect.unreachable(), refuse: () => expect.unreachable() };
    await expect(room.dataPlane.predictOnThread(before, late, never)).rejects.toMatchObject({
      code: "INFERENCE_SESSION_CLOSED",
    });
    expect((await predictLater(room, "graph", [{ m: [1, 1, 1, 1] }])).outputs).toEqual([1, 1, 1, 1]);
  });
});

describe("a graph that reads the features of a plan", () => {
  const graph = (names: readonly string[]) =>
    writeGraph({
      inputs: names.map((name) => ({ name, type: "float" as const, shape: ["n", 1] })),
      outputs: [{ name: "p", type: "float", shape: ["n", 2] }],
      nodes: [
        { op: "Sub", inputs: ["a", "b"], outputs: ["difference"] },
        { op: "Neg", inputs: ["difference"], outputs: ["negative"] },
        { op: "Concat", inputs: ["difference", "negative"], outputs: ["both"], attributes: { axis: 1 } },
        { op: "Softmax", inputs: ["both"], outputs: ["p"], attributes: { axis: 1 } },
      ],
    });

  async function serve(model: Uint8Array, columns: readonly string[]) {
    const room = await openServingRoom();
    const plan = identityPlan(columns.map((name) => ({ name, type: "float" })));
    const inputs = columns.map((name) => ({ name, type: "float" as const, required: true }));
    const { digest } = await writeBundle(room.blobs, {
      engine: ONNX_ENGINE,
      model,
      plan,
      signature: { inputs, output: { name: "p", task: "binary" } },
      profile: {},
    });
    const report = await room.dataPlane.apply(routingOf(1, [digest], { name: "graph" }));
    return { room, problems: report.problems };
  }

  it("takes them by name, answers the probability of the second class, and logs them", async () => {
    const { room, problems } = await serve(graph(["a", "b"]), ["b", "a"]);
    expect(problems).toEqual([]);
    const { outputs, width } = await predictLater(room, "graph", [
      { a: 1, b: 1 },
      { a: 0, b: 1 },
    ]);
    expect(width).toBe(1);
    expect(outputs[0]).toBe(0.5);
    expect(outputs[1]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    const report = await replayLog({ directory: room.logDirectory, blobs: room.blobs, filter: {} });
    expect(report).toMatchObject({ total: 2, identical: 2 });
  });

  it("is refused where the features do not fit its inputs", async () => {
    const { problems } = await serve(graph(["a", "b"]), ["a", "b", "c"]);
    expect(problems[0]).toContain('its inputs are "a" [n, 1], "b" [n, 1] and the plan makes 3 features');
  });
});
