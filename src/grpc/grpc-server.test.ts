import { type MethodDefinition, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { findPrediction, replayLog } from "../serving/index.ts";
import { images, writeGraphBundle } from "../serving/testing/graph-bundle.ts";
import { FLIGHT, routingOf } from "../serving/testing/small-bundle.ts";
import { watchEverything } from "../telemetry/testing/watching.ts";
import { tensorflowServingProtocol } from "./protocols/tensorflow-serving.ts";
import { messagesOf } from "./service-definition.ts";
import { type Answer, type Message, openGrpcRoom, services } from "./testing/grpc-room.ts";

const bytes = (text: string) => Buffer.from(text);
const typedInputs = [
  { name: "date", datatype: "BYTES", shape: [1], contents: { bytes_contents: [bytes(String(FLIGHT.date))] } },
  { name: "distance", datatype: "INT64", shape: [1], contents: { int64_contents: [FLIGHT.distance] } },
  { name: "miles", datatype: "FP64", shape: [1], contents: { fp64_contents: [FLIGHT.miles] } },
  { name: "nonstop", datatype: "BOOL", shape: [1], contents: { bool_contents: [FLIGHT.nonstop] } },
  {
    name: "origin",
    datatype: "BYTES",
    shape: [1],
    contents: { bytes_contents: [bytes(String(FLIGHT.origin))] },
  },
];

function rawRequest(): object {
  const text = (value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(value));
    return Buffer.concat([length, bytes(value)]);
  };
  const double = Buffer.alloc(8);
  double.writeDoubleLE(Number(FLIGHT.miles));
  const integer = Buffer.alloc(8);
  integer.writeBigInt64LE(BigInt(Number(FLIGHT.distance)));
  return {
    model_name: "late",
    inputs: typedInputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    raw_input_contents: [
      text(String(FLIGHT.date)),
      integer,
      double,
      Buffer.of(FLIGHT.nonstop ? 1 : 0),
      text(String(FLIGHT.origin)),
    ],
  };
}

const output = ({ message }: Answer): number => Buffer.from(message.raw_output_contents[0]).readDoubleLE(0);

