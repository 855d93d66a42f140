import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startGrpcServer } from "../../src/grpc/index.ts";
import { startPredictionServer } from "../../src/http/index.ts";
import { replayLog } from "../../src/serving/index.ts";
import { openServingRoom } from "../../src/serving/testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../../src/serving/testing/small-bundle.ts";
import {
  CLIENT_PACKAGES,
  hasPython,
  pythonWith,
  STUB_PACKAGES,
  STUBS,
  wantsLargePackages,
} from "./client-packages.ts";

const run = promisify(execFile);

/**
 * A classifier `late` behind both ports, and on demand a regression `delay`. What they were asked is replayed bit for bit at
 * the end.
 */
async function openServers({ withRegression = false }: { readonly withRegression?: boolean } = {}) {
  const { dataPlane, blobs, logDirectory } = await openServingRoom();
  const routing = routingOf(1, [await writeSmallBundle(blobs, { base: 0.25 })]);
  const regression = async () =>
    routingOf(1, [await writeSmallBundle(blobs, { base: 7, task: "regression" })], { name: "delay" }).models;
  await dataPlane.apply({
    ...routing,
    models: [...routing.models, ...(withRegression ? await regression() : [])],
  });
  const listen = { host: "127.0.0.1", port: 0 };
  const http = await startPredictionServer({ dataPlane, listen });
  const grpc = await startGrpcServer({ dataPlane, listen });
  onTestFinished(async () => {
    await http.close({ drainMs: 0, graceMs: 0 });
    await grpc.close({ graceMs: 0 });
  });
  const ask = async (model: string): Promise<number> => {
    const response = await fetch(`${http.address}/v1/models/${model}:predict`, {
      method: "POST",
      body: JSON.stringify({ instances: [FLIGHT] }),
    });
    return ((await response.json()) as { predictions: number[] }).predictions[0]!;
  };
  return {
    http: http.address,
    http_host: http.address.replace("http://", ""),
    grpc: `127.0.0.1:${grpc.port}`,
    expected: await ask("late"),
    ask,
    replay: () => replayLog({ directory: logDirectory, blobs, filter: {} }),
  };
}

