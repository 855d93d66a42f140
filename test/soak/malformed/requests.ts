import { deflateSync, gzipSync } from "node:zlib";
import type { Random } from "../../../src/kernel/index.ts";
import { encodeDoubles, encodeIntegers, encodeTexts } from "../../../src/wire/tensor-bytes.ts";
import { chance, damageBytes, damagedJson, pick, randomBytes } from "./mutations.ts";

/** A record of the model `clicked`, and what the server said of it before anything else was sent. */
export interface KnownAnswer {
  readonly record: Readonly<Record<"at" | "site", string> & Record<"position" | "price", number>>;
  readonly prediction: number;
}

/** One HTTP request, as the bytes that are sent. */
export interface SentRequest {
  readonly bytes: Buffer;
  /** An answer to HEAD has no body. */
  readonly isHead: boolean;
  /** What a well-formed request must be answered with; undefined for a damaged one. */
  readonly expected?: readonly number[];
  /** Finds the predictions in the answer's body. */
  readonly read?: (body: Buffer) => readonly number[];
}

interface Message {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** A request that is well formed, in parts that can be damaged. */
interface Form {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** A JSON document, or what stands there instead. */
  readonly document?: unknown;
  readonly text?: string;
  /** Binary tensors behind the document. */
  readonly tail?: Buffer;
  readonly read: (body: Buffer) => readonly number[];
}

const JSON_HEADERS = [["content-type", "application/json"]] as const;

const numbersOf =
  (find: (document: never) => unknown) =>
  (body: Buffer): readonly number[] =>
    [find(JSON.parse(body.toString()) as never)].flat(3) as number[];

const predictionsIn = numbersOf(({ predictions }: { predictions: unknown }) => predictions);
const v2DataIn = numbersOf(({ outputs }: { outputs: { data: unknown }[] }) => outputs[0]?.data);

type Writer = (known: readonly KnownAnswer[]) => Form;

const recordsIn = (known: readonly KnownAnswer[]) => known.map(({ record }) => record);
const columnOf = (known: readonly KnownAnswer[], name: keyof KnownAnswer["record"]) =>
  known.map(({ record }) => record[name]);
const columnsIn = (known: readonly KnownAnswer[]) =>
  Object.fromEntries(COLUMNS.map(({ name }) => [name, columnOf(known, name)]));

const COLUMNS = [
  { name: "at", datatype: "BYTES" },
  { name: "site", datatype: "BYTES" },
  { name: "position", datatype: "INT64" },
  { name: "price", datatype: "FP64" },
] as const;

/** The ways of asking the model `clicked`. */
const writers: readonly Writer[] = [
  (known) => ({
    path: "/v1/models/clicked:predict",
    headers: JSON_HEADERS,
    document: { instances: recordsIn(known) },
    read: predictionsIn,
  }),
  (known) => ({
    path: "/v1/models/clicked/versions/1:predict",
    headers: JSON_HEADERS,
    document: { signature_name: "serving_default", inputs: columnsIn(known) },
    read: numbersOf(({ outputs }: { outputs: unknown }) => outputs),
  }),
  (known) => ({
    path: "/v1/models/clicked:classify",
    headers: JSON_HEADERS,
    document: { examples: recordsIn(known) },
    read: numbersOf(({ results }: { results: [string, number][][] }) =>
      results.map((classes) => classes[1]?.[1]),
    ),
  }),
  (known) => ({
    path: "/v2/models/clicked/infer",
    headers: JSON_HEADERS,
    document: {
      id: "a",
      inputs: COLUMNS.map(({ name, datatype }) => ({
        name,
        datatype,
        shape: [known.length],
        data: columnOf(known, name),
      })),
      outputs: [{ name: "probability" }],
    },
    read: v2DataIn,
  }),
  binaryForm,
  (known) => ({
    path: "/invocations?model=clicked",
    headers: JSON_HEADERS,
    document: {
      dataframe_split: {
        columns: COLUMNS.map(({ name }) => name),
        data: known.map(({ record }) => COLUMNS.map(({ name }) => record[name])),
      },
    },
    read: predictionsIn,
  }),
  (known) => ({
    path: "/invocations?model=clicked",
    headers: JSON_HEADERS,
    document: { dataframe_records: recordsIn(known) },
    read: predictionsIn,
  }),
  (known) => ({
    path: "/invocations?model=clicked",
    headers: [["content-type", "text/csv"]],
    text: [
      "at,site,position,price",
      ...known.map(({ record: { at, site, position, price } }) => `${at},"${site}",${position},${price}`),
    ].join("\n"),
    read: predictionsIn,
  }),
];

/** Integers and doubles as bytes, texts with their lengths. */
function binaryForm(known: readonly KnownAnswer[]): Form {
  const tensors = COLUMNS.map(({ name, datatype }) => ({
    name,
    datatype,
    bytes: tensorBytes(datatype, columnOf(known, name)),
  }));
  return {
    path: "/v2/models/clicked/infer",
    headers: [["content-type", "application/octet-stream"]],
    document: {
      inputs: tensors.map(({ name, datatype, bytes }) => ({
        name,
        datatype,
        shape: [known.length],
        parameters: { binary_data_size: bytes.length },
      })),
      parameters: { binary_data_output: true },
    },
    tail: Buffer.concat(tensors.map(({ bytes }) => bytes)),
    read: (body) => known.map((_, row) => body.readDoubleLE(body.length - (known.length - row) * 8)),
  };
}

export function tensorBytes(
  datatype: (typeof COLUMNS)[number]["datatype"],
  values: readonly (string | number)[],
): Uint8Array {
  if (datatype === "BYTES") return encodeTexts(values.map(String));
  return datatype === "INT64" ? encodeIntegers(values.map(Number)) : encodeDoubles(values.map(Number));
}

/** What is not about `clicked`, or does not predict; nobody knows its answer beforehand. */
const others: readonly Omit<Form, "read">[] = [
  {
    path: "/v1/feedback",
    headers: JSON_HEADERS,
    document: { predictionId: "01jd0000000000000000000000", value: 1 },
  },
  {
    path: "/v1/feedback",
    headers: JSON_HEADERS,
    document: { feedback: [{ predictionId: "x", value: null, name: "bought", at: "2026-01-31T12:00:00Z" }] },
  },
  {
    path: "/v1/feedback",
    headers: JSON_HEADERS,
    text: '{"predictionId": "a", "value": 1}\n{"predictionId": "b", "value": "x"}',
  },
  { path: "/v2/repository/index", headers: JSON_HEADERS, document: { ready: true } },
  {
    path: "/v1/models/sums:predict",
    headers: JSON_HEADERS,
    document: {
      instances: [
        {
          image: [
            [1, 2, 3],
            [4, 5, 6],
          ],
          label: "a",
          scale: [3],
        },
      ],
    },
  },
  {
    path: "/v1/models/sums:predict",
    headers: JSON_HEADERS,
    document: {
      inputs: {
        image: [
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
        ],
        label: ["a"],
        scale: [[3]],
      },
    },
  },
  {
    path: "/v2/models/sums/infer",
    headers: JSON_HEADERS,
    document: {
      inputs: [
        { name: "image", datatype: "FP32", shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] },
        { name: "label", datatype: "BYTES", shape: [1], data: ["a"] },
        { name: "scale", datatype: "INT64", shape: [1, 1], data: [3] },
      ],
    },
  },
  {
    path: "/v1/models/clicked:recommend",
    headers: JSON_HEADERS,
    document: {
      context: { at: "2023-11-15T03:12:20Z", price: 1.5, position: 2 },
      candidates: [{ site: "news" }, { site: "mail" }],
      n: 1,
    },
  },
];

