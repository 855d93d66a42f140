import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { deflateSync, gzipSync } from "node:zlib";
import { healthProtocol } from "../../../src/grpc/protocols/health.ts";
import { inferenceProtocol } from "../../../src/grpc/protocols/inference.ts";
import { tensorflowServingProtocol } from "../../../src/grpc/protocols/tensorflow-serving.ts";
import { messagesOf } from "../../../src/grpc/service-definition.ts";
import type { Random } from "../../../src/kernel/index.ts";
import { HANG_MS, shown, type VisitContext } from "./http-visit.ts";
import { chance, damageBytes, pick, randomBytes } from "./mutations.ts";
import { type KnownAnswer, tensorBytes } from "./requests.ts";

/** A method, a message for it, and where the predictions are in its answer. */
export interface GrpcForm {
  readonly path: string;
  readonly message: Buffer;
  readonly read?: (answer: Buffer) => readonly number[];
}

const inference = messagesOf(inferenceProtocol);
const tensorflow = messagesOf(tensorflowServingProtocol);
const health = messagesOf(healthProtocol);

const INPUTS = [
  { name: "at", datatype: "BYTES", dtype: 7 },
  { name: "site", datatype: "BYTES", dtype: 7 },
  { name: "position", datatype: "INT64", dtype: 9 },
  { name: "price", datatype: "FP64", dtype: 2 },
] as const;

type Change = (message: Record<string, unknown>) => Record<string, unknown>;

const doublesOf = (bytes: Uint8Array): number[] => {
  const buffer = Buffer.from(bytes);
  return Array.from({ length: buffer.length / 8 }, (_, at) => buffer.readDoubleLE(at * 8));
};

function encoded(protocol: typeof inference, type: string, message: Record<string, unknown>): Buffer {
  return Buffer.from(protocol.type(type).encode(message).finish());
}

const values = (known: readonly KnownAnswer[], name: (typeof INPUTS)[number]["name"]) =>
  known.map(({ record }) => record[name]);

/** V2 with raw bytes. */
function inferForm(known: readonly KnownAnswer[], change: Change): GrpcForm {
  const message = change({
    model_name: "clicked",
    inputs: INPUTS.map(({ name, datatype }) => ({ name, datatype, shape: [known.length] })),
    raw_input_contents: INPUTS.map(({ name, datatype }) => tensorBytes(datatype, values(known, name))),
  });
  return {
    path: "/inference.GRPCInferenceService/ModelInfer",
    message: encoded(inference, "inference.ModelInferRequest", message),
    read: (answer) => {
      const { raw_output_contents: raw } = inference
        .type("inference.ModelInferResponse")
        .decode(answer) as unknown as {
        raw_output_contents: Uint8Array[];
      };
      return doublesOf(raw[0]!);
    },
  };
}

/** TensorFlow Serving's Predict with values. */
function predictForm(known: readonly KnownAnswer[], change: Change): GrpcForm {
  const tensor = (name: (typeof INPUTS)[number]["name"], dtype: number) => {
    const own = values(known, name);
    const shape = { dtype, tensor_shape: { dim: [{ size: known.length }] } };
    if (dtype === 7) return { ...shape, string_val: own.map((text) => Buffer.from(String(text))) };
    return dtype === 9 ? { ...shape, int64_val: own } : { ...shape, double_val: own };
  };
  const message = change({
    model_spec: { name: "clicked" },
    inputs: Object.fromEntries(INPUTS.map(({ name, dtype }) => [name, tensor(name, dtype)])),
  });
  return {
    path: "/tensorflow.serving.PredictionService/Predict",
    message: encoded(tensorflow, "tensorflow.serving.PredictRequest", message),
    read: (answer) => {
      const { outputs } = tensorflow.type("tensorflow.serving.PredictResponse").decode(answer) as unknown as {
        outputs: Record<string, { double_val: number[] }>;
      };
      return outputs.probability?.double_val ?? [];
    },
  };
}

