import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { FeedbackIntake } from "../feedback/index.ts";
import { sleep } from "../kernel/index.ts";
import type { DataPlane } from "../serving/index.ts";
import type { MetricSample, RequestObserver } from "../telemetry/index.ts";
import { httpErrors } from "./errors.ts";
import { Exchange, type ExchangeSettings } from "./exchange.ts";
import { closeIdleConnections } from "./idle-connections.ts";
import { observeRequest } from "./observed-response.ts";
import { sendError } from "./prediction-answer.ts";
import { PredictionMessage } from "./prediction-message.ts";
import { ownExposition, serverSamples } from "./prediction-metrics.ts";
import { PredictionRouter } from "./prediction-routes.ts";
import { ReadingBrake } from "./reading-brake.ts";
import { RefusalCounter } from "./refusal-counter.ts";

/** Bounds on what one client can make a worker do. */
export interface PredictionLimits {
  /** Longest body. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** Deepest nesting of lists and objects in a body. Default 32. */
  readonly maxJsonDepth: number;
  /** Refuse fields that the model does not read. Default false: they are ignored. */
  readonly refuseUnknownFields: boolean;
  /** How long an answer is waited for when a request does not say. Default 30 s. */
  readonly timeoutMs: number;
  /** Longest time for a request's headers to arrive. Default 10 s. */
  readonly headersTimeoutMs: number;
  /** Longest time for a whole request to arrive. Default 30 s. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. Default 65 s, longer than the usual load balancer. */
  readonly keepAliveTimeoutMs: number;
  /** Longest headers. Default 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Most open connections; more are refused. Default 20,000. */
  readonly maxConnections: number;
}

const DEFAULT_LIMITS: PredictionLimits = {
  maxBodyBytes: 1024 * 1024,
  maxJsonDepth: 32,
  refuseUnknownFields: false,
  timeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 20_000,
};

/** An address, or a listening handle that another process bound: a `net.Server` or what it wraps. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly handle: object };

export interface PredictionServerOptions {
  readonly dataPlane: DataPlane;
  /** Takes what comes to `/v1/feedback`; without it nothing answers there. */
  readonly feedback?: FeedbackIntake;
  readonly listen: ListenTarget;
  readonly limits?: Partial<PredictionLimits>;
  /** Answered as `name` and `version` of the server's metadata. Default `slipway` and an empty text. */
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** What `/metrics` answers, for all workers of the machine. Default: the numbers of this server alone. */
  readonly metrics?: () => Promise<string>;
  /** Watches requests for the access log and for traces. Default: nobody does. */
  readonly observer?: RequestObserver | undefined;
  /** Told of errors that nobody foresaw; their requests are answered with status 500. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void;
}

export interface PredictionServer {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly address: string;
  load(): ServerLoad;
  /** Its metrics and those of its data plane. */
  samples(): MetricSample[];
  /** The next so many answers close their connections, so that their clients connect anew, to any worker. */
  releaseConnections(count: number): void;
  /**
   * Stops accepting connections and drains: for `drainMs` every client that sends a request gets its answer with
   * `connection: close`, then idle connections are closed, and after `graceMs` more all others.
   */
  close(options?: { readonly drainMs?: number; readonly graceMs?: number }): Promise<void>;
}

/** What a server has in hand. */
export interface ServerLoad {
  /** Requests of every kind since it started. */
  readonly requests: number;
  /** Requests whose headers have arrived and that are not answered. */
  readonly inFlight: number;
  readonly connections: number;
  /** Connections that are not read from for the moment, so that their clients send more slowly. */
  readonly stopped: number;
}

const DEFAULT_DRAIN_MS = 1_000;
const DEFAULT_GRACE_MS = 5_000;

/**
 * Serves predictions over HTTP/1.1: TensorFlow Serving and KServe V1, Open Inference Protocol V2, feedback, health and metrics.
 * Nothing can be managed here.
 *
 * @throws HTTP_CANNOT_LISTEN
 */