const paths: readonly string[] = [
  ...[
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/ping",
    "/version",
    "/v1/models",
    "/v1/stream",
    "/v2",
    "/v2/health/ready",
  ],
  ...[
    "/v1/models/clicked",
    "/v1/models/clicked/metadata",
    "/v1/models/clicked/openapi.json",
    "/v2/models/clicked",
  ],
  ...[
    "/v2/models/clicked/ready",
    "/v2/models/clicked/versions/1/ready",
    "/v2/models/stats",
    "/v2/models/clicked/stats",
  ],
  ...[
    "/v1/models/sums/metadata",
    "/v2/models/sums",
    "/v1/models/clicked/labels/champion",
    "/v2/models/clicked/stats",
  ],
];

/** A well-formed request about one to three records whose answer is known. */
export function goodRequest(random: Random, answers: readonly KnownAnswer[]): SentRequest {
  const known = Array.from({ length: 1 + random.integer(3) }, () => pick(random, answers));
  const form = pick(random, writers)(known);
  return {
    bytes: written(random, messageOf(random, form)),
    isHead: false,
    expected: known.map(({ prediction }) => prediction),
    read: form.read,
  };
}

/** A request that is damaged in its body, headers, path or method, but ends where it says that it ends. */
export function damagedRequest(random: Random, answers: readonly KnownAnswer[]): SentRequest {
  const message = damagedMessage(random, answers);
  return { bytes: written(random, message), isHead: message.method === "HEAD" };
}

