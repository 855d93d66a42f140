import type { BenchRow } from "../bench-row.ts";
import { requests } from "./flight-requests.ts";
import { type Bench, type Contender, compare, measure } from "./measure.ts";
import { startHttpEcho } from "./servers.ts";

const CONNECTIONS = 32;
/** A billion a day. */
const PER_SECOND = 11_574;

/**
 * One record a request through the whole path (HTTP, JSON, features, 100 trees × 31 leaves, group-committed log) on one worker,
 * beside a bare node:http server that answers as many bytes: as fast as it goes, and at a fixed rate.
 */
export async function singleRecord(bench: Bench): Promise<BenchRow[]> {
  const { processes, ours } = bench;
  const request = requests.v1Single;
  const [once] = await measure(bench, [{ server: ours, request }], {
    connections: 1,
    rounds: 1,
    windowMs: 100,
  });
  const echo = await startHttpEcho(processes, once!.answerBytes);
  const both: Contender[] = [
    { server: ours, request },
    { server: echo, request },
  ];
  const rows: BenchRow[] = [];
  const add = (
    what: string,
    [mine, theirs]: Awaited<ReturnType<typeof measure>>,
    aim?: { atLeast: number },
  ) => rows.push(...compare(what, { ours: mine!, peer: theirs!, peerName: echo.name }, aim));
  add(
    `single record, closed loop, ${CONNECTIONS} connections`,
    await measure(bench, both, { connections: CONNECTIONS }),
    { atLeast: 0.8 },
  );
  add("single record, closed loop, 1 connection", await measure(bench, both, { connections: 1, rounds: 20 }));
  const pace = { kind: "open-loop", perSecond: PER_SECOND } as const;
  add(
    `single record, open loop, ${PER_SECOND.toLocaleString("en")}/s`,
    await measure(bench, both, { connections: CONNECTIONS, pace, rounds: 10, windowMs: 1_000 }),
  );
  await processes.stop(echo.process);
  return rows;
}
