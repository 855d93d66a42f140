import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { sleep } from "../kernel/index.ts";
import { answering, type CallContext, requestOf } from "./call-handlers.ts";
import { refusal } from "./call-status.ts";

interface HealthCheckRequest {
  readonly service: string;
}

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const WATCH_MS = 500;

export interface HealthOptions extends CallContext {
  /** Full names of the services that have a health; a model's name is one too. */
  readonly services: readonly string[];
  readonly closing: AbortSignal;
}

/** gRPC's health checking; the empty name is the server as a whole. */
export function healthService(options: HealthOptions): UntypedServiceImplementation {
  const { dataPlane, services, closing } = options;
  const statusOf = (service: string): number => {
    if (closing.aborted) return NOT_SERVING;
    if (service === "" || services.includes(service)) return dataPlane.ready() ? SERVING : NOT_SERVING;
    const model = dataPlane.models().find(({ name }) => name === service);
    if (model === undefined) return SERVICE_UNKNOWN;
    return model.ready ? SERVING : NOT_SERVING;
  };
  const check = answering<HealthCheckRequest>(options, ({ service }) => ({ status: statusOf(service) }));
  return {
    Check: (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
      const { service } = call.request as Partial<HealthCheckRequest>;
      if (service === undefined || statusOf(service) !== SERVICE_UNKNOWN) return check(call, callback);
      callback({
        code: status.NOT_FOUND,
        details: `there is no service "${service.slice(0, 200).toWellFormed()}"`,
      });
    },
    Watch: (call: ServerWritableStream<unknown, unknown>) => {
      watch(call, { statusOf, closing }).catch((error: unknown) => {
        call.emit("error", refusal(error, options));
      });
    },
  };
}

async function watch(
  call: ServerWritableStream<unknown, unknown>,
  { statusOf, closing }: { statusOf: (service: string) => number; closing: AbortSignal },
): Promise<void> {
  const { service } = requestOf<HealthCheckRequest>(call.request);
  let last: number | undefined;
  while (!call.cancelled) {
    const now = statusOf(service);
    if (now !== last) call.write({ status: now });
    last = now;
    if (closing.aborted) break;
    await sleep(WATCH_MS);
  }
  call.end();
}
