import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../kernel/index.ts";
import type { ModelStatus, StreamProgress } from "../serving/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import type { WorkerLoad } from "./scaling/worker-scaling.ts";

/** What a worker says of itself, in a file of its own, twice a second. */
export interface WorkerStatus {
  readonly pid: number;
  readonly port: number;
  /** Names its segments of the logs. */
  readonly incarnation: string;
  /** Null when it does not answer gRPC. */
  readonly grpcPort: number | null;
  readonly startedAt: number;
  readonly restarts: number;
  readonly writtenAt: number;
  readonly state: "starting" | "ready" | "draining";
  /** Whether it should get traffic: what its /readyz answers. */
  readonly isReady: boolean;
  readonly generation: number;
  readonly predictions: number;
  readonly load: WorkerLoadStatus;
  readonly models: readonly ModelStatus[];
  /** How far its windows have followed the stream; null while it serves no model with windows. */
  readonly stream: StreamProgress | null;
  readonly problems: readonly string[];
}

/** How busy a worker is; shares and delays are those since its last heartbeat. */
export interface WorkerLoadStatus extends WorkerLoad {
  /** Requests since it started. */
  readonly requests: number;
  readonly connections: number;
  /** Resident memory. */
  readonly residentBytes: number;
}

export const HEARTBEAT_MS = 500;

/** A worker that has not written for this long is taken for dead. */
const STALE_MS = 10_000;

const pathOf = (directory: string, pid: number): string => join(directory, `${pid}.json`);

export function writeWorkerStatus(directory: string, status: WorkerStatus): void {
  writeFileAtomically(pathOf(directory, status.pid), JSON.stringify(status));
}

export function removeWorkerStatus(directory: string, pid: number): void {
  rmSync(pathOf(directory, pid), { force: true });
}

/** The workers alive now; files of dead ones are removed. */
export function readWorkerStatuses(directory: string, clock: Clock): WorkerStatus[] {
  const alive: WorkerStatus[] = [];
  for (const name of readdirSync(directory)) {
    if (!/^\d+\.json$/.test(name)) continue;
    const text = readFileIfPresent(join(directory, name));
    if (text === undefined) continue;
    const status = JSON.parse(text) as WorkerStatus;
    if (!isAlive(status.pid)) removeWorkerStatus(directory, status.pid);
    // One that was stopped for a while may go on: its file says whose segments must not be touched.
    else if (clock() - status.writtenAt < STALE_MS) alive.push(status);
  }
  return alive.sort((left, right) => left.startedAt - right.startedAt);
}

/** The incarnations of workers whose processes exist, whether they have been heard of lately or not. */
export function existingIncarnations(directory: string): Set<string> {
  const found = new Set<string>();
  for (const name of readdirSync(directory)) {
    const text = /^\d+\.json$/.test(name) ? readFileIfPresent(join(directory, name)) : undefined;
    if (text === undefined) continue;
    const { pid, incarnation } = JSON.parse(text) as WorkerStatus;
    if (isAlive(pid)) found.add(incarnation);
  }
  return found;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
