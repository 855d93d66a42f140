import { createServer, type Server as NetServer, type Socket } from "node:net";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import { sleep } from "../kernel/index.ts";
import type { DataPlane } from "../serving/index.ts";
import type { RequestObserver } from "../telemetry/index.ts";
import { grpcErrors } from "./errors.ts";
import { healthService } from "./health-service.ts";
import { inferenceDefinition, inferenceService } from "./inference-service.ts";
import { modelRules } from "./model-rules.ts";
import { healthProtocol } from "./protocols/health.ts";
import { tensorflowServingProtocol } from "./protocols/tensorflow-serving.ts";
import { serviceDefinition } from "./service-definition.ts";
import { modelService, predictionService } from "./tensorflow-services.ts";

export interface GrpcServerOptions {
  readonly dataPlane: DataPlane;
  /** An address, or a listening handle that another process bound. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly handle: object };
  /** Longest message. Default 8 MiB. */
  readonly maxMessageBytes?: number;
  /** How long an answer is waited for when a call has no deadline. Default 30 s. */
  readonly timeoutMs?: number;
  /** How long a connection is kept before its client is asked to connect anew, to any worker. Default 60 s. */
  readonly maxConnectionAgeMs?: number;
  /** Refuse inputs that the model does not read. Default false: they are ignored. */
  readonly refuseUnknownFields?: boolean;
  readonly serverName?: string;
  readonly serverVersion?: string;
  /** Watches calls for the access log and for traces. Default: nobody does. */
  readonly observer?: RequestObserver | undefined;
  /** Told of errors that nobody foresaw. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void;
}

export interface GrpcServer {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, lets calls in hand finish for `graceMs`, then closes all connections. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const DEFAULT_MESSAGE_BYTES = 8 * 1024 * 1024;
const DEFAULT_CONNECTION_AGE_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_GRACE_MS = 5_000;
/** On one connection; a client keeps further ones to itself until some are answered. */
const MAX_CONCURRENT_CALLS = 1_000;
const SERVICES = {
  inference: "inference.GRPCInferenceService",
  prediction: "tensorflow.serving.PredictionService",
  model: "tensorflow.serving.ModelService",
  health: "grpc.health.v1.Health",
} as const;

/**
 * Serves predictions over gRPC without encryption: Open Inference Protocol V2, TensorFlow Serving, and gRPC's health
 * checks. Nothing can be managed here.
 *
 * @throws GRPC_CANNOT_LISTEN
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { dataPlane, onDefect = warn } = options;
  // grpc-js writes a line to standard error for each header it cannot read: whoever may call could fill a disk.
  setLogVerbosity(logVerbosity.NONE);
  const closing = new AbortController();
  const context = {
    dataPlane,
    onDefect,
    observer: options.observer,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    rules: modelRules({ maxDepth: 1, refuseUnknownFields: options.refuseUnknownFields ?? false }),
  };
  const server = new Server({
    "grpc.max_receive_message_length": options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES,
    "grpc.max_send_message_length": -1,
    // Counts that nothing here reads, kept for every call.
    "grpc.enable_channelz": 0,
    "grpc.max_concurrent_streams": MAX_CONCURRENT_CALLS,
    "grpc.max_connection_age_ms": options.maxConnectionAgeMs ?? DEFAULT_CONNECTION_AGE_MS,
  });
  server.addService(
    inferenceDefinition(SERVICES.inference),
    inferenceService({
      ...context,
      protocol: "grpc_v2",
      serverName: options.serverName ?? "slipway",
      serverVersion: options.serverVersion ?? "",
    }),
  );
  server.addService(
    serviceDefinition(tensorflowServingProtocol, SERVICES.prediction),
    predictionService({ ...context, protocol: "grpc_tensorflow" }),
  );
  server.addService(
    serviceDefinition(tensorflowServingProtocol, SERVICES.model),
    modelService({ ...context, protocol: "grpc_tensorflow" }),
  );
  server.addService(
    serviceDefinition(healthProtocol, SERVICES.health),
    healthService({
      ...context,
      protocol: "grpc",
      services: Object.values(SERVICES),
      closing: closing.signal,
    }),
  );

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const acceptor = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A client that goes away is no defect; its calls end as cancelled.
    socket.on("error", () => undefined);
    injector.injectConnection(socket);
  });
  await listen(acceptor, options.listen);
  const { address, port } = acceptor.address() as { address: string; port: number };
  return {
    host: address,
    port,
    close: async ({ graceMs = DEFAULT_GRACE_MS } = {}) => {
      closing.abort();
      const closed = new Promise<void>((resolve) => acceptor.close(() => resolve()));
      injector.drain(graceMs);
      const patience = new AbortController();
      await Promise.race([closed, sleep(graceMs, patience.signal)]);
      patience.abort();
      for (const socket of sockets) socket.destroy();
      await closed;
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function listen(server: NetServer, target: GrpcServerOptions["listen"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      const where = "handle" in target ? "the handle" : `${target.host}:${target.port}`;
      reject(
        grpcErrors.GRPC_CANNOT_LISTEN.error(`cannot listen on ${where} for gRPC: ${cause.message}`, {
          cause,
        }),
      );
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

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: "SLIPWAY_DEFECT" });
}
