import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;
const MICROSECONDS = 1e3;

export interface LoadMeter {
  /** Since the reading before: processor time ÷ time over all threads, and how late the event loop was on average. */
  read(): { readonly cpu: number; readonly loopDelayMs: number };
}

/** Measures how busy this process is. */
export function createLoadMeter(): LoadMeter {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let processor = process.cpuUsage();
  let since = performance.now();
  return {
    read: () => {
      const now = performance.now();
      const used = process.cpuUsage(processor);
      const cpu = (used.user + used.system) / MICROSECONDS / Math.max(1, now - since);
      // The histogram holds the time between two looks, which are meant to be one resolution apart.
      const lateMs = delays.count === 0 ? now - since : delays.mean / NANOSECONDS - RESOLUTION_MS;
      processor = process.cpuUsage();
      since = now;
      delays.reset();
      return { cpu, loopDelayMs: Math.max(0, lateMs) };
    },
  };
}