export async function startPredictionServer(options: PredictionServerOptions): Promise<PredictionServer> {
  const { dataPlane, observer } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const refusals = new RefusalCounter(dataPlane);
  let closing = false;
  let releasing = 0;
  const settings: ExchangeSettings = {
    queue: dataPlane.queue,
    maxBodyBytes: limits.maxBodyBytes,
    timeoutMs: limits.timeoutMs,
    refusals,
    onDefect: options.onDefect ?? warn,
    closing: () => closing,
    closesConnection: () => closing || (releasing > 0 && releasing-- > 0),
  };
  let requests = 0;
  let inFlight = 0;
  let connections = 0;
  const brake = new ReadingBrake();
  dataPlane.queue.attach(brake);
  const answered = () => {
    inFlight--;
  };
  const take = (request: PredictionMessage, response: ServerResponse): void => {
    requests++;
    inFlight++;
    if (observer !== undefined) observeRequest(observer, request, response);
    response.once("close", answered);
    try {
      serve(request, response);
    } catch (thrown) {
      sendError(response, thrown, settings);
    }
  };
  const load = (): ServerLoad => ({ requests, inFlight, connections, stopped: brake.stopped });
  const samples = (): MetricSample[] => [
    ...serverSamples({ dataPlane, feedback: options.feedback, load: load() }),
    ...(observer?.samples() ?? []),
  ];
  const router = new PredictionRouter({
    dataPlane,
    metrics: options.metrics ?? (async () => ownExposition(dataPlane, samples())),
    feedback: options.feedback,
    settings,
    limits: { maxDepth: limits.maxJsonDepth, refuseUnknownFields: limits.refuseUnknownFields },
    serverName: options.serverName ?? "slipway",
    serverVersion: options.serverVersion ?? "",
  });
  const server = createServer(
    {
      IncomingMessage: PredictionMessage,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      // Idle connections are closed by a sweep, see idle-connections.ts.
      keepAliveTimeout: 0,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs, limits.requestTimeoutMs),
      maxHeaderSize: limits.maxHeaderBytes,
      noDelay: true,
    },
    take,
  );
  // An expectation that nobody knows may be ignored (RFC 9110, 10.1.1); node:http would answer 417 without a reason.
  server.on("checkExpectation", take);
  server.maxConnections = limits.maxConnections;
  const idleConnections = closeIdleConnections(limits.keepAliveTimeoutMs);
  server.on("connection", (socket: Socket) => {
    connections++;
    socket.once("close", () => {
      connections--;
    });
    idleConnections.watch(socket);
    brake.watch(socket);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
    refuseMalformed(error, socket, refusals),
  );

  function serve(request: PredictionMessage, response: ServerResponse): void {
    const route = router.find(request.method ?? "", request.url ?? "");
    const { headers } = request;
    if (route.method === "GET") {
      route.answer(NO_BODY, { response, headers, since: 0, deadline: 0 });
      return;
    }
    if (route.needs !== undefined) response.once("close", dataPlane.hold(route.needs));
    request.collect(limits.maxBodyBytes, new Exchange(route, { response, headers }, settings));
  }

  await listen(server, options.listen);
  const bound = server.address() as AddressInfo;
  const host = bound.address;
  return {
    host,
    port: bound.port,
    address: host.includes(":") ? `http://[${host}]:${bound.port}` : `http://${host}:${bound.port}`,
    load,
    samples,
    releaseConnections: (count) => {
      releasing = Math.min(count, connections);
    },
    close: async ({ drainMs = DEFAULT_DRAIN_MS, graceMs = DEFAULT_GRACE_MS } = {}) => {
      closing = true;
      const closed = new Promise<void>((resolve) => {
        // http.Server.close would cut idle connections at once, and with them requests that are on their way.
        NetServer.prototype.close.call(server, () => resolve());
      });
      const patience = new AbortController();
      await Promise.race([closed, sleep(drainMs, patience.signal)]);
      server.closeIdleConnections();
      await Promise.race([closed, sleep(graceMs, patience.signal)]);
      patience.abort();
      server.closeAllConnections();
      await closed;
      idleConnections.stop();
      dataPlane.queue.detach(brake);
    },
  };
}

const NO_BODY = Buffer.alloc(0);

function listen(server: Server, target: ListenTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      const where = "handle" in target ? "the handle" : `${target.host}:${target.port}`;
      reject(httpErrors.HTTP_CANNOT_LISTEN.error(`cannot listen on ${where}: ${cause.message}`, { cause }));
    };
    server.once("error", fail);
    const ready = () => {
      server.off("error", fail);
      resolve();
    };
    if ("handle" in target) server.listen(target.handle, ready);
    else server.listen({ host: target.host, port: target.port, backlog: 1024 }, ready);
  });
}

/** Answers what is no HTTP request, then closes. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket, refusals: RefusalCounter): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, reason] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the headers are too long"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request did not arrive in time"]
        : ["400 Bad Request", "this is not an HTTP request"];
  const { code } = httpErrors.HTTP_MALFORMED;
  refusals.count("", { code, status: status.slice(0, 3) });
  const text = JSON.stringify({ error: reason, code });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
  );
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: "SLIPWAY_DEFECT" });
}