function classifyForm(known: readonly KnownAnswer[], change: Change): GrpcForm {
  const examples = known.map(({ record: { at, site, position, price } }) => ({
    features: {
      feature: {
        at: { bytes_list: { value: [Buffer.from(at)] } },
        site: { bytes_list: { value: [Buffer.from(site)] } },
        position: { int64_list: { value: [position] } },
        price: { float_list: { value: [price] } },
      },
    },
  }));
  const message = change({ model_spec: { name: "clicked" }, input: { example_list: { examples } } });
  return {
    path: "/tensorflow.serving.PredictionService/Classify",
    message: encoded(tensorflow, "tensorflow.serving.ClassificationRequest", message),
  };
}

const fixedForms: readonly GrpcForm[] = [
  {
    path: "/tensorflow.serving.PredictionService/GetModelMetadata",
    message: encoded(tensorflow, "tensorflow.serving.GetModelMetadataRequest", {
      model_spec: { name: "clicked" },
      metadata_field: ["signature_def"],
    }),
  },
  {
    path: "/tensorflow.serving.ModelService/GetModelStatus",
    message: encoded(tensorflow, "tensorflow.serving.GetModelStatusRequest", {
      model_spec: { name: "clicked" },
    }),
  },
  { path: "/tensorflow.serving.ModelService/HandleReloadConfigRequest", message: Buffer.alloc(0) },
  {
    path: "/inference.GRPCInferenceService/ModelMetadata",
    message: encoded(inference, "inference.ModelMetadataRequest", { name: "clicked", version: "1" }),
  },
  {
    path: "/inference.GRPCInferenceService/ModelStatistics",
    message: encoded(inference, "inference.ModelStatisticsRequest", { name: "clicked" }),
  },
  { path: "/inference.GRPCInferenceService/RepositoryIndex", message: Buffer.alloc(0) },
  { path: "/inference.GRPCInferenceService/ServerReady", message: Buffer.alloc(0) },
  {
    path: "/grpc.health.v1.Health/Check",
    message: encoded(health, "grpc.health.v1.HealthCheckRequest", { service: "clicked" }),
  },
];

const unchanged: Change = (message) => message;

/** A message whose predictions are known. */
export function goodForm(random: Random, known: readonly KnownAnswer[]): GrpcForm {
  return pick(random, [inferForm, predictForm])(known, unchanged);
}

const ODD_TEXTS = [
  "",
  "nope",
  "\u0000",
  "x".repeat(3_000),
  "__proto__",
  "a\nb",
  "caf\u00e9",
  "v1",
  "99999999999",
  "%",
  "\ud83d\ude00".repeat(150),
];
const ODD_SHAPES = [[], [0], [-1], [2], [1, 1], [2 ** 31, 2 ** 31, 2], [1_000_000_000], [1, 0]];

/** A message that is damaged in what it says or in its bytes. */
export function damagedForm(random: Random, known: readonly KnownAnswer[]): GrpcForm {
  if (chance(random, 0.25)) {
    const form = pick(random, fixedForms);
    return { path: form.path, message: damageBytes(random, form.message) };
  }
  const make = pick(random, [inferForm, inferForm, predictForm, classifyForm]);
  const { path, message } = make(known, chance(random, 0.6) ? (whole) => changed(random, whole) : unchanged);
  const otherPath = chance(random, 0.05) ? "/inference.GRPCInferenceService/ModelStreamInfer" : path;
  return { path: otherPath, message: chance(random, 0.6) ? damageBytes(random, message) : message };
}

