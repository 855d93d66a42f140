import type { BenchRow } from "../bench-row.ts";
import { requests } from "./flight-requests.ts";
import { type Bench, compare, measure } from "./measure.ts";
import { startGrpcEcho } from "./servers.ts";

const CONNECTIONS = 4;

/** One record a call of `ModelInfer`, beside a bare grpc-js server that is sent the same message and answers one as long as ours. */
export async function grpcCalls(bench: Bench): Promise<BenchRow[]> {
  const { processes } = bench;
  const ours = { ...bench.ours, port: bench.ours.grpcPort };
  const request = requests.grpcSingle;
  const [once] = await measure(bench, [{ server: ours, request }], {
    connections: 1,
    rounds: 1,
    windowMs: 100,
  });
  const echo = await startGrpcEcho(processes, once!.answerBytes);
  const contenders = [
    { server: ours, request },
    { server: echo, request },
  ];
  const [mine, theirs] = await measure(bench, contenders, { connections: CONNECTIONS });
  await processes.stop(echo.process);
  const what = `single record, gRPC, closed loop, ${CONNECTIONS} connections × ${request.callsPerConnection} calls`;
  return compare(what, { ours: mine!, peer: theirs!, peerName: echo.name }, { atLeast: 0.7 });
}
