import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHttpClient } from "../client/index.ts";
import { describeControlClient } from "../client/testing/control-client-contract.ts";
import { systemClock } from "../kernel/index.ts";
import type { ControlHandlers } from "../wire/index.ts";
import { type ConsoleOptions, startConsole } from "./console.ts";

const TOKEN = "0123456789abcdef-token";

const handlers = {
  "models.list": async () => ({ models: [] }),
  stop: async () => {
    throw new TypeError("x is not a function");
  },
} as Partial<ControlHandlers> as ControlHandlers;

async function start(options: Partial<ConsoleOptions> = {}) {
  const unexpected: string[] = [];
  const console = await startConsole({
    handlers,
    token: TOKEN,
    listen: { host: "127.0.0.1", port: 0 },
    allowedHosts: [],
    clock: systemClock,
    onUnexpectedError: (error, operation) => unexpected.push(`${operation}: ${error}`),
    ...options,
  });
  onTestFinished(console.close);
  return { console, unexpected };
}

describeControlClient("over HTTP", async ({ handlers, actor }) => {
  const console = await startConsole({
    handlers,
    token: TOKEN,
    listen: { host: "127.0.0.1", port: 0 },
    allowedHosts: [],
    clock: systemClock,
    onUnexpectedError: () => undefined,
  });
  return { client: createHttpClient({ address: console.url, token: TOKEN, actor }), close: console.close };
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/** Writes the request byte by byte as given: `fetch` would not let a Host header be forged. */
function send(
  port: number,
  { method = "POST", path = "/api/v1/models.list", headers = {}, body = "{}" }: Sent = {},
) {
  const all: Record<string, string | undefined> = {
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return new Promise<{ status: number; head: string; body: string }>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
    });
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", ...rest] = text.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), head, body: rest.join("\r\n\r\n") });
    });
  });
}

