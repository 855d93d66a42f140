import { inferenceProtocol } from "../../src/grpc/protocols/inference.ts";
import { messagesOf } from "../../src/grpc/service-definition.ts";
import { encodeIntegers, encodeTexts } from "../../src/wire/tensor-bytes.ts";
import { httpRequest, type LoadRequest } from "./load/load-order.ts";

/** What is asked of every server, in the words of each protocol. */
export const MODEL = "late";
export const V1_PATH = `/v1/models/${MODEL}:predict`;
export const V2_PATH = `/v2/models/${MODEL}/infer`;
export const GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer";

interface Flight {
  readonly date: string;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

const FLIGHT: Flight = { date: "2001-06-03T18:15:00Z", distance: 1234, origin: "ATL", destination: "DFW" };
const AIRPORTS = ["ATL", "DEN", "DFW", "IAH", "JFK", "LAX", "MSP", "ORD", "PHX", "SFO"];

/** Flights that differ from one another. */
function flights(count: number): Flight[] {
  return Array.from({ length: count }, (_, i) => ({
    date: new Date(Date.UTC(2001, i % 12, 1 + (i % 28), i % 24, i % 60)).toISOString(),
    distance: 100 + ((i * 37) % 2_500),
    origin: AIRPORTS[i % AIRPORTS.length]!,
    destination: AIRPORTS[(i * 7 + 3) % AIRPORTS.length]!,
  }));
}

const v1Body = (instances: readonly Flight[]): string => JSON.stringify({ instances });

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly bytes: Uint8Array;
  readonly data: readonly (string | number)[];
}

function tensorsOf(instances: readonly Flight[]): Tensor[] {
  const text = (name: "date" | "origin" | "destination"): Tensor => {
    const data = instances.map((flight) => flight[name]);
    return { name, datatype: "BYTES", bytes: encodeTexts(data), data };
  };
  const distances = instances.map(({ distance }) => distance);
  const distance = { name: "distance", datatype: "INT64", bytes: encodeIntegers(distances), data: distances };
  return [text("date"), distance, text("origin"), text("destination")];
}

function v2Body(instances: readonly Flight[]): string {
  const inputs = tensorsOf(instances).map(({ name, datatype, data }) => ({
    ...{ name, datatype, shape: [instances.length], data },
  }));
  return JSON.stringify({ inputs });
}

function v2BinaryRequest(instances: readonly Flight[]): LoadRequest {
  const tensors = tensorsOf(instances);
  const inputs = tensors.map(({ name, datatype, bytes }) => ({
    ...{ name, datatype, shape: [instances.length] },
    parameters: { binary_data_size: bytes.length },
  }));
  const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return httpRequest({
    path: V2_PATH,
    body: Buffer.concat([json, ...tensors.map(({ bytes }) => bytes)]),
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(json.length),
    },
  });
}

function grpcMessage(instances: readonly Flight[]): Uint8Array {
  const tensors = tensorsOf(instances);
  const type = messagesOf(inferenceProtocol).type("inference.ModelInferRequest");
  const inputs = tensors.map(({ name, datatype }) => ({ name, datatype, shape: [instances.length] }));
  return type
    .encode({ model_name: MODEL, inputs, raw_input_contents: tensors.map(({ bytes }) => bytes) })
    .finish();
}

/** One record as JSON, for looking at an answer. */
export const singleRecord = { v1: v1Body([FLIGHT]), v2: v2Body([FLIGHT]) } as const;

export const requests = {
  v1Single: httpRequest({ path: V1_PATH, body: v1Body([FLIGHT]) }),
  v2Single: httpRequest({ path: V2_PATH, body: v2Body([FLIGHT]) }),
  grpcSingle: {
    protocol: "grpc",
    path: GRPC_PATH,
    message: grpcMessage([FLIGHT]),
    callsPerConnection: 8,
  },
  v1Batch: (rows: number) => httpRequest({ path: V1_PATH, body: v1Body(flights(rows)) }),
  v2BinaryBatch: (rows: number) => v2BinaryRequest(flights(rows)),
} as const satisfies Record<string, LoadRequest | ((rows: number) => LoadRequest)>;