function damagedMessage(random: Random, answers: readonly KnownAnswer[]): Message {
  const form = anyForm(random, answers);
  switch (random.integer(8)) {
    case 0:
      return withDamagedHeaders(random, messageOf(random, form));
    case 1:
      return withDamagedTarget(random, messageOf(random, form));
    case 2:
      return messageOf(random, form, withDamagedTensors(random, form));
    case 3:
    case 4: {
      const message = messageOf(random, form);
      return { ...message, body: damageBytes(random, message.body) };
    }
    default:
      return messageOf(random, form, damagedBody(random, form));
  }
}

function anyForm(random: Random, answers: readonly KnownAnswer[]): Omit<Form, "read"> {
  if (chance(random, 0.3)) return pick(random, others);
  const known = Array.from({ length: 1 + random.integer(2) }, () => pick(random, answers));
  return pick(random, writers)(known);
}

function bodyOf({ document, text, tail }: Omit<Form, "read">): Buffer {
  const json = Buffer.from(text ?? JSON.stringify(document));
  return tail === undefined ? json : Buffer.concat([json, tail]);
}

function messageOf(random: Random, form: Omit<Form, "read">, body: Buffer = bodyOf(form)): Message {
  const headers = [...form.headers];
  if (form.tail !== undefined) {
    const length = body.length - form.tail.length;
    headers.push(["Inference-Header-Content-Length", String(length)]);
  }
  if (chance(random, 0.1)) return { method: "POST", path: form.path, ...compressed(random, headers, body) };
  if (chance(random, 0.1))
    headers.push(["accept-encoding", pick(random, ["gzip", "deflate", "gzip;q=0, *", "br"])]);
  return { method: "POST", path: form.path, headers, body };
}

function compressed(
  random: Random,
  headers: Message["headers"],
  body: Buffer,
): Pick<Message, "headers" | "body"> {
  const coding = pick(random, ["gzip", "deflate"]);
  const bytes = coding === "gzip" ? gzipSync(body, { level: 1 }) : deflateSync(body, { level: 1 });
  return { headers: [...headers, ["content-encoding", coding]], body: bytes };
}

function damagedBody(random: Random, form: Omit<Form, "read">): Buffer {
  if (form.document === undefined) return damageBytes(random, bodyOf(form));
  const json = Buffer.from(damagedJson(random, form.document));
  return form.tail === undefined ? json : Buffer.concat([json, form.tail]);
}

const SIZES = [0, 1, 3, 7, 8, 9, 255, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -1, 0.5, 1e300] as const;
const SHAPES = [
  [],
  [0],
  [-1],
  [2],
  [1, 1],
  [2 ** 31, 2 ** 31],
  [2 ** 53],
  [1, 0],
  [1.5],
  ["1"],
  [[1]],
  null,
  "1",
  { 0: 1 },
];
const DATATYPES = [
  "BOOL",
  "UINT8",
  "INT8",
  "INT16",
  "UINT64",
  "INT64",
  "FP16",
  "BF16",
  "FP32",
  "FP64",
  "BYTES",
  "STRING",
  7,
];

/** Sizes, shapes and types that do not fit the bytes behind them; texts whose lengths lie. */
function withDamagedTensors(random: Random, form: Omit<Form, "read">): Buffer {
  const { document, tail = Buffer.alloc(0) } = form;
  if (!isInference(document)) return damagedBody(random, form);
  const inputs = document.inputs.map((input) => {
    if (chance(random, 0.5)) return input;
    switch (random.integer(3)) {
      case 0:
        return { ...input, shape: pick<unknown>(random, SHAPES) };
      case 1:
        return { ...input, datatype: pick<unknown>(random, DATATYPES) };
      default:
        return { ...input, parameters: { binary_data_size: pick<unknown>(random, SIZES) } };
    }
  });
  const json = Buffer.from(JSON.stringify({ ...document, inputs }));
  const bytes = chance(random, 0.5) ? damageBytes(random, tail) : tail;
  return Buffer.concat([json, bytes]);
}

