import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startGrpcServer } from "../../src/grpc/index.ts";
import { startPredictionServer } from "../../src/http/index.ts";
import { replayLog } from "../../src/serving/index.ts";
import { openServingRoom } from "../../src/serving/testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../../src/serving/testing/small-bundle.ts";
import { CLIENT_PACKAGES, hasPython, pythonWith } from "./client-packages.ts";

const run = promisify(execFile);

/** A classifier `late` behind both ports. What it was asked is replayed bit for bit at the end. */
async function openServers() {
  const { dataPlane, blobs, logDirectory } = await openServingRoom();
  await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0.25 })]));
  const listen = { host: "127.0.0.1", port: 0 };
  const http = await startPredictionServer({ dataPlane, listen });
  const grpc = await startGrpcServer({ dataPlane, listen });
  onTestFinished(async () => {
    await http.close({ drainMs: 0, graceMs: 0 });
    await grpc.close({ graceMs: 0 });
  });
  const response = await fetch(`${http.address}/v1/models/late:predict`, {
    method: "POST",
    body: JSON.stringify({ instances: [FLIGHT] }),
  });
  const { predictions } = (await response.json()) as { predictions: number[] };
  return {
    http: http.address,
    http_host: http.address.replace("http://", ""),
    grpc: `127.0.0.1:${grpc.port}`,
    expected: predictions[0]!,
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