describe("the Open Inference Protocol V2 over gRPC", () => {
  it("predicts from typed and from raw tensors, bit for bit the same, and logs what it answered", async () => {
    const { call, logDirectory, blobs } = await openGrpcRoom();
    const typed = await call("inference", "ModelInfer", {
      model_name: "late",
      id: "42",
      inputs: typedInputs,
    });
    expect(typed.message).toMatchObject({ model_name: "late", model_version: "1", id: "42" });
    expect(typed.message.outputs).toMatchObject([{ name: "late", datatype: "FP64" }]);
    const raw = await call("inference", "ModelInfer", rawRequest());
    expect(output(raw)).toBe(output(typed));
    const id = String(typed.trailers.get("x-slipway-prediction-id")[0]);
    expect(typed.message.parameters.prediction_id.string_param).toBe(id);
    expect((await findPrediction(logDirectory, id)).payload?.outputs[0]).toBe(output(typed));
    expect(await replayLog({ directory: logDirectory, blobs, filter: { id } })).toMatchObject({
      identical: 1,
    });
  });

  it("answers health, metadata and the index", async () => {
    const { call } = await openGrpcRoom();
    expect((await call("inference", "ServerLive", {})).message.live).toBe(true);
    expect((await call("inference", "ServerReady", {})).message.ready).toBe(true);
    expect((await call("inference", "ModelReady", { name: "late", version: "1" })).message.ready).toBe(true);
    expect((await call("inference", "ServerMetadata", {})).message.name).toBe("slipway");
    const { message } = await call("inference", "ModelMetadata", { name: "late" });
    expect(message).toMatchObject({ name: "late", versions: ["1"] });
    expect(message.inputs.map(({ name }: Message) => name)).toContain("distance");
    expect((await call("inference", "RepositoryIndex", {})).message.models).toMatchObject([
      { name: "late", version: "1", state: "READY" },
    ]);
  });

  it("answers a stream in order, and goes on after a request that it refuses", async () => {
    const { client, call } = await openGrpcRoom();
    const expected = output(await call("inference", "ModelInfer", rawRequest()));
    const { path, requestSerialize, responseDeserialize } = services.inference
      .ModelStreamInfer as MethodDefinition<unknown, Message>;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const answers: Message[] = [];
    stream.on("data", (answer: Message) => answers.push(answer));
    for (const id of ["a", "b", "c"])
      stream.write(id === "b" ? { model_name: "none" } : { ...rawRequest(), id });
    stream.end();
    await new Promise((resolve) => stream.on("end", resolve));
    expect(answers.map((answer) => answer.infer_response?.id ?? answer.error_message)).toEqual([
      "a",
      expect.stringContaining('no model called "none"'),
      "c",
    ]);
    expect(output({ message: answers[2].infer_response } as Answer)).toBe(expected);
  });

  it.each([
    ["an unknown model", { model_name: "nope" }, status.NOT_FOUND, "SERVING_UNKNOWN_MODEL"],
    [
      "an unknown version",
      { model_name: "late", model_version: "9" },
      status.NOT_FOUND,
      "SERVING_UNKNOWN_VERSION",
    ],
    [
      "a missing input",
      { model_name: "late", inputs: typedInputs.slice(1) },
      status.INVALID_ARGUMENT,
      "WIRE_BAD_REQUEST",
    ],
    [
      "an unknown output",
      { model_name: "late", inputs: typedInputs, outputs: [{ name: "score" }] },
      status.INVALID_ARGUMENT,
      "WIRE_BAD_REQUEST",
    ],
    [
      "another datatype",
      { model_name: "late", inputs: [{ ...typedInputs[0], datatype: "FP7" }] },
      status.INVALID_ARGUMENT,
      "GRPC_BAD_REQUEST",
    ],
    [
      "raw contents that do not fit",
      { ...rawRequest(), raw_input_contents: [Buffer.alloc(3)] },
      status.INVALID_ARGUMENT,
      "GRPC_BAD_REQUEST",
    ],
    [
      "bytes that are no message",
      Buffer.from([0x0a, 0xff, 0xff, 0xff]),
      status.INVALID_ARGUMENT,
      "GRPC_MALFORMED",
    ],
  ])("refuses %s by a status and a stable code", async (_what, request, code, stable) => {
    const { refusal } = await openGrpcRoom();
    const error = await refusal("inference", "ModelInfer", request);
    expect({ code: error.code, stable: error.metadata.get("x-slipway-code")[0] }).toEqual({ code, stable });
  });

  it("refuses an integer that a double cannot hold, and a message longer than the limit", async () => {
    const { refusal } = await openGrpcRoom({ maxMessageBytes: 2_000 });
    const wide = Buffer.alloc(8);
    wide.writeBigInt64LE(2n ** 53n + 1n);
    const request = rawRequest() as { raw_input_contents: Buffer[] };
    const error = await refusal("inference", "ModelInfer", {
      ...request,
      raw_input_contents: request.raw_input_contents.with(1, wide),
    });
    expect(error.metadata.get("x-slipway-code")).toEqual(["WIRE_INEXACT_INTEGER"]);
    const long = await refusal("inference", "ModelInfer", { model_name: "x".repeat(3_000) });
    expect(long.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("TensorFlow Serving over gRPC", () => {
  const texts = (value: unknown) => ({
    dtype: 7,
    tensor_shape: { dim: [{ size: 1 }] },
    string_val: [bytes(String(value))],
  });
  const inputs = {
    date: texts(FLIGHT.date),
    origin: texts(FLIGHT.origin),
    distance: { dtype: 9, tensor_shape: { dim: [{ size: 1 }] }, int64_val: [FLIGHT.distance] },
    miles: {
      dtype: 2,
      tensor_shape: { dim: [{ size: 1 }] },
      tensor_content: new Uint8Array(Float64Array.of(Number(FLIGHT.miles)).buffer),
    },
    nonstop: { dtype: 10, tensor_shape: { dim: [{ size: 1 }] }, bool_val: [FLIGHT.nonstop] },
  };
  const example = {
    features: {
      feature: {
        date: { bytes_list: { value: [bytes(String(FLIGHT.date))] } },
        origin: { bytes_list: { value: [bytes(String(FLIGHT.origin))] } },
        distance: { int64_list: { value: [FLIGHT.distance] } },
        nonstop: { int64_list: { value: [FLIGHT.nonstop ? 1 : 0] } },
      },
    },
  };
  const context = { features: { feature: { miles: { float_list: { value: [FLIGHT.miles] } } } } };

  it("predicts what the other protocol predicts", async () => {
    const { call } = await openGrpcRoom();
    const expected = output(await call("inference", "ModelInfer", rawRequest()));
    const { message } = await call("prediction", "Predict", { model_spec: { name: "late" }, inputs });
    expect(message.outputs.late).toMatchObject({ dtype: 2, double_val: [expected] });
    expect(Number(message.model_spec.version.value)).toBe(1);
    const labelled = await call("prediction", "Predict", {
      model_spec: { name: "late", version_label: "champion", signature_name: "serving_default" },
      inputs,
      output_filter: ["late"],
    });
    expect(labelled.message.outputs.late.double_val).toEqual([expected]);
  });

  it("classifies examples, with the features of their context", async () => {
    const { call } = await openGrpcRoom();
    const expected = output(await call("inference", "ModelInfer", rawRequest()));
    const { message } = await call("prediction", "Classify", {
      model_spec: { name: "late", version: { value: 1 } },
      input: { example_list_with_context: { examples: [example], context } },
    });
    const [{ classes }] = message.result.classifications;
    expect(classes.map(({ label }: Message) => label)).toEqual(["0", "1"]);
    expect(classes[1].score).toBe(Math.fround(expected));
  });

  it("takes the tensors of a graph and answers its outputs, over both protocols", async () => {
    const { call, refusal, dataPlane, blobs } = await openGrpcRoom();
    const bundle = await writeGraphBundle(blobs, images);
    await dataPlane.apply(routingOf(2, [bundle], { name: "graph" }));
    const pixels = [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7];
    const inputs = [
      { name: "image", datatype: "FP32", shape: [2, 2, 3], contents: { fp32_contents: pixels } },
      {
        name: "label",
        datatype: "BYTES",
        shape: [2],
        contents: { bytes_contents: [bytes("a"), bytes("☃")] },
      },
      { name: "scale", datatype: "INT64", shape: [2, 1], contents: { int64_contents: [1, 2] } },
    ];
    const { message, trailers } = await call("inference", "ModelInfer", { model_name: "graph", inputs });
    expect(
      message.outputs.map(({ name, datatype, shape }: Message) => [name, datatype, ...shape.map(Number)]),
    ).toEqual([
      ["sums", "FP64", 2, 2],
      ["same", "BYTES", 2],
      ["scaled", "INT64", 2, 1],
    ]);
    const [sums, same, scaled] = message.raw_output_contents as [Buffer, Buffer, Buffer];
    expect([0, 8, 16, 24].map((at) => sums.readDoubleLE(at))).toEqual([6, 15, 9, 18]);
    expect(same.subarray(4, 5).toString() + same.subarray(9).toString()).toBe("a☃");
    expect([scaled.readBigInt64LE(0), scaled.readBigInt64LE(8)]).toEqual([2n, 4n]);
    expect(String(trailers.get("x-slipway-prediction-id")[0])).toMatch(/^[0-9a-z]{24}$/);

    const shapeOf = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) });
    const tensorflow = await call("prediction", "Predict", {
      model_spec: { name: "graph" },
      inputs: {
        image: { dtype: 1, tensor_shape: shapeOf(2, 2, 3), float_val: pixels },
        label: { dtype: 7, tensor_shape: shapeOf(2), string_val: [bytes("a"), bytes("b")] },
        scale: { dtype: 9, tensor_shape: shapeOf(2, 1), int64_val: [5, 6] },
      },
      output_filter: ["scaled"],
    });
    expect(Object.keys(tensorflow.message.outputs)).toEqual(["scaled"]);
    expect(tensorflow.message.outputs.scaled.int64_val.map(Number)).toEqual([10, 12]);

    const wrong = await refusal("inference", "ModelInfer", {
      model_name: "graph",
      inputs: [{ ...inputs[0], shape: [2, 3, 2] }, inputs[1], inputs[2]],
    });
    expect(wrong.details).toContain("[n, 2, 3] is expected");
  });

  it("answers the status and the signature of a model", async () => {
    const { call } = await openGrpcRoom();
    const { message } = await call("model", "GetModelStatus", { model_spec: { name: "late" } });
    expect(message.model_version_status).toMatchObject([{ state: 30, status: { error_code: 0 } }]);
    const metadata = await call("prediction", "GetModelMetadata", {
      model_spec: { name: "late" },
      metadata_field: ["signature_def"],
    });
    const { value } = metadata.message.metadata.signature_def;
    const map = messagesOf(tensorflowServingProtocol)
      .type("tensorflow.serving.SignatureDefMap")
      .decode(value);
    const { signature_def: signatures } = map as unknown as Message;
    expect(Object.keys(signatures.serving_default.inputs).sort()).toEqual([
      "date",
      "distance",
      "miles",
      "nonstop",
      "origin",
    ]);
  });

  it.each([
    ["no model", "Predict", {}, "GRPC_BAD_REQUEST"],
    [
      "another signature",
      "Predict",
      { model_spec: { name: "late", signature_name: "x" } },
      "GRPC_BAD_REQUEST",
    ],
    [
      "a tensor of another type",
      "Predict",
      { model_spec: { name: "late" }, inputs: { date: { dtype: 99 } } },
      "GRPC_BAD_REQUEST",
    ],
    [
      "an example without a feature",
      "Classify",
      { model_spec: { name: "late" }, input: { example_list: { examples: [example] } } },
      "WIRE_BAD_REQUEST",
    ],
    [
      "a classifier asked for a value",
      "Regress",
      { model_spec: { name: "late" }, input: { example_list: { examples: [example] } } },
      "GRPC_BAD_REQUEST",
    ],
  ])("refuses %s", async (_what, method, request, stable) => {
    const { refusal } = await openGrpcRoom();
    const error = await refusal("prediction", method, request);
    expect({ code: error.code, stable: error.metadata.get("x-slipway-code")[0] }).toEqual({
      code: status.INVALID_ARGUMENT,
      stable,
    });
  });

  it("does not let models be managed on the prediction port", async () => {
    const { refusal } = await openGrpcRoom();
    expect((await refusal("model", "HandleReloadConfigRequest", {})).code).toBe(status.UNIMPLEMENTED);
  });
});

describe("statistics over gRPC", () => {
  it("count what was answered and refused", async () => {
    const { call, refusal } = await openGrpcRoom();
    await call("inference", "ModelInfer", rawRequest());
    await refusal("inference", "ModelInfer", { model_name: "late", inputs: [] });
    for (const request of [{}, { name: "late" }, { name: "late", version: "1" }]) {
      const { message } = await call("inference", "ModelStatistics", request);
      expect(message.model_stats).toHaveLength(1);
      const { name, version, execution_count, inference_stats } = message.model_stats[0];
      expect([name, version, Number(execution_count)]).toEqual(["late", "1", 1]);
      expect(Number(inference_stats.success.count)).toBe(1);
      expect(Number(inference_stats.success.ns)).toBeGreaterThan(0);
      expect(Number(inference_stats.fail.count)).toBe(1);
    }
    expect((await refusal("inference", "ModelStatistics", { name: "nobody" })).code).toBe(status.NOT_FOUND);
  });
});

describe("a watched server over gRPC", () => {
  it("logs and traces each call, and says which trace it is", async () => {
    const { observer, lines, spans } = watchEverything();
    const { call, refusal } = await openGrpcRoom({ observer });
    const { trailers } = await call("inference", "ModelInfer", rawRequest());
    await refusal("inference", "ModelInfer", { model_name: "early" });
    await call("health", "Check", { service: "" });
    const entries = lines.map((line) => JSON.parse(line));
    expect(entries.map(({ protocol, path, status: ending, code }) => [protocol, path, ending, code])).toEqual(
      [
        ["grpc_v2", "/inference.GRPCInferenceService/ModelInfer", "OK", undefined],
        ["grpc_v2", "/inference.GRPCInferenceService/ModelInfer", "NOT_FOUND", "SERVING_UNKNOWN_MODEL"],
        ["grpc", "/grpc.health.v1.Health/Check", "OK", undefined],
      ],
    );
    expect(entries[0]).toMatchObject({ model: "late", version: 1, arm: "champion", address: "127.0.0.1" });
    expect(entries[0].predictionId).toBe(trailers.get("x-slipway-prediction-id")[0]);
    expect(spans[0]).toMatchObject({ name: "inference.GRPCInferenceService/ModelInfer", kind: "server" });
    expect(trailers.get("traceresponse")).toEqual([`00-${spans[0]?.traceId}-${spans[0]?.spanId}-01`]);
  });
});

describe("gRPC's health checks", () => {
  it("answer for the server, a service and a model, and say that others are unknown", async () => {
    const { call, refusal } = await openGrpcRoom();
    for (const service of ["", "inference.GRPCInferenceService", "late"])
      expect((await call("health", "Check", { service })).message.status).toBe(1);
    expect((await refusal("health", "Check", { service: "other" })).code).toBe(status.NOT_FOUND);
  });

  it("are watched: the end of the server is seen", async () => {
    const { client, server } = await openGrpcRoom();
    const { path, requestSerialize, responseDeserialize } = services.health.Watch as MethodDefinition<
      unknown,
      Message
    >;
    const seen: number[] = [];
    const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
      service: "",
    });
    const ended = new Promise((resolve) => {
      stream.on("data", ({ status: now }: Message) => {
        seen.push(now);
        if (seen.length === 1) void server.close({ graceMs: 2_000 });
      });
      stream.on("error", resolve);
      stream.on("end", () => resolve(undefined));
    });
    await ended;
    expect(seen).toEqual([1, 2]);
  });
});