function changed(random: Random, message: Record<string, unknown>): Record<string, unknown> {
  const inputs = message.inputs;
  if (chance(random, 0.15))
    return { ...message, model_name: pick(random, ODD_TEXTS), model_spec: { name: pick(random, ODD_TEXTS) } };
  if (chance(random, 0.15))
    return {
      ...message,
      model_version: pick(random, ODD_TEXTS),
      outputs: [{ name: pick(random, ODD_TEXTS) }],
    };
  if (chance(random, 0.1))
    return {
      ...message,
      model_spec: { name: "clicked", signature_name: pick(random, ODD_TEXTS), version: { value: -1 } },
    };
  if (Array.isArray(inputs)) {
    const at = random.integer(inputs.length);
    const input = { ...(inputs[at] as object) };
    switch (random.integer(4)) {
      case 0:
        return { ...message, inputs: inputs.with(at, { ...input, shape: pick(random, ODD_SHAPES) }) };
      case 1:
        return {
          ...message,
          inputs: inputs.with(at, {
            ...input,
            datatype: pick(random, ["BOOL", "FP16", "BF16", "INT8", "X", "BYTES"]),
          }),
        };
      case 2:
        return {
          ...message,
          inputs: inputs.with(at, { ...input, contents: { fp64_contents: [1, Number.NaN] } }),
        };
      default:
        return { ...message, raw_input_contents: [randomBytes(random, random.integer(40))] };
    }
  }
  if (typeof inputs === "object" && inputs !== null) {
    const [name, tensor] = pick(random, Object.entries(inputs as Record<string, object>));
    const dim = pick(random, ODD_SHAPES).map((size) => ({ size }));
    const odd = pick<object>(random, [
      { dtype: random.integer(30) },
      { tensor_shape: { dim } },
      { tensor_shape: { unknown_rank: true } },
      { tensor_content: randomBytes(random, random.integer(20)) },
      { double_val: [Number.NaN, Number.POSITIVE_INFINITY] },
      { half_val: [70_000, -1] },
    ]);
    return { ...message, inputs: { ...inputs, [name]: { ...tensor, ...odd } } };
  }
  return message;
}

/** A message as gRPC frames it; or not quite. */
function framed(random: Random, message: Buffer, isDamaged: boolean): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  if (!isDamaged) return Buffer.concat([prefix, message]);
  switch (random.integer(8)) {
    case 0:
      prefix[0] = 1 + random.integer(255);
      break;
    case 1:
      prefix.writeUInt32BE(
        pick(random, [0, 1, message.length + 1, message.length + 5, 0xffffffff, 9_000_000]),
        1,
      );
      break;
    case 2:
      return prefix.subarray(0, random.integer(6));
    case 3:
      return Buffer.concat([prefix, message, prefix, message]);
    case 4:
      return Buffer.concat([prefix, message, randomBytes(random, random.integer(12))]);
    case 5: {
      const packed = pick(random, [gzipSync, deflateSync])(message);
      prefix[0] = 1;
      prefix.writeUInt32BE(packed.length, 1);
      return Buffer.concat([prefix, packed]);
    }
    case 6:
      return Buffer.alloc(0);
    default:
      return damageBytes(random, Buffer.concat([prefix, message]));
  }
  return Buffer.concat([prefix, message]);
}

const ODD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "grpc-timeout": "-1S" },
  { "grpc-timeout": "5x" },
  { "grpc-timeout": "S" },
  { "grpc-encoding": "gzip" },
  { "grpc-encoding": "deflate" },
  { "grpc-encoding": "zstd" },
  { "grpc-encoding": "" },
  { "grpc-accept-encoding": ",,;" },
  { "content-type": "application/json" },
  { "content-type": "application/grpc+json" },
  { "content-type": "application/grpcx" },
  { "content-type": "" },
  { "x-data-bin": "!!!not base64!!!" },
  { "x-long": "z".repeat(6_000) },
  { "grpc-status": "99" },
  { te: "trailers" },
  { authorization: "Bearer x" },
  { ":method": "GET" },
  { ":scheme": "ftp" },
  { ":authority": "" },
];

const ODD_PATHS = [
  "/",
  "",
  "*",
  "/inference.GRPCInferenceService",
  "/inference.GRPCInferenceService/",
  "/inference.GRPCInferenceService/Nope",
  "/x/../y",
  "/%00/%ff",
  `/${"a".repeat(3_000)}`,
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/tensorflow.serving.PredictionService/MultiInference",
  "/caf\u00c3\u00a9",
];

/** gRPC's statuses that say that the server is at fault. */
const FAULTS: Readonly<Record<string, string>> = {
  "2": "UNKNOWN",
  "13": "INTERNAL",
  "14": "UNAVAILABLE",
  "15": "DATA_LOSS",
};

/** What the protocol itself answers as INTERNAL: the client broke the framing of its call. */
const BROKEN_CALLS =
  /^(Invalid grpc-timeout value|Method expects (exactly )?one message|Failed to decompress message|No message received|No data received|The message.*|Request message.*|Message missing)/i;

