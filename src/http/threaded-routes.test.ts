import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { replayLog } from "../serving/index.ts";
import { imageOf, images, roots, slope, writeGraphBundle } from "../serving/testing/graph-bundle.ts";
import { routingOf } from "../serving/testing/small-bundle.ts";
import { openPredictionRoom } from "./testing/prediction-room.ts";

async function openGraphRoom(graph: Uint8Array) {
  const room = await openPredictionRoom();
  const bundle = await writeGraphBundle(room.blobs, graph);
  const report = await room.dataPlane.apply(routingOf(2, [bundle], { name: "graph" }));
  expect(report.problems).toEqual([]);
  return room;
}

describe("a graph over HTTP", () => {
  it("is asked by V1 with named tensors, in rows and in columns", async () => {
    const { post, get } = await openGraphRoom(images);
    const rows = await post("/v1/models/graph:predict", { instances: [imageOf(1), imageOf(2)] });
    expect(rows.status, rows.text).toBe(200);
    expect(rows.headers.get("x-slipway-model")).toBe("graph");
    expect(rows.text).toBe(
      '{"predictions": [{"sums": [6.0, 15.0], "same": "image 1", "scaled": [2]}, {"sums": [9.0, 18.0], "same": "image 2", "scaled": [4]}]}',
    );
    const inputs = {
      image: [imageOf(1).image, imageOf(2).image],
      label: ["a", "b"],
      scale: [[1], [2]],
    };
    const columns = await post("/v1/models/graph:predict", { inputs });
    expect(columns.json).toEqual({
      outputs: {
        sums: [
          [6, 15],
          [9, 18],
        ],
        same: ["a", "b"],
        scaled: [[2], [4]],
      },
    });
    const metadata = await get("/v1/models/graph/metadata");
    expect(metadata.json.metadata.signature_def.signature_def.serving_default.inputs.image).toMatchObject({
      dtype: "DT_DOUBLE",
      tensor_shape: { dim: [{ size: "-1" }, { size: "2" }, { size: "3" }] },
    });
  });

  it("is asked by V2 with tensors of its shapes, and answers those that are wanted", async () => {
    const { post, get } = await openGraphRoom(images);
    const inputs = [
      { name: "image", datatype: "FP32", shape: [2, 2, 3], data: [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7] },
      { name: "label", datatype: "BYTES", shape: [2], data: ["a", "b"] },
      { name: "scale", datatype: "INT64", shape: [2, 1], data: [1, 2] },
    ];
    const all = await post("/v2/models/graph/infer", { id: "q", inputs });
    expect(all.status, all.text).toBe(200);
    expect(all.json).toMatchObject({
      id: "q",
      outputs: [
        { name: "sums", datatype: "FP64", shape: [2, 2], data: [6, 15, 9, 18] },
        { name: "same", datatype: "BYTES", shape: [2], data: ["a", "b"] },
        { name: "scaled", datatype: "INT64", shape: [2, 1], data: [2, 4] },
      ],
    });
    const some = await post("/v2/models/graph/infer", { inputs, outputs: [{ name: "scaled" }] });
    expect(some.json.outputs).toMatchObject([{ name: "scaled", data: [2, 4] }]);
    const metadata = await get("/v2/models/graph");
    expect(metadata.json).toMatchObject({
      platform: "slipway_onnx",
      inputs: [
        { name: "image", datatype: "FP64", shape: [-1, 2, 3] },
        { name: "label", datatype: "BYTES", shape: [-1] },
        { name: "scale", datatype: "INT64", shape: [-1] },
      ],
      outputs: [{ name: "sums", shape: [-1, 2] }, { name: "same" }, { name: "scaled", datatype: "INT64" }],
    });
    const wrong = await post("/v2/models/graph/infer", {
      inputs: [{ ...inputs[0], shape: [2, 3, 2] }, inputs[1], inputs[2]],
    });
    expect(wrong.status).toBe(400);
    expect(wrong.json.error).toContain("[n, 2, 3] is expected");
  });

  it("takes bare instances and bare tensors where it has one input", async () => {
    const { post } = await openGraphRoom(slope);
    const answer = await post("/v1/models/graph:predict", {
      instances: [
        [1, 1],
        [2, 0],
      ],
    });
    expect(answer.text).toBe('{"predictions": [1.0, 4.0]}');
    const columns = await post("/v1/models/graph:predict", { inputs: [[0, 1]] });
    expect(columns.json).toEqual({ outputs: [-1] });
    const named = await post("/v1/models/graph:predict", { instances: [{ x: [1, 0.5] }] });
    expect(named.json).toEqual({ predictions: [1.5] });
  });

  it("without an axis of instances takes whole tensors, one or several", async () => {
    const { post, get } = await openGraphRoom(roots);
    const tensor = (shape: readonly number[], data: readonly number[]) => ({
      inputs: [{ name: "m", datatype: "FP32", shape, data }],
    });
    const one = await post("/v2/models/graph/infer", tensor([2, 2], [1, 4, 9, 16]));
    expect(one.json.outputs).toMatchObject([{ name: "r", shape: [2, 2], data: [1, 2, 3, 4] }]);
    const two = await post("/v2/models/graph/infer", tensor([2, 2, 2], [1, 4, 9, 16, 0, 0, 0, 25]));
    expect(two.json.outputs).toMatchObject([{ shape: [2, 2, 2], data: [1, 2, 3, 4, 0, 0, 0, 5] }]);
    const nested = [
      [1, 4],
      [9, 16],
    ];
    const rows = await post("/v1/models/graph:predict", { instances: [nested, { m: nested }] });
    expect(rows.status).toBe(400);
    const bare = await post("/v1/models/graph:predict", { instances: [nested] });
    expect(bare.text).toBe('{"predictions": [[[1.0, 2.0], [3.0, 4.0]]]}');
    const columns = await post("/v1/models/graph:predict", { inputs: { m: nested } });
    expect(columns.json).toEqual({
      outputs: [
        [1, 2],
        [3, 4],
      ],
    });
    expect((await get("/v2/models/graph")).json.inputs).toEqual([
      { name: "m", datatype: "FP64", shape: [2, 2] },
    ]);
  });

  it("keeps its model for a request whose body arrives after another has taken its place", async () => {
    const room = await openGraphRoom(slope);
    const body = JSON.stringify({ instances: [[7, 4]] });
    const socket = connect({ port: room.server.port, host: "127.0.0.1" });
    const held = new Promise<void>((resolve) => {
      const { hold } = room.dataPlane;
      room.dataPlane.hold = (served) => {
        resolve();
        return hold.call(room.dataPlane, served);
      };
    });
    socket.write(
      `POST /v1/models/graph:predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    await held;
    const next = await writeGraphBundle(room.blobs, roots);
    await room.dataPlane.apply(routingOf(3, [next], { name: "graph" }));
    socket.write(body);
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once("data", (data) => resolve(data.toString()));
      socket.once("error", reject);
    });
    socket.destroy();
    expect(answer).toContain('{"predictions": [10.0]}');
  });

  it("says which instance is wrong, and survives a client that does not wait", async () => {
    const room = await openGraphRoom(slope);
    const wrong = await room.post("/v1/models/graph:predict", { instances: [[1, 2], [1]] });
    expect(wrong.status).toBe(400);
    expect(wrong.json).toMatchObject({ code: "SERVING_BAD_INSTANCE", details: { instance: 1, field: "x" } });
    const body = JSON.stringify({ instances: Array.from({ length: 4000 }, (_, i) => [i, 1]) });
    await new Promise<void>((resolve) => {
      const socket = connect({ port: room.server.port, host: "127.0.0.1" }, () => {
        socket.write(
          `POST /v1/models/graph:predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          () => {
            socket.destroy();
            resolve();
          },
        );
      });
    });
    const answer = await room.post("/v1/models/graph:predict", { instances: [[7, 4]] });
    expect(answer.json).toEqual({ predictions: [10] });
    expect(room.defects).toEqual([]);
    await room.server.close({ drainMs: 0 });
    await room.dataPlane.close();
    const report = await replayLog({ directory: room.logDirectory, blobs: room.blobs, filter: {} });
    expect(report.identical).toBe(report.total);
  });
});