function isInference(document: unknown): document is { readonly inputs: readonly object[] } {
  return (
    typeof document === "object" &&
    document !== null &&
    "inputs" in document &&
    Array.isArray(document.inputs)
  );
}

const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ["content-type", "text/plain"],
  ["content-type", "text/csv"],
  ["content-type", "application/json; charset=utf-16"],
  ["content-type", ""],
  ["content-encoding", "gzip"],
  ["content-encoding", "deflate"],
  ["content-encoding", "br"],
  ["content-encoding", "gzip, gzip"],
  ["content-encoding", "x".repeat(500)],
  ["accept-encoding", ";;;q=,,=1"],
  ["accept", "*/*;q=abc"],
  ["inference-header-content-length", "0"],
  ["inference-header-content-length", "5"],
  ["inference-header-content-length", "-1"],
  ["inference-header-content-length", "99999999999999999999"],
  ["inference-header-content-length", "1, 2"],
  ["expect", "200-nothing"],
  ["cookie", "a=".repeat(1_000)],
  ["x-forwarded-for", "\u00ff\u0080"],
  ["__proto__", "1"],
  ["constructor", "1"],
  ["range", "bytes=9-1"],
  ["if-none-match", "*"],
  ["traceparent", "00-zz-1-"],
  ["authorization", "Bearer \u00e9"],
  ["x-slipway-timeout-ms", "-1"],
  ["x-slipway-timeout-ms", "1e9"],
  ["x-envoy-expected-rq-timeout-ms", "soon"],
  ["x-empty", ""],
  ["te", "trailers"],
];

function withDamagedHeaders(random: Random, message: Message): Message {
  const headers = [...message.headers];
  for (let times = 1 + random.integer(3); times > 0; times--) {
    const odd = pick(random, ODD_HEADERS);
    if (chance(random, 0.3)) headers.splice(random.integer(headers.length + 1), 1, odd);
    else headers.push(odd);
  }
  if (chance(random, 0.1))
    for (let i = random.integer(60); i > 0; i--)
      headers.push([`x-${i}`, randomBytes(random, 8).toString("hex")]);
  if (chance(random, 0.1)) headers.push(["x-long", "y".repeat(random.integer(4_000))]);
  // A body that says it is compressed, and is not, or not whole.
  const body = chance(random, 0.1) ? bomb(random) : message.body;
  return { ...message, headers, body };
}

let zeros: Buffer | undefined;

/** 64 MB of zeros in 64 kB, or a piece of it. */
function bomb(random: Random): Buffer {
  zeros ??= gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  return chance(random, 0.02) ? zeros : zeros.subarray(0, 1 + random.integer(2_000));
}

const METHODS = [
  "GET",
  "HEAD",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "SEARCH",
  "PURGE",
  "QUERY",
];
const SEGMENTS = [
  "..",
  "%2e%2e",
  "%00",
  "%",
  "%ff",
  "%E0%A4%A",
  "clicked",
  "CLICKED",
  "versions",
  "0",
  "1",
  "99999999999",
  "labels",
];
const VERBS = [
  ":predict",
  ":frobnicate",
  ":classify",
  ":regress",
  ":recommend",
  ":",
  "::predict",
  ":PREDICT",
  "/infer",
  "/ready",
  "/stats",
  "?",
  "#",
  "?model=",
  "?version=%",
];

function withDamagedTarget(random: Random, message: Message): Message {
  const method = chance(random, 0.4) ? pick(random, METHODS) : message.method;
  const body = method === "GET" && chance(random, 0.7) ? Buffer.alloc(0) : message.body;
  return {
    ...message,
    method,
    body,
    path: damagedPath(random, chance(random, 0.5) ? message.path : pick(random, paths)),
  };
}

function damagedPath(random: Random, path: string): string {
  switch (random.integer(8)) {
    case 0:
      return path;
    case 1:
      return `${path}${pick(random, VERBS)}`;
    case 2:
      return path.replace(/(?<=[^/])\/?[^/]*$/, pick(random, VERBS));
    case 3:
      return `${path}/${"a".repeat(random.integer(3_000))}`;
    case 4:
      return `http://elsewhere.example${path}`;
    case 5:
      return path.slice(0, 1 + random.integer(path.length));
    default: {
      const segments = path.split("/");
      return `/${segments.with(random.integer(segments.length), pick(random, SEGMENTS)).join("/").replace(/^\/+/, "")}`;
    }
  }
}