/** One HTTP/2 connection with calls side by side, damaged and well-formed ones. */
export async function visitGrpc(random: Random, { grpcPort, answers, tally }: VisitContext): Promise<number> {
  const session = connect(`http://127.0.0.1:${grpcPort}`);
  // What fails, fails on its streams too.
  session.on("error", () => undefined);
  const calls: Promise<void>[] = [];
  try {
    const count = 1 + random.integer(60);
    for (let at = 0; at < count; at++) {
      const known = Array.from({ length: 1 + random.integer(2) }, () => pick(random, answers));
      calls.push(
        chance(random, 0.25)
          ? goodCall(random, session, known)
          : damagedCall(random, session, known).then((status) => tally.count(status)),
      );
      if (at % 8 === 7) await Promise.all(calls.splice(0));
    }
    await Promise.all(calls.splice(0));
    return count;
  } finally {
    session.destroy();
  }
}

const HEADERS = { ":method": "POST", te: "trailers", "content-type": "application/grpc+proto" } as const;

async function goodCall(
  random: Random,
  session: ClientHttp2Session,
  known: readonly KnownAnswer[],
): Promise<void> {
  const { path, message, read } = goodForm(random, known);
  const { status, details, body } = await call(
    session,
    { ...HEADERS, ":path": path },
    framed(random, message, false),
  );
  const got = status === "0" ? (read?.(body.subarray(5)) ?? []) : [];
  const expected = known.map(({ prediction }) => prediction);
  if (got.length !== expected.length || got.some((value, at) => value !== expected[at]))
    throw new Error(
      `a well-formed call of ${path} ended with ${status} ${details}, ${JSON.stringify(got)} for ${JSON.stringify(expected)}`,
    );
}

async function damagedCall(
  random: Random,
  session: ClientHttp2Session,
  known: readonly KnownAnswer[],
): Promise<string> {
  const form = damagedForm(random, known);
  const bytes = framed(random, form.message, chance(random, 0.3));
  const odd = chance(random, 0.2) ? pick(random, ODD_HEADERS) : {};
  const path = chance(random, 0.05) ? pick(random, ODD_PATHS) : form.path;
  const isAbandoned = chance(random, 0.05);
  const ended = await call(session, { ...HEADERS, ":path": path, ...odd }, bytes, isAbandoned);
  const { status, details, code } = ended;
  if (FAULTS[status] !== undefined && (code !== "" || !BROKEN_CALLS.test(details)))
    throw new Error(
      `${FAULTS[status]} "${details}" ${code} for ${path} ${JSON.stringify(odd)} with:\n${shown(bytes)}`,
    );
  return `grpc ${status}`;
}

interface Ended {
  /** gRPC's status, `http 415`, or what the stream was reset with. */
  readonly status: string;
  readonly details: string;
  readonly code: string;
  readonly body: Buffer;
}

function call(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  bytes: Buffer,
  isAbandoned = false,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (error) {
      // node:http2 does not send headers that it can see to be wrong.
      resolve({ status: "unsent", details: String(error), code: "", body: Buffer.alloc(0) });
      return;
    }
    const parts: Buffer[] = [];
    let last: Readonly<Record<string, unknown>> = {};
    const timer = setTimeout(() => {
      reject(
        new Error(
          `no answer within ${HANG_MS} ms for ${JSON.stringify(headers).slice(0, 500)} with:\n${shown(bytes)}`,
        ),
      );
      stream.close(constants.NGHTTP2_CANCEL);
    }, HANG_MS);
    const note = (given: object): void => {
      last = { ...last, ...given };
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      clearTimeout(timer);
      const http = String(last[":status"] ?? `reset ${stream.rstCode}`);
      const status = last["grpc-status"] === undefined ? `http ${http}` : String(last["grpc-status"]);
      if (/^http 5/.test(status)) reject(new Error(`${status} for ${JSON.stringify(headers).slice(0, 500)}`));
      resolve({
        status,
        details: String(last["grpc-message"] ?? "").replaceAll("%20", " "),
        code: String(last["x-slipway-code"] ?? ""),
        body: Buffer.concat(parts),
      });
    });
    if (isAbandoned) stream.write(bytes, () => stream.close(constants.NGHTTP2_CANCEL));
    else stream.end(bytes);
  });
}
