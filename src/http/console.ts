import type { IncomingMessage, Server, ServerResponse } from "node:http";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Clock, SlipwayError } from "../kernel/index.ts";
import {
  type ControlHandlers,
  controlOperations,
  type OperationName,
  parseOperationInput,
  parseOperationName,
} from "../wire/index.ts";
import { asSlipwayError, sendError, startAnswer } from "./console-answer.ts";
import { createTokenCheck, refuseHost, refuseOrigin } from "./console-guards.ts";
import { consolePage } from "./console-page.ts";
import { httpErrors } from "./errors.ts";

/** Inputs of operations are a few fields; the few that hold more say so. */
const MAX_BODY_BYTES = 256 * 1024;
const MAX_ACTOR_LENGTH = 100;

export interface ConsoleOptions {
  readonly handlers: ControlHandlers;
  /** Bearer token that every operation asks for. */
  readonly token: string;
  readonly listen: { readonly host: string /** 0 takes a free one. */; readonly port: number };
  /** Host names to answer to besides the console's own address. */
  readonly allowedHosts: readonly string[];
  readonly clock: Clock;
  /** Receives errors nobody foresaw, with the operation they came from. */
  readonly onUnexpectedError: (error: unknown, operation: OperationName) => void;
}

export interface Console {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:4700` */
  readonly url: string;
  /** Takes no new calls, aborts those in hand, and resolves when all are answered. */
  close(): Promise<void>;
}

/**
 * The console port: `POST /api/v1/<operation>`, `GET /livez`, and a page that says what this is. Every request must
 * name a host the console answers to; calls need the token and may not come from pages of other origins.
 *
 * @throws HTTP_CANNOT_LISTEN
 */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const closing = new AbortController();
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: "idle",
    requestTimeout: 30_000,
  });
  addGuards(server, options);
  addRoutes(server, { ...options, closing: closing.signal });
  const address = await listen(server, options.listen);
  return {
    ...address,
    close: async () => {
      closing.abort(httpErrors.HTTP_CLOSING.error("the server is shutting down"));
      await server.close();
    },
  };
}

function addGuards(server: FastifyInstance, { token, listen, allowedHosts }: ConsoleOptions): void {
  const refuseToken = createTokenCheck(token);
  const hostRule = { listenHost: listen.host, allowedHosts };
  server.addHook("onRequest", async (request, reply) => {
    const { host, origin, authorization } = request.headers;
    const caller = { host, origin, authorization };
    const refusal =
      refuseHost(host, hostRule) ??
      refuseOrigin(caller) ??
      (asksForToken(request) ? refuseToken(authorization) : undefined);
    if (refusal) refuse(reply, refusal);
  });
}

/** Liveness answers anybody, but not to a token of another server: so a command sees that it found the wrong one. */
function asksForToken({ url, headers }: FastifyRequest): boolean {
  return url.startsWith("/api/") || (url === "/livez" && headers.authorization !== undefined);
}

function addRoutes(
  server: FastifyInstance,
  options: ConsoleOptions & { readonly closing: AbortSignal },
): void {
  const startedAt = options.clock();
  // The one body there is, an operation's input, is JSON and declared as JSON: a page of another origin can send
  // plain text or a form without asking first, but not this.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
    done(null, body),
  );
  server.get("/livez", async () => ({ status: "live", uptimeMs: options.clock() - startedAt }));
  server.get("/", async (_request, reply) =>
    reply
      .header("content-type", "text/html; charset=utf-8")
      .header(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      )
      .send(consolePage()),
  );
  const call = async (name: string, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const operation = parseOperationName(name);
    const input = parseOperationInput(operation, parseBody(request.body));
    await answer({ ...options, operation, input, request, reply });
  };
  server.post<{ Params: { operation: string } }>("/api/v1/:operation", (request, reply) =>
    call(request.params.operation, request, reply),
  );
  for (const [name, bodyLimit] of largestInputs()) {
    server.post(`/api/v1/${name}`, { bodyLimit }, (request, reply) => call(name, request, reply));
  }
  server.setNotFoundHandler((request, reply) => {
    refuse(
      reply,
      httpErrors.HTTP_NO_SUCH_PATH.error(
        `nothing answers to ${request.method} ${request.url.slice(0, 200)}`,
        {
          hint: "operations are called as POST /api/v1/<operation>",
        },
      ),
    );
  });
  server.setErrorHandler((error, request, reply) =>
    refuse(reply, translateFrameworkError(error, request.routeOptions.bodyLimit ?? MAX_BODY_BYTES)),
  );
}

/** Operations that take more than the usual few bytes. */
function largestInputs(): (readonly [name: string, bytes: number])[] {
  return Object.entries(controlOperations).flatMap(([name, operation]) =>
    "largestInput" in operation ? [[name, operation.largestInput] as const] : [],
  );
}

interface Call<Name extends OperationName = OperationName> {
  readonly handlers: ControlHandlers;
  readonly onUnexpectedError: ConsoleOptions["onUnexpectedError"];
  readonly closing: AbortSignal;
  readonly operation: Name;
  readonly input: Parameters<ControlHandlers[Name]>[0];
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function answer<Name extends OperationName>(call: Call<Name>): Promise<void> {
  const { handlers, operation, input, request, reply } = call;
  reply.hijack();
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort(new Error("the caller went away")));
  const stream = startAnswer(reply.raw);
  try {
    const context = {
      actor: actorOf(request.raw),
      signal: AbortSignal.any([gone.signal, call.closing]),
      onProgress: stream.onProgress,
    };
    stream.succeed(await handlers[operation](input, context));
  } catch (error) {
    if (!(error instanceof SlipwayError) && !gone.signal.aborted) call.onUnexpectedError(error, operation);
    stream.fail(asSlipwayError(error));
  }
}

/** What the caller says of itself: everybody who has the token may say anything, the journal records it as said. */
function actorOf(request: IncomingMessage): string {
  const header = request.headers["x-slipway-actor"];
  if (typeof header !== "string" || header === "") return "console";
  return decodeLeniently(header)
    .replace(/\p{Cc}/gu, " ")
    .slice(0, MAX_ACTOR_LENGTH);
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

function parseBody(body: unknown): unknown {
  if (typeof body !== "string" || body.trim() === "") {
    throw httpErrors.HTTP_NOT_JSON.error("the body is empty; an operation without fields takes {}");
  }
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw httpErrors.HTTP_NOT_JSON.error(
      `the body is not JSON: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

function translateFrameworkError(error: unknown, limit: number): SlipwayError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return httpErrors.HTTP_BODY_TOO_LARGE.error(`the body is larger than ${limit} bytes`, {
      details: { limit },
    });
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return httpErrors.HTTP_NOT_JSON.error("send the input as JSON, with content-type: application/json");
  }
  return asSlipwayError(error);
}

function refuse(reply: FastifyReply, error: SlipwayError): void {
  reply.hijack();
  sendError(reply.raw as ServerResponse, error);
}

async function listen(
  server: FastifyInstance<Server>,
  wanted: ConsoleOptions["listen"],
): Promise<{ host: string; port: number; url: string }> {
  try {
    await server.listen({ host: wanted.host, port: wanted.port });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why =
      code === "EADDRINUSE"
        ? "another program already listens there"
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw httpErrors.HTTP_CANNOT_LISTEN.error(
      `the console cannot listen on ${wanted.host}:${wanted.port}: ${why}`,
      {
        details: { host: wanted.host, port: wanted.port },
        hint: "stop what holds the port, or choose another with --console-port or SLIPWAY_CONSOLE_PORT",
        cause,
      },
    );
  }
  const address = server.server.address();
  const port = typeof address === "object" && address !== null ? address.port : wanted.port;
  const host = wanted.host;
  return { host, port, url: `http://${host.includes(":") ? `[${host}]` : host}:${port}` };
}
