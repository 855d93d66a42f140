import type { BenchRow } from "../bench-row.ts";
import { requests } from "./flight-requests.ts";
import { type Bench, compare, measure } from "./measure.ts";
import { pythonPeers, startPythonPeer } from "./python-peers.ts";

const CONNECTIONS = 32;

/** One record a request beside each Python server in turn, with the same request in the same protocol; the others are stopped. */
export async function besidePeers(bench: Bench): Promise<BenchRow[]> {
  const { processes, ours } = bench;
  const rows: BenchRow[] = [];
  for (const peer of pythonPeers) {
    const what = `single record, closed loop, ${CONNECTIONS} connections, ${peer.protocol.toUpperCase()}`;
    const server = await startPythonPeer(peer, processes);
    if (typeof server === "string") {
      rows.push({ claim: what, peerName: peer.name, absent: server });
      continue;
    }
    const request = peer.protocol === "v1" ? requests.v1Single : requests.v2Single;
    const contenders = [
      { server: ours, request },
      { server, request },
    ];
    const [mine, theirs] = await measure(bench, contenders, { connections: CONNECTIONS, rounds: 24 });
    rows.push(...compare(what, { ours: mine!, peer: theirs!, peerName: peer.name }, { atLeast: peer.aim }));
    await processes.stop(server.process);
  }
  return rows;
}
