import type { Settings } from "../config/index.ts";
import type { GrpcServerOptions } from "../grpc/index.ts";
import type { PredictionLimits } from "../http/index.ts";
import type { DataPlaneOptions } from "../serving/index.ts";

/** Bounds on what the clients of a worker can make it do. */
export interface RequestLimits {
  readonly http: Partial<PredictionLimits>;
  readonly grpc: Pick<GrpcServerOptions, "maxMessageBytes" | "timeoutMs">;
  readonly dataPlane: Pick<DataPlaneOptions, "admission" | "maxInstances" | "maxOpenCalls">;
}

export function requestLimits(settings: Settings): RequestLimits {
  return {
    http: {
      maxBodyBytes: settings.maxBodyBytes,
      maxJsonDepth: settings.maxJsonDepth,
      maxHeaderBytes: settings.maxHeaderBytes,
      maxConnections: settings.maxConnections,
      timeoutMs: settings.requestTimeoutMs,
      headersTimeoutMs: settings.headersTimeoutMs,
      requestTimeoutMs: settings.bodyTimeoutMs,
      keepAliveTimeoutMs: settings.keepAliveMs,
    },
    grpc: { maxMessageBytes: settings.maxBodyBytes, timeoutMs: settings.requestTimeoutMs },
    dataPlane: {
      admission: { maxWaitMs: settings.maxQueueWaitMs, maxQueued: settings.maxQueuedRequests },
      maxInstances: settings.maxInstances,
      maxOpenCalls: settings.maxOpenCalls,
    },
  };
}
