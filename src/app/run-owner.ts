import { hostname } from "node:os";
import type { Run } from "../registry/index.ts";
import { isAlive } from "./worker-status.ts";

/** Names this process as the owner of the runs it executes. */
export const thisProcess = `${hostname()}/${process.pid}`;

/** False when the process that executed a run was on this machine and is gone. Of other machines nothing can be said. */
export function isRunAlive(run: Run): boolean {
  const [host, pid] = run.owner?.split("/") ?? [];
  return host !== hostname() || isAlive(Number(pid));
}
