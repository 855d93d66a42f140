import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeRemoteModel, openRemoteModel } from "./remote-model.ts";

type Reply =
  | { readonly status?: number; readonly body?: unknown; readonly text?: string }
  | "never"
  | "reset";

const METADATA = {
  name: "twice",
  platform: "test_double",
  inputs: [{ name: "x", datatype: "FP64", shape: [-1, 2] }],
  outputs: [{ name: "y", datatype: "FP64", shape: [-1] }],
};

/** A server that answers metadata, and calls as it is told. */
async function serve(reply: (body: { inputs: { data: (number | null)[]; shape: number[] }[] }) => Reply) {
  let calls = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    request.on("end", () => {
      const given = request.method === "GET" ? { body: METADATA } : reply(JSON.parse(text));
      if (request.method !== "GET") calls++;
      if (given === "never") return;
      if (given === "reset") {
        request.socket.destroy();
        return;
      }
      response.writeHead(given.status ?? 200).end(given.text ?? JSON.stringify(given.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls };
}

/** Sums the rows: what the model answers. */
const sums = ({ inputs: [x] }: { inputs: { data: (number | null)[]; shape: number[] }[] }): Reply => {
  const rows = x!.shape[0]!;
  const data = Array.from(
    { length: rows },
    (_, row) => (x!.data[row * 2] ?? -1) + (x!.data[row * 2 + 1] ?? -1),
  );
  return { body: { outputs: [{ name: "y", datatype: "FP64", shape: [rows], data }] } };
};

async function open(addresses: readonly string[], more: object = {}) {
  const spec = {
    format: "slipway.remote/1",
    protocol: "v2",
    addresses,
    model: "twice",
    timeoutMs: 300,
    ...more,
  };
  const { bytes, producer } = await describeRemoteModel(Buffer.from(JSON.stringify(spec)));
  const model = openRemoteModel(bytes);
  onTestFinished(() => model.close());
  const ask = async (...records: { x: readonly (number | null)[] }[]) =>
    Array.from(
      (
        await model.predict(records, ({ error }) => {
          throw error;
        })
      ).outputs,
    );
  return { model, producer, ask };
}

describe("a model at another server", () => {
  it("has the interface that its server describes, and answers all records by one call", async () => {
    const server = await serve(sums);
    const { model, producer, ask } = await open([server.address]);
    expect(producer).toBe("test_double");
    expect(model.signature).toEqual({
      inputs: [{ name: "x", type: "float", required: true, shape: [2] }],
      output: { name: "y", task: "regression" },
    });
    expect(await ask({ x: [0.1, 0.2] }, { x: [1, null] }, { x: [1e300, -5] })).toEqual([0.1 + 0.2, 0, 1e300]);
    expect(server.calls()).toBe(1);
    await expect(ask({ x: [1] })).rejects.toMatchObject({ code: "INFERENCE_BAD_TENSOR" });
  });

  it.each([
    ["is slow", "never"],
    ["breaks the connection", "reset"],
    ["is overloaded", { status: 503, body: { error: "busy" } }],
  ] as const)("is asked at another address when one %s", async (_what, reply) => {
    const failing = await serve(() => reply);
    const good = await serve(sums);
    const { ask } = await open([failing.address, good.address]);
    for (let at = 0; at < 4; at++) expect(await ask({ x: [at, 1] })).toEqual([at + 1]);
    expect(failing.calls()).toBe(2);
  });

  it("does not ask an address that failed five times in a row, and says so when there is no other", async () => {
    const failing = await serve(() => "reset");
    const { ask } = await open([failing.address]);
    for (let at = 0; at < 8; at++)
      await expect(ask({ x: [1, 1] })).rejects.toMatchObject({
        code: "INFERENCE_REMOTE_UNAVAILABLE",
        retryable: true,
        message: expect.stringContaining(failing.address),
      });
    expect(failing.calls()).toBe(5);
    await expect(ask({ x: [1, 1] })).rejects.toThrow("is not asked for a while");
  });

  it("is not asked again elsewhere when it refuses or fails, and its reason is passed on", async () => {
    const refusing = await serve(() => ({ status: 400, body: { error: "x is too large" } }));
    const other = await serve(sums);
    const refused = await open([refusing.address, other.address]);
    await expect(refused.ask({ x: [1, 1] })).rejects.toMatchObject({
      code: "INFERENCE_REMOTE_REFUSED",
      message: expect.stringContaining("x is too large"),
    });
    expect(other.calls()).toBe(0);
    const failing = await serve(() => ({ status: 500, text: "<html>" }));
    await expect((await open([failing.address])).ask({ x: [1, 1] })).rejects.toMatchObject({
      code: "INFERENCE_REMOTE_FAILED",
      details: { status: 500 },
    });
  });

  it.each([
    ["no JSON", { text: "{" }],
    ["no outputs", { body: {} }],
    ["another output", { body: { outputs: [{ name: "z", shape: [1], data: [1] }] } }],
    ["too few values", { body: { outputs: [{ name: "y", shape: [1], data: [] }] } }],
    ["texts", { body: { outputs: [{ name: "y", shape: [1], data: ["1"] }] } }],
  ] as const)("refuses an answer with %s", async (_what, reply) => {
    const server = await serve(() => reply);
    const { ask } = await open([server.address]);
    await expect(ask({ x: [1, 1] })).rejects.toMatchObject({ code: "INFERENCE_REMOTE_BAD_ANSWER" });
  });

  it.each([
    [{ protocol: "v3" }, "protocol"],
    [{ addresses: [] }, "addresses"],
    [{ addresses: ["ftp://a"] }, "addresses[0]"],
    [{ addresses: ["http://me:hunter2@a"] }, "addresses[0]"],
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ retries: 3 }, "retries"],
  ])("is not opened by a description with %j", async (wrong, field) => {
    const spec = {
      format: "slipway.remote/1",
      protocol: "v2",
      addresses: ["http://127.0.0.1:1"],
      model: "m",
    };
    const described = describeRemoteModel(Buffer.from(JSON.stringify({ ...spec, ...wrong })));
    await expect(described).rejects.toMatchObject({ code: "INFERENCE_BAD_MODEL_FILE", details: { field } });
    await expect(described).rejects.not.toThrow("hunter2");
  });
});