function written(random: Random, { method, path, headers, body }: Message): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, "host: slipway"];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (chance(random, 0.15)) {
    lines.push("transfer-encoding: chunked");
    return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), chunked(random, body)]);
  }
  lines.push(`content-length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

export function chunked(random: Random, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const chunk = body.subarray(at, at + 1 + random.integer(Math.max(16, body.length)));
    const extension = chance(random, 0.1) ? ";name=value" : "";
    parts.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk, Buffer.from("\r\n"));
    at += chunk.length;
  }
  parts.push(Buffer.from(chance(random, 0.1) ? "0\r\nx-trailer: 1\r\n\r\n" : "0\r\n\r\n"));
  return Buffer.concat(parts);
}

/** Bytes after which the server can no longer tell where a request ends: the last on a connection. */
export function brokenFraming(random: Random, answers: readonly KnownAnswer[]): Buffer {
  const whole = goodRequest(random, answers).bytes;
  const head = "POST /v1/models/clicked:predict HTTP/1.1\r\nhost: a\r\n";
  switch (random.integer(12)) {
    case 0:
    case 1:
      return damageBytes(random, whole);
    case 2:
      return whole.subarray(0, random.integer(whole.length));
    case 3:
      return randomBytes(random, 1 + random.integer(400));
    case 4:
      return Buffer.from(`${head}content-length: ${pick(random, LENGTHS)}\r\n\r\n{"instances": []}`);
    case 5:
      return Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n${pick(random, CHUNKS)}`, "latin1");
    case 6:
      return Buffer.from(`${head}${pick(random, HEADER_LINES)}\r\n\r\n`, "latin1");
    case 7:
      return Buffer.from(`${pick(random, REQUEST_LINES)}\r\nhost: a\r\n\r\n`, "latin1");
    case 8:
      return Buffer.from(`${head}${"x-many: 1\r\n".repeat(100 + random.integer(3_000))}`);
    case 9:
      return pick(random, OTHER_PROTOCOLS);
    case 10:
      return Buffer.concat([whole, damageBytes(random, whole), whole]);
    default:
      return Buffer.concat(Array.from({ length: 8 }, () => damageBytes(random, whole)));
  }
}

const LENGTHS = [
  "-1",
  "1e3",
  "0x10",
  "99999999999",
  "9".repeat(30),
  "10, 10",
  "10\r\ncontent-length: 11",
  "",
  "17abc",
  "8388609",
];
const CHUNKS = [
  "zz\r\n",
  "-5\r\nhello\r\n",
  "ffffffffffffffffff\r\n",
  "5\r\nhello",
  "5\r\nhelloworld\r\n",
  "5;\0\r\nhello\r\n0\r\n\r\n",
  "0\r\nx",
  "1000000\r\n{",
  `5${" ".repeat(5_000)}\r\nhello\r\n0\r\n\r\n`,
];
const HEADER_LINES = [
  "no colon here",
  ": empty name",
  "bad name: 1",
  "x: \0",
  "x: a\r b",
  " folded: 1",
  "content-length: 3\r\ntransfer-encoding: chunked",
  "transfer-encoding: gzip",
  "transfer-encoding: chunked, chunked",
  "upgrade: websocket\r\nconnection: upgrade",
  "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABk",
  "expect: 100-continue\r\ncontent-length: 5",
  "connection: close\r\ncontent-length: 0",
  `x: ${"z".repeat(40_000)}`,
];
const REQUEST_LINES = [
  "GET / HTTP/9.9",
  "GET / HTTP/1.0",
  "GET",
  "GET /",
  "get / HTTP/1.1",
  "GET  /  HTTP/1.1",
  "CONNECT example.com:443 HTTP/1.1",
  "GET \u00e9\u0001 HTTP/1.1",
  "FROB / HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  `GET /${"a".repeat(30_000)} HTTP/1.1`,
  "\r\n\r\n\r\nGET /livez HTTP/1.1",
  "HTTP/1.1 200 OK",
];
const OTHER_PROTOCOLS: readonly Buffer[] = [
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"),
  Buffer.from([0x16, 0x03, 0x01, 0x00, 0xa5, 0x01, 0x00, 0x00, 0xa1, 0x03, 0x03]),
  Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
  Buffer.from("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n\r\n"),
  Buffer.from("*1\r\n$4\r\nPING\r\n"),
];