/** Runs a script that finds `given` among its variables and puts what it saw into `seen`. */
async function python<Seen>(interpreter: string, given: object, script: string): Promise<Seen> {
  const code = `import json, sys\ngiven = json.loads(sys.argv[1])\nseen = {}\n${script}\nprint(json.dumps(seen))`;
  const { stdout } = await run(interpreter, ["-c", code, JSON.stringify(given)]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Seen;
}

/** Tensors of a record for tritonclient, whose two modules have the same names. */
const TENSORS = `
import numpy as np
def tensors(module, record, rows=1):
    made = []
    for name, value in record.items():
        if isinstance(value, str): array, datatype = np.array([value.encode()] * rows, dtype=object), "BYTES"
        elif isinstance(value, bool): array, datatype = np.array([value] * rows), "BOOL"
        elif isinstance(value, int): array, datatype = np.array([value] * rows, dtype=np.int64), "INT64"
        else: array, datatype = np.array([value] * rows, dtype=np.float64), "FP64"
        tensor = module.InferInput(name, [rows], datatype)
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made
`;

describe.skipIf(!hasPython())("the client of another server", () => {
  let interpreter: string;
  beforeAll(async () => {
    interpreter = await pythonWith(CLIENT_PACKAGES);
  });

  it("tritonclient over HTTP predicts by binary tensors, compressed and plain, and reads index and statistics", async () => {
    const { replay, expected, ...addresses } = await openServers();
    const seen = await python(
      interpreter,
      { ...addresses, record: FLIGHT },
      `${TENSORS}
import tritonclient.http as triton
client = triton.InferenceServerClient(given["http_host"])
seen["live"] = [client.is_server_live(), client.is_server_ready(), client.is_model_ready("late")]
output = client.get_model_metadata("late")["outputs"][0]["name"]
seen["plain"] = client.infer("late", tensors(triton, given["record"])).as_numpy(output).tolist()
many = client.infer("late", tensors(triton, given["record"], 2000), request_compression_algorithm="gzip", response_compression_algorithm="gzip")
seen["compressed"] = sorted(set(many.as_numpy(output).tolist()))
seen["deflated"] = client.infer("late", tensors(triton, given["record"]), request_compression_algorithm="deflate").as_numpy(output).tolist()
seen["index"] = client.get_model_repository_index()
stats = client.get_inference_statistics("late")["model_stats"][0]
seen["count"] = stats["inference_count"]
try: client.infer("late", tensors(triton, given["record"])[1:])
except triton.InferenceServerException as error: seen["refused"] = error.message()
`,
    );
    expect(seen).toEqual({
      live: [true, true, true],
      plain: [expected],
      compressed: [expected],
      deflated: [expected],
      index: [{ name: "late", version: "1", state: "READY", reason: "" }],
      count: 2_003,
      refused: expect.stringContaining('"date" is missing'),
    });
    expect(await replay()).toMatchObject({ identical: 2_003 });
  });

  it("tritonclient over gRPC predicts, reads index and statistics, and gRPC's health checks answer", async () => {
    const { replay, expected, ...addresses } = await openServers();
    const seen = await python(
      interpreter,
      { ...addresses, record: FLIGHT },
      `${TENSORS}
import grpc, tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
client = triton.InferenceServerClient(given["grpc"])
seen["live"] = [client.is_server_live(), client.is_server_ready(), client.is_model_ready("late")]
output = client.get_model_metadata("late").outputs[0].name
seen["plain"] = client.infer("late", tensors(triton, given["record"])).as_numpy(output).tolist()
seen["index"] = [(model.name, model.version, model.state) for model in client.get_model_repository_index().models]
seen["count"] = client.get_inference_statistics("late").model_stats[0].inference_count
health = health_pb2_grpc.HealthStub(grpc.insecure_channel(given["grpc"]))
seen["health"] = health.Check(health_pb2.HealthCheckRequest(service="late")).status
`,
    );
    expect(seen).toEqual({
      live: [true, true, true],
      plain: [expected],
      index: [["late", "1", "READY"]],
      count: 2,
      health: 1,
    });
    expect(await replay()).toMatchObject({ identical: 2 });
  });

  it("MLflow's scoring client predicts from a data frame and from tensors", async () => {
    const { expected, replay, ...addresses } = await openServers();
    const seen = await python(
      interpreter,
      { ...addresses, record: FLIGHT },
      `
import types
# The client looks for scipy.sparse in a way that fails where there is no scipy at all.
sys.modules["scipy"] = types.ModuleType("scipy")
sys.modules["scipy"].__path__ = []
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient(*given["http_host"].split(":"))
client.ping()
client.wait_server_ready(timeout=10)
frame = pd.DataFrame([given["record"], given["record"]])
answer = client.invoke(frame).get_predictions()
seen["frame"] = answer.values.ravel().tolist()
seen["inputs"] = client.invoke(json.dumps({"inputs": {name: [value] for name, value in given["record"].items()}})).get_predictions().values.ravel().tolist()
`,
    );
    expect(seen).toEqual({ frame: [expected, expected], inputs: [expected] });
    expect(await replay()).toMatchObject({ identical: 4 });
  });
});

describe.skipIf(!hasPython() || !wantsLargePackages())("the generated stubs of another server", () => {
  let interpreter: string;
  beforeAll(async () => {
    interpreter = await pythonWith(STUB_PACKAGES, STUBS);
  });

  it("of TensorFlow Serving predict, classify, regress, and read metadata and status", async () => {
    const { replay, expected, ask, grpc } = await openServers({ withRegression: true });
    const seen = await python(
      interpreter,
      { grpc, record: FLIGHT },
      `
import grpc
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, get_model_status_pb2, input_pb2
from tensorflow_serving.apis import model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc, regression_pb2

channel = grpc.insecure_channel(given["grpc"])
predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
models = model_service_pb2_grpc.ModelServiceStub(channel)

def tensor(value, rows):
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=rows)])
    if isinstance(value, str): return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[value.encode()] * rows)
    if isinstance(value, bool): return tensor_pb2.TensorProto(dtype=types_pb2.DT_BOOL, tensor_shape=shape, bool_val=[value] * rows)
    if isinstance(value, int): return tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, tensor_shape=shape, int64_val=[value] * rows)
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, tensor_shape=shape, double_val=[value] * rows)

def feature(value):
    if isinstance(value, str): return feature_pb2.Feature(bytes_list=feature_pb2.BytesList(value=[value.encode()]))
    if isinstance(value, (bool, int)): return feature_pb2.Feature(int64_list=feature_pb2.Int64List(value=[value]))
    return feature_pb2.Feature(float_list=feature_pb2.FloatList(value=[value]))

request = predict_pb2.PredictRequest()
request.model_spec.name = "late"
for name, value in given["record"].items(): request.inputs[name].CopyFrom(tensor(value, 3))
answer = predictions.Predict(request, timeout=10)
[(seen["output"], tensor_answered)] = answer.outputs.items()
seen["predict"] = list(tensor_answered.double_val)
seen["version"] = answer.model_spec.version.value

features = {name: feature(value) for name, value in given["record"].items()}
example = example_pb2.Example(features=feature_pb2.Features(feature=features))
asked = input_pb2.Input(example_list=input_pb2.ExampleList(examples=[example]))
classified = classification_pb2.ClassificationRequest(input=asked)
classified.model_spec.name = "late"
seen["classify"] = [(own.label, own.score) for own in predictions.Classify(classified, timeout=10).result.classifications[0].classes]

regressed = regression_pb2.RegressionRequest(input=asked)
regressed.model_spec.name = "delay"
seen["regress"] = [own.value for own in predictions.Regress(regressed, timeout=10).result.regressions]

metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
metadata.model_spec.name = "late"
signatures = get_model_metadata_pb2.SignatureDefMap()
predictions.GetModelMetadata(metadata, timeout=10).metadata["signature_def"].Unpack(signatures)
seen["inputs"] = sorted(signatures.signature_def["serving_default"].inputs)

status = get_model_status_pb2.GetModelStatusRequest()
status.model_spec.name = "late"
seen["status"] = [(one.version, one.state) for one in models.GetModelStatus(status, timeout=10).model_version_status]
status.model_spec.name = "none"
try: models.GetModelStatus(status, timeout=10)
except grpc.RpcError as error: seen["unknown"] = error.code().name
`,
    );
    expect(seen).toEqual({
      output: "late",
      predict: [expected, expected, expected],
      version: 1,
      // These two answers have room for 32 bits.
      classify: [
        ["0", Math.fround(1 - expected)],
        ["1", Math.fround(expected)],
      ],
      regress: [Math.fround(await ask("delay"))],
      inputs: Object.keys(FLIGHT).sort(),
      status: [[1, 30]],
      unknown: "NOT_FOUND",
    });
    expect(await replay()).toMatchObject({ total: 7, identical: 7 });
  });

  it("of KServe predict by V1, by V2 with JSON and binary tensors, and over gRPC", async () => {
    const { replay, expected, ask: _, ...addresses } = await openServers();
    const seen = await python(
      interpreter,
      { ...addresses, record: FLIGHT },
      `
import asyncio, os, site, types
import numpy as np
# The package itself loads KServe's server and the client of Kubernetes.
kserve = sys.modules["kserve"] = types.ModuleType("kserve")
kserve.__path__ = [os.path.join(site.getsitepackages()[0], "kserve")]
from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest

def tensor(name, value, binary):
    kinds = {str: ("BYTES", object), bool: ("BOOL", np.bool_), int: ("INT64", np.int64), float: ("FP64", np.float64)}
    datatype, dtype = kinds[type(value)]
    made = InferInput(name, [2], datatype)
    values = np.array([value.encode() if isinstance(value, str) and binary else value] * 2, dtype=dtype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made

def request(binary):
    return InferRequest("late", [tensor(name, value, binary) for name, value in given["record"].items()])

def outputs(answer):
    return answer.outputs[0].as_numpy().tolist()

async def ask():
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    seen["v1"] = (await v1.infer(given["http"], {"instances": [given["record"]]}, model_name="late"))["predictions"]
    seen["ready v1"] = await v1.is_model_ready(given["http"], "late")
    v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
    seen["live"] = [await v2.is_server_live(given["http"]), await v2.is_server_ready(given["http"]), await v2.is_model_ready(given["http"], "late")]
    seen["json"] = outputs(await v2.infer(given["http"], request(False), model_name="late"))
    seen["binary"] = outputs(await v2.infer(given["http"], request(True), model_name="late"))
    try: await v2.infer(given["http"], InferRequest("late", [tensor("miles", 1.5, False)]), model_name="late")
    except Exception as error: seen["refused"] = str(error)
    async with InferenceGRPCClient(given["grpc"]) as grpc:
        seen["ready grpc"] = [await grpc.is_server_live(), await grpc.is_server_ready(), await grpc.is_model_ready("late")]
        seen["grpc"] = outputs(await grpc.infer(request(True)))

asyncio.run(ask())
`,
    );
    expect(seen).toEqual({
      v1: [expected],
      "ready v1": true,
      live: [true, true, true],
      json: [expected, expected],
      binary: [expected, expected],
      refused: expect.stringContaining("is missing"),
      "ready grpc": [true, true, true],
      grpc: [expected, expected],
    });
    expect(await replay()).toMatchObject({ identical: 8 });
  });
});

describe("curl as TensorFlow Serving's documentation shows it", () => {
  const curl = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await run("curl", ["-s", ...args])).stdout);

  it("asks for status, metadata, predictions by row and by column, and classes", async () => {
    const { http, expected } = await openServers();
    const model = `${http}/v1/models/late`;
    expect(await curl(model)).toMatchObject({
      model_version_status: [{ version: "1", state: "AVAILABLE", status: { error_code: "OK" } }],
    });
    expect(await curl(`${model}/metadata`)).toMatchObject({ model_spec: { name: "late", version: "1" } });
    expect(
      await curl("-d", JSON.stringify({ instances: [FLIGHT] }), "-X", "POST", `${model}:predict`),
    ).toEqual({ predictions: [expected] });
    const inputs = Object.fromEntries(Object.entries(FLIGHT).map(([name, value]) => [name, [value]]));
    expect(
      await curl("-d", JSON.stringify({ signature_name: "serving_default", inputs }), `${model}:predict`),
    ).toEqual({ outputs: [expected] });
    const { date, ...example } = FLIGHT;
    expect(
      await curl(
        "-d",
        JSON.stringify({ context: { date }, examples: [example] }),
        `${model}/versions/1:classify`,
      ),
    ).toEqual({
      results: [
        [
          ["0", 1 - expected],
          ["1", expected],
        ],
      ],
    });
  });
});
