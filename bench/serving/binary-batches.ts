import type { BenchRow } from "../bench-row.ts";
import { requests } from "./flight-requests.ts";
import { type Bench, measure, median } from "./measure.ts";
import { pythonPeers, startPythonPeer } from "./python-peers.ts";

const ROWS = 1_000;
const CONNECTIONS = 4;

/** Batches over the binary tensor extension of V2, beside the same rows as JSON of V1 to ourselves and to FastAPI. */
export async function binaryBatches(bench: Bench): Promise<BenchRow[]> {
  const { processes, ours } = bench;
  const fastApi = await startPythonPeer(pythonPeers[0]!, processes);
  const json = requests.v1Batch(ROWS);
  const contenders = [
    { server: ours, request: requests.v2BinaryBatch(ROWS) },
    { server: ours, request: json },
    ...(typeof fastApi === "string" ? [] : [{ server: fastApi, request: json }]),
  ];
  const results = await measure(bench, contenders, { connections: CONNECTIONS, rounds: 16, windowMs: 500 });
  const [binary, ...others] = results.map(({ windows }) =>
    windows.map((one) => one.requestsPerSecond * ROWS),
  );
  const claim = `${ROWS.toLocaleString("en")} rows a request, V2 binary`;
  const rows: BenchRow[] = others.map((other, at) => ({
    claim,
    ours: median(binary!),
    peer: median(other),
    peerName: at === 0 ? "slipway, V1 JSON" : `${pythonPeers[0]!.name}, V1 JSON`,
    ratio: median(binary!.map((value, round) => value / other[round]!)),
    unit: "rows/s",
  }));
  if (typeof fastApi === "string") rows.push({ claim, peerName: pythonPeers[0]!.name, absent: fastApi });
  else await processes.stop(fastApi.process);
  return rows;
}
