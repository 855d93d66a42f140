import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHttpClient } from "./index.ts";

async function answering(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return clientOf((server.address() as AddressInfo).port);
}

const clientOf = (port: number) =>
  createHttpClient({ address: `http://127.0.0.1:${port}/`, token: "t".repeat(16), actor: "ada" });

describe("the HTTP client", () => {
  it("says that nothing listens, where, and what to do", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(clientOf(port).call("status", {})).rejects.toMatchObject({
      code: "CLIENT_UNREACHABLE",
      kind: "unavailable",
      message: expect.stringContaining(`http://127.0.0.1:${port} (connect ECONNREFUSED`),
      hint: expect.stringContaining("slipway up"),
    });
  });

  it.each([
    ["a page", "text/html", "<html>", "it sent text/html"],
    ["lines that are not JSON", "application/x-ndjson", "hello\n", "a line that is not JSON"],
    ["lines of another protocol", "application/x-ndjson", '{"hello":1}\n', "a line of an unknown form"],
    ["a result of another shape", "application/x-ndjson", '{"result":{"models":3}}\n', "models"],
  ])("does not take %s for an answer", async (_what, type, body, message) => {
    const client = await answering((_request, response) =>
      response.writeHead(200, { "content-type": type }).end(body),
    );
    await expect(client.call("models.list", {})).rejects.toMatchObject({
      code: "CLIENT_BAD_ANSWER",
      message: expect.stringContaining(message),
    });
  });

  it("does not follow redirects, which would carry the token elsewhere", async () => {
    let requests = 0;
    const client = await answering((_request, response) => {
      requests++;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    await expect(client.call("stop", {})).rejects.toMatchObject({ code: "CLIENT_UNREACHABLE" });
    expect(requests).toBe(1);
  });

  it("says when the connection ends before the result", async () => {
    const client = await answering((_request, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.write('{"progress":{"kind":"note","text":"hello"}}\n', () => response.destroy());
    });
    await expect(client.call("stop", {})).rejects.toMatchObject({ code: "CLIENT_CUT_OFF", retryable: true });
    const emptyHanded = await answering((_request, response) =>
      response.writeHead(200, { "content-type": "application/x-ndjson" }).end("{}\n\n"),
    );
    await expect(emptyHanded.call("stop", {})).rejects.toMatchObject({ code: "CLIENT_CUT_OFF" });
  });

  it("reads lines wherever the network cuts them", async () => {
    const text = '{"progress":{"kind":"note","text":"grüße"}}\n{"result":{"stopping":true}}';
    const client = await answering(async (_request, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const notes: string[] = [];
    const result = await client.call(
      "stop",
      {},
      {
        onProgress: (event) => event.kind === "note" && notes.push(event.text),
      },
    );
    expect(result).toEqual({ stopping: true });
    expect(notes).toEqual(["grüße"]);
  });
});
