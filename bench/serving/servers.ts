import type { ChildProcess } from "node:child_process";
import { GRPC_PATH, MODEL } from "./flight-requests.ts";
import type { LoadRequest, LoadTarget } from "./load/load-order.ts";
import { ask, type BenchProcesses } from "./processes.ts";

export interface BenchServer {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** True when it is more than one process. */
  readonly isSeveral?: boolean;
}

export interface PredictionServerProcess extends BenchServer {
  readonly grpcPort: number;
}

export function targetOf(server: BenchServer, request: LoadRequest, connections: number): LoadTarget {
  return {
    port: server.port,
    pid: server.isSeveral === true ? 0 : (server.process.pid ?? 0),
    request,
    connections,
  };
}

/** One worker of ours. */
export async function startOurs(
  processes: BenchProcesses,
  bundle: { readonly directory: string; readonly digest: string },
): Promise<PredictionServerProcess> {
  const child = processes.fork("prediction-server.ts");
  const order = { directory: bundle.directory, bundle: bundle.digest, model: MODEL };
  const ports = await ask<{ port: number; grpcPort: number }>(child, order);
  return { name: "slipway", ...ports, process: child };
}

/** @param answerBytes of one answer of ours, headers included */
export async function startHttpEcho(processes: BenchProcesses, answerBytes: number): Promise<BenchServer> {
  const child = processes.fork("echo-server.ts");
  const { port } = await ask<{ port: number }>(child, { responseBytes: answerBytes });
  return { name: "bare node:http echo", port, process: child };
}

/** @param answerBytes of one message of ours */
export async function startGrpcEcho(processes: BenchProcesses, answerBytes: number): Promise<BenchServer> {
  const child = processes.fork("grpc-echo-server.ts");
  const { port } = await ask<{ port: number }>(child, { path: GRPC_PATH, answerBytes });
  return { name: "bare @grpc/grpc-js echo", port, process: child };
}
