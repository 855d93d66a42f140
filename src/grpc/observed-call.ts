import { Metadata, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import type { Protocol } from "../serving/index.ts";
import type { RequestObservation, RequestObserver } from "../telemetry/index.ts";

/** A call, as far as it is watched. */
export type ObservableCall = Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getPath" | "getPeer">;

/** One message of a call that is answered, and who watches it. */
export interface ObservedCall {
  /** Undefined where nobody watches. */
  readonly observation: RequestObservation | undefined;
  /** Ends the call, and the watching. */
  readonly callback: sendUnaryData<unknown>;
}

export function observeCall(
  { observer, protocol }: { readonly observer: RequestObserver | undefined; readonly protocol: Protocol },
  call: ObservableCall,
  callback: sendUnaryData<unknown>,
): ObservedCall {
  if (observer === undefined) return { observation: undefined, callback };
  const observation = observer.begin({
    transport: "grpc",
    protocol,
    method: "POST",
    path: call.getPath(),
    traceparent: call.metadata.get("traceparent")[0]?.toString(),
    address: call.getPeer().replace(/:\d+$/, ""),
  });
  return {
    observation,
    callback: (error, value, trailer, flags) => {
      const { traceresponse } = observation;
      if (error === null || error === undefined) {
        observation.status = "OK";
        const trailers = trailer ?? new Metadata();
        if (traceresponse !== undefined) trailers.set("traceresponse", traceresponse);
        callback(null, value, trailers, flags);
      } else {
        observation.status = status[error.code ?? status.UNKNOWN];
        observation.code = error.metadata?.get("x-slipway-code")[0]?.toString();
        if (traceresponse !== undefined) error.metadata?.set("traceresponse", traceresponse);
        callback(error, value, trailer, flags);
      }
      observer.end(observation);
    },
  };
}
