import { readdirSync, readFileSync } from "node:fs";

/** Processor time of all threads of a process, where /proc tells it; otherwise NaN. */
export function cpuNanoseconds(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ")[0]))
      .reduce((sum, nanoseconds) => sum + nanoseconds, 0);
  } catch {
    // No /proc: an operating system other than Linux. The row is left out then.
    return Number.NaN;
  }
}
