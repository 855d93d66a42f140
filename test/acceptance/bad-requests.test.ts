import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { type RunningServer, slipwayJson, slipwayUp } from "./command.ts";
import { goodRecord, smallProject } from "./small-project.ts";

const project = smallProject("bad-requests");
const cwd = project.path;
let server: RunningServer;

beforeAll(async () => {
  await slipwayJson(["train"], { cwd });
  server = await slipwayUp({ cwd });
});
afterAll(async () => {
  await server.stop();
  project.remove();
});

interface Answer {
  readonly status: number;
  readonly id: string | undefined;
  readonly body: { readonly error?: string; readonly code?: string; readonly details?: object };
}

/** Sends exactly these bytes; `fetch` would correct some of them. */
function post(path: string, body: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.predictions}${path}`, { method: "POST" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => {
        const id = response.headers["x-slipway-prediction-id"];
        resolve({
          status: response.statusCode ?? 0,
          id: typeof id === "string" ? id : undefined,
          body: JSON.parse(text) as Answer["body"],
        });
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

const V1 = "/v1/models/clicked:predict";
const V2 = "/v2/models/clicked/infer";
const v1 = (...instances: readonly unknown[]): string => JSON.stringify({ instances });
const tensors = [
  { name: "at", datatype: "BYTES", shape: [1], data: [goodRecord.at] },
  { name: "site", datatype: "BYTES", shape: [1], data: [goodRecord.site] },
  { name: "price", datatype: "FP64", shape: [1], data: [goodRecord.price] },
  { name: "position", datatype: "INT64", shape: [1], data: [goodRecord.position] },
];
const v2With = (name: string, change: object): string =>
  JSON.stringify({
    inputs: tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor)),
  });

interface Case {
  readonly title: string;
  readonly path?: string;
  readonly body: string | Buffer;
  readonly status?: number;
  readonly code: string;
  readonly says?: readonly string[];
  readonly details?: object;
}

const { price: _, ...withoutPrice } = goodRecord;

const cases: readonly Case[] = [
  { title: "empty", body: "", code: "WIRE_EMPTY_BODY" },
  { title: "empty, V2", path: V2, body: "", code: "WIRE_EMPTY_BODY" },
  { title: "not JSON", body: "price=3", code: "WIRE_NOT_JSON", says: ["price=3"] },
  { title: "half a JSON", body: v1(goodRecord).slice(0, -5), code: "WIRE_NOT_JSON" },
  { title: "not UTF-8", body: Buffer.from([0x7b, 0xff, 0x7d]), code: "WIRE_NOT_JSON", says: ["UTF-8"] },
  {
    title: "10 MB",
    body: JSON.stringify({ instances: Array.from({ length: 130_000 }, () => goodRecord) }),
    status: 413,
    code: "HTTP_BODY_TOO_LARGE",
    says: ["8388608"],
  },
  {
    title: "10 MB, V2",
    path: V2,
    body: " ".repeat(10_000_000),
    status: 413,
    code: "HTTP_BODY_TOO_LARGE",
  },
  {
    title: "nested 200,000 deep",
    body: `{"instances": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    code: "WIRE_TOO_DEEP",
    says: ["32"],
  },
  { title: "a bare number", body: "3", code: "WIRE_BAD_REQUEST", says: ["instances"] },
  { title: "null", body: "null", code: "WIRE_BAD_REQUEST", says: ["instances"] },
  { title: "an empty object", body: "{}", code: "WIRE_BAD_REQUEST", says: ["neither"] },
  { title: "no instances", body: v1(), code: "WIRE_BAD_REQUEST", says: ["instances", "empty"] },
  { title: "instances that are no list", body: '{"instances": {}}', code: "WIRE_BAD_REQUEST" },
  {
    title: "an instance that is no object",
    body: v1(goodRecord, 3),
    code: "WIRE_BAD_REQUEST",
    says: ["instance 1", "not a number"],
  },
  {
    title: "instances and inputs",
    body: '{"instances": [], "inputs": {}}',
    code: "WIRE_BAD_REQUEST",
    says: ["both"],
  },
  {
    title: "columns of different lengths",
    body: JSON.stringify({
      inputs: { at: [goodRecord.at], site: ["mail", "news"], price: [1], position: [1] },
    }),
    code: "WIRE_BAD_REQUEST",
    says: ['"site"', "2 values"],
  },
  {
    title: "a missing field",
    body: v1(goodRecord, withoutPrice),
    code: "SERVING_BAD_INSTANCE",
    says: ["clicked", "instance 1", '"price"'],
    details: { model: "clicked", instance: 1, field: "price" },
  },
  {
    title: "a field of another type",
    body: v1({ ...goodRecord, price: "2.45" }),
    code: "SERVING_BAD_INSTANCE",
    says: ["clicked", "instance 0", '"price"'],
    details: { instance: 0, field: "price" },
  },
  {
    title: "a time that is none",
    body: v1({ ...goodRecord, at: "yesterday" }),
    code: "SERVING_BAD_INSTANCE",
    says: ['"at"'],
  },
  {
    title: "an object for a value",
    body: v1({ ...goodRecord, site: {} }),
    code: "SERVING_BAD_INSTANCE",
    says: ['"site"'],
  },
  { title: "NaN", body: '{"instances": [{"price": NaN}]}', code: "WIRE_NOT_JSON" },
  {
    title: "a number that is infinite as a double",
    body: v1(goodRecord).replace("2.45", "1e999"),
    code: "SERVING_BAD_INSTANCE",
    says: ['"price"'],
  },
  {
    title: "an integer that a double cannot hold",
    body: v1(goodRecord).replace('"position":3', '"position":9007199254740993'),
    code: "WIRE_INEXACT_INTEGER",
    says: ["9007199254740993", '"position"'],
  },
  {
    title: "an integer that a double cannot hold, V2",
    path: V2,
    body: v2With("position", { data: [-1] }).replace("[-1]", "[123456789012345678901234567890]"),
    code: "WIRE_INEXACT_INTEGER",
    says: ["123456789012345678901234567890", '"position"'],
  },
  {
    title: "half an integer",
    body: v1({ ...goodRecord, position: 2.5 }),
    code: "SERVING_BAD_INSTANCE",
    says: ['"position"'],
  },
  { title: "no inputs, V2", path: V2, body: "{}", code: "WIRE_BAD_REQUEST", says: ["inputs"] },
  {
    title: "a tensor of the wrong datatype",
    path: V2,
    body: v2With("price", { datatype: "BYTES" }),
    code: "WIRE_BAD_REQUEST",
    says: ['"price"', "FP64"],
  },
  {
    title: "a tensor whose shape and data differ",
    path: V2,
    body: v2With("price", { shape: [2] }),
    code: "WIRE_BAD_REQUEST",
    says: ['"price"', "[2]"],
  },
  {
    title: "a tensor that is missing",
    path: V2,
    body: JSON.stringify({ inputs: tensors.slice(1) }),
    code: "WIRE_BAD_REQUEST",
    says: ['"at"'],
  },
];

describe("a request that cannot be answered is refused with what is wrong and where", () => {
  for (const { title, path = V1, body, status = 400, code, says = [], details } of cases) {
    it(title, async () => {
      const answer = await post(path, body);
      expect(answer).toMatchObject({ status, body: { code } });
      expect(answer.id).toBeUndefined();
      for (const part of says) expect(answer.body.error).toContain(part);
      if (details !== undefined) expect(answer.body.details).toMatchObject(details);
    });
  }

  it("and none of them was logged or harmed the worker", async () => {
    const good = await post(V1, v1(goodRecord));
    expect(good.status).toBe(200);
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
    expect(replayed).toMatchObject({ predictions: 1, identical: 1 });
    const { processes } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd });
    expect(processes.map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
  });

  it("fields that the model does not read are ignored, whatever they are called", async () => {
    const plain = await post(V1, v1(goodRecord));
    const more = v1({ ...goodRecord, constructor: 1, clicked: 1 }).replace(
      '{"at"',
      '{"__proto__":{"price":99},"at"',
    );
    const answer = await post(V1, more);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(plain.body);
  });
});
