/** What one worker answered lately, and over how many connections. */
export interface WorkerTraffic {
  readonly pid: number;
  readonly requests: number;
  readonly connections: number;
}

/** So many connections of a worker are to be closed after their next answer. */
export interface ConnectionRelease {
  readonly pid: number;
  readonly connections: number;
}

/** A share this much above the even one is left alone. */
const TOLERANCE = 1.2;
/** Fewer requests than this in all say nothing about shares. */
const LEAST_REQUESTS = 100;

/**
 * Clients that keep their connections alive stay with the worker that accepted them, so that one that was started later
 * gets nothing. The workers with more than their share let go of as many connections as carry the surplus; their clients
 * connect anew, and the worker that waits accepts first.
 *
 * @param traffic of all ready workers over the same stretch of time
 */
export function balanceConnections(traffic: readonly WorkerTraffic[]): readonly ConnectionRelease[] {
  const total = traffic.reduce((sum, { requests }) => sum + requests, 0);
  if (traffic.length < 2 || total < LEAST_REQUESTS) return [];
  const even = total / traffic.length;
  return traffic
    .filter(({ requests }) => requests > even * TOLERANCE)
    .map(({ pid, requests, connections }) => ({
      pid,
      // Rounded down: one connection too many that moved would have to move back.
      connections: Math.floor((connections * (requests - even)) / requests),
    }))
    .filter(({ connections }) => connections > 0);
}
