import { expect, it } from "vitest";
import { writeBundle } from "../bundle/index.ts";
import { type DerivedColumn, type FeaturePlan, planFormat } from "../features/index.ts";
import { ONNX_ENGINE } from "../inference/index.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import { findPrediction, replayLog } from "../serving/index.ts";
import { routingOf } from "../serving/testing/small-bundle.ts";
import { openStreamRoom, type StreamWorker } from "./testing/stream-room.ts";

const seen: DerivedColumn = {
  name: "seen",
  type: "float",
  from: {
    kind: "window",
    window: {
      time: "at",
      of: { from: "rows" },
      by: [{ op: "column", name: "site" }],
      overMs: 1_000_000,
      paneMs: 20_000,
      knownAfterMs: 0,
    },
    statistic: "count",
  },
};
const plan: FeaturePlan = {
  format: planFormat,
  columns: [
    { name: "at", type: "timestamp", optional: true },
    { name: "site", type: "category" },
    { name: "price", type: "float" },
  ],
  derived: [seen],
  dictionaries: [],
  slots: [
    { read: "derived", derived: 0 },
    { read: "number", column: 2 },
  ],
  steps: [],
  outputs: [
    { kind: "numeric", name: "seen", value: 0 },
    { kind: "numeric", name: "price", value: 1 },
  ],
};
const graph = writeGraph({
  inputs: ["seen", "price"].map((name) => ({ name, type: "float" as const, shape: ["n", 1] })),
  outputs: [{ name: "value", type: "float", shape: ["n", 1] }],
  nodes: [{ op: "Add", inputs: ["seen", "price"], outputs: ["value"] }],
});

function ask({ dataPlane }: StreamWorker, ...records: readonly Record<string, unknown>[]) {
  return new Promise<{ id: string; outputs: readonly number[]; streamSequence?: number }>(
    (resolve, reject) => {
      const answered = dataPlane.predictOnThread(
        dataPlane.find("graph"),
        { records, json: undefined },
        { acknowledge: () => void answered.then(resolve), refuse: reject },
      );
      answered.catch(reject);
    },
  );
}

it("a graph on a thread of its own takes what windows say, logs it, and is replayed", async () => {
  const room = await openStreamRoom();
  const { digest } = await writeBundle(room.blobs, {
    engine: ONNX_ENGINE,
    model: graph,
    plan,
    signature: {
      inputs: [
        { name: "at", type: "timestamp", required: false },
        { name: "site", type: "category", required: true },
        { name: "price", type: "float", required: true },
      ],
      output: { name: "value", task: "regression" },
    },
    profile: {},
  });
  const worker = await room.worker(routingOf(1, [digest], { name: "graph" }));
  const sequencer = await room.sequencer();
  const first = await ask(worker, { at: 1, site: "a", price: 0.5 }, { at: 2, site: "b", price: 0.25 });
  expect(first).toMatchObject({ outputs: [0.5, 0.25], streamSequence: 0 });
  await sequencer.step();
  await worker.windows.poll();
  const second = await ask(worker, { at: 3, site: "a", price: 0.5 }, { site: "a", price: 2 });
  expect(second).toMatchObject({ outputs: [1.5, 2], streamSequence: 2 });
  const { payload, windows } = await findPrediction(room.logs.predictions, second.id);
  expect([...payload!.derived]).toEqual([1, 0]);
  expect(windows).toEqual({ streamSequence: 2, derivedCount: 1 });
  await expect(ask(worker, { at: "?", site: "a", price: 2 })).rejects.toMatchObject({
    code: "SERVING_BAD_INSTANCE",
  });
  const replayed = await replayLog({
    directory: room.logs.predictions,
    blobs: room.blobs,
    filter: {},
    stream: room.logs.stream,
  });
  expect(replayed).toMatchObject({ total: 4, identical: 4, windows: { recomputed: 4, unavailable: 0 } });
});