describe("the console port", () => {
  it("answers a caller with the token", async () => {
    const { console } = await start();
    const answer = await send(console.port);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('{"result":{"models":[]}}\n');
    expect(answer.head.toLowerCase()).not.toContain("access-control-allow-origin");
  });

  it.each([
    ["no token", undefined, "HTTP_TOKEN_MISSING"],
    ["an empty token", "Bearer ", "HTTP_TOKEN_MISSING"],
    ["another scheme", `Basic ${TOKEN}`, "HTTP_TOKEN_MISSING"],
    ["a wrong token", "Bearer 0123456789abcdef-tokem", "HTTP_TOKEN_WRONG"],
    ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`, "HTTP_TOKEN_WRONG"],
  ])("answers 401 to %s and says where the token is", async (_what, authorization, code) => {
    const { console } = await start();
    const answer = await send(console.port, { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.body).toContain(code);
    expect(answer.body).toContain("control.json");
    expect(answer.body).not.toContain(TOKEN);
  });

  it("asks for the token before it says which operations there are", async () => {
    const { console } = await start();
    const answer = await send(console.port, {
      path: "/api/v1/nonsense",
      headers: { authorization: undefined },
    });
    expect(answer.status).toBe(401);
  });

  it.each([
    ["a name that DNS may point anywhere", "evil.example:PORT"],
    ["a name that begins like ours", "localhost.evil.example:PORT"],
    ["a name that ends like ours", "evil-localhost:PORT"],
    ["an address of another machine", "192.0.2.1:PORT"],
    ["credentials before the host", "localhost@evil.example:PORT"],
  ])("refuses %s as Host, token or not", async (_what, host) => {
    const { console } = await start();
    for (const path of ["/api/v1/models.list", "/", "/livez"]) {
      const answer = await send(console.port, {
        path,
        headers: { host: host.replace("PORT", String(console.port)) },
      });
      expect([answer.status, answer.body]).toEqual([403, expect.stringContaining("HTTP_HOST_REFUSED")]);
    }
  });

  it.each(["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])("answers to the Host %s", async (name) => {
    const { console } = await start();
    expect((await send(console.port, { headers: { host: `${name}:${console.port}` } })).status).toBe(200);
  });

  it("answers to a name it was told of, such as a proxy's", async () => {
    const { console } = await start({ allowedHosts: ["Slipway.internal.example"] });
    expect((await send(console.port, { headers: { host: "slipway.internal.example" } })).status).toBe(200);
    expect((await send(console.port, { headers: { host: "other.internal.example" } })).status).toBe(403);
  });

  it("answers to addresses, not to names, when it listens beyond the loopback", async () => {
    const { console } = await start({ listen: { host: "0.0.0.0", port: 0 } });
    expect((await send(console.port, { headers: { host: `192.0.2.7:${console.port}` } })).status).toBe(200);
    expect((await send(console.port, { headers: { host: `[2001:db8::1]:${console.port}` } })).status).toBe(
      200,
    );
    expect((await send(console.port, { headers: { host: `evil.example:${console.port}` } })).status).toBe(
      403,
    );
  });

  it.each(["http://evil.example", "http://localhost:1", "null", "http://127.0.0.1"])(
    "refuses a page of %s, token or not",
    async (origin) => {
      const { console } = await start();
      const answer = await send(console.port, { headers: { origin } });
      expect([answer.status, answer.body]).toEqual([403, expect.stringContaining("HTTP_ORIGIN_REFUSED")]);
    },
  );

  it("takes calls from its own pages", async () => {
    const { console } = await start();
    expect((await send(console.port, { headers: { origin: console.url } })).status).toBe(200);
  });

  it("answers no preflight of another origin", async () => {
    const { console } = await start();
    const answer = await send(console.port, {
      method: "OPTIONS",
      headers: {
        origin: "http://evil.example",
        "access-control-request-method": "POST",
        authorization: undefined,
      },
      body: "",
    });
    expect(answer.status).toBe(403);
    expect(answer.head.toLowerCase()).not.toContain("access-control");
  });

  it.each([
    ["nothing", "", 400, "HTTP_NOT_JSON"],
    ["what is not JSON", "{model:1}", 400, "HTTP_NOT_JSON"],
    ["a list", "[]", 400, "WIRE_BAD_INPUT"],
    ["an unknown field", '{"limit":1}', 400, "WIRE_BAD_INPUT"],
    ["too much", JSON.stringify({ x: "x".repeat(300_000) }), 413, "HTTP_BODY_TOO_LARGE"],
    ["deep nesting", "[".repeat(50_000) + "]".repeat(50_000), 400, "WIRE_BAD_INPUT"],
  ])("refuses a body of %s", async (_what, body, status, code) => {
    const { console } = await start();
    const answer = await send(console.port, { body });
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(code)]);
  });

  it("takes a larger body where a file is in it", async () => {
    const { console } = await start();
    const file = { name: "model.txt", base64: "é".repeat(200_000) };
    const answer = await send(console.port, {
      path: "/api/v1/models.import",
      body: JSON.stringify({ model: "churn", file }),
    });
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining("base64 is wanted")]);
  });

  it("refuses bodies that a page could send without asking first", async () => {
    const { console } = await start();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", undefined]) {
      const answer = await send(console.port, { headers: { "content-type": type } });
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining("HTTP_NOT_JSON")]);
    }
  });

  it("names the operations there are when one is unknown", async () => {
    const { console } = await start();
    const answer = await send(console.port, { path: "/api/v1/constructor" });
    expect([answer.status, answer.body]).toEqual([404, expect.stringContaining("models.list")]);
    expect((await send(console.port, { path: "/api/v2/models.list" })).status).toBe(404);
    expect((await send(console.port, { method: "GET" })).status).toBe(404);
  });

  it("hands a defect's stack to its owner and only the message to the caller", async () => {
    const { console, unexpected } = await start();
    const answer = await send(console.port, { path: "/api/v1/stop" });
    expect([answer.status, answer.body]).toEqual([500, expect.stringContaining("HTTP_UNEXPECTED")]);
    expect(answer.body).not.toContain("console.test.ts");
    expect(unexpected).toEqual(["stop: TypeError: x is not a function"]);
  });

  it("shows a page and its liveness without a token", async () => {
    const { console } = await start();
    const page = await send(console.port, {
      method: "GET",
      path: "/",
      headers: { authorization: undefined },
    });
    expect(page.status).toBe(200);
    expect(page.body).toContain("Slipway");
    expect(page.body).not.toContain(TOKEN);
    const livez = await send(console.port, {
      method: "GET",
      path: "/livez",
      headers: { authorization: undefined },
    });
    expect(livez.body).toContain('"live"');
  });

  it("tells a caller with another server's token that it is the wrong one", async () => {
    const { console } = await start();
    const livez = (authorization: string) =>
      send(console.port, { method: "GET", path: "/livez", headers: { authorization } });
    expect((await livez(`Bearer ${TOKEN}`)).status).toBe(200);
    expect((await livez("Bearer 0123456789abcdef-other")).status).toBe(401);
  });

  it("says when its port is taken, and how to choose another", async () => {
    const { console } = await start();
    await expect(start({ listen: { host: "127.0.0.1", port: console.port } })).rejects.toMatchObject({
      code: "HTTP_CANNOT_LISTEN",
      message: expect.stringContaining(`127.0.0.1:${console.port}`),
      hint: expect.stringContaining("--console-port"),
    });
  });

  it("aborts what is in hand when it closes", async () => {
    const started = Promise.withResolvers<void>();
    const { console } = await start({
      handlers: {
        ...handlers,
        stop: (_input, { signal }) => {
          started.resolve();
          return new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason)),
          );
        },
      },
    });
    const answer = send(console.port, { path: "/api/v1/stop" });
    await started.promise;
    await console.close();
    expect((await answer).body).toContain("shutting down");
  });
});
