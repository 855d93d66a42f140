import type { ChildProcess } from "node:child_process";
import { type Clock, sleep } from "../kernel/index.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;

/** A process that lived this long, or has answered for so long, has forgotten its earlier crashes. */
const STABLE_MS = 30_000;
const STABLE_READY_MS = 5_000;

/** How long to wait before the next start: at once after a first crash, then doubling up to half a minute. */
export function restartDelayMs(crashesInARow: number): number {
  if (crashesInARow <= 1) return 0;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(crashesInARow - 2, 20));
}

/** Whether the end of a process is no part of a loop of crashes. Times of the clock; `readyAt` is undefined for one that never was. */
export function wasStable(life: {
  readonly startedAt: number;
  readonly readyAt: number | undefined;
  readonly endedAt: number;
}): boolean {
  const { startedAt, readyAt = Number.POSITIVE_INFINITY, endedAt } = life;
  return endedAt - startedAt > STABLE_MS || endedAt - readyAt > STABLE_READY_MS;
}

export interface KeptProcess {
  readonly pid: () => number | undefined;
  /** To be called when the process answers. */
  noteReady(): void;
  /** Sends a message to the process, if one is running. */
  send(message: object): void;
  /** Asks the process to end, waits for it, and kills it when `graceMs` have passed. */
  stop(graceMs: number): Promise<void>;
  /** Leaves the process running and looks after it no more. */
  release(): void;
}

export interface KeepAliveOptions {
  /** Starts the process; `restarts` is how often it was started before. */
  readonly start: (restarts: number) => ChildProcess;
  readonly clock: Clock;
  readonly onExit: (exit: { readonly pid: number; readonly how: string; readonly delayMs: number }) => void;
}

/** Keeps one child process running: starts it again when it ends, more and more slowly while it keeps crashing. */
export function keepAlive(options: KeepAliveOptions): KeptProcess {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let restarts = -1;
  let crashesInARow = 0;
  let readyAt: number | undefined;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const startedAt = options.clock();
      readyAt = undefined;
      restarts++;
      const started = options.start(restarts);
      child = started;
      const how = await ended(started);
      child = undefined;
      if (stopping.signal.aborted) return;
      crashesInARow = wasStable({ startedAt, readyAt, endedAt: options.clock() }) ? 1 : crashesInARow + 1;
      const delayMs = restartDelayMs(crashesInARow);
      options.onExit({ pid: started.pid ?? 0, how, delayMs });
      await sleep(delayMs, stopping.signal).catch((reason: unknown) => {
        if (!stopping.signal.aborted) throw reason;
      });
    }
  };
  const finished = run();

  return {
    pid: () => child?.pid,
    noteReady: () => {
      readyAt = options.clock();
    },
    send: (message) => {
      if (child?.connected) child.send(message);
    },
    release: () => {
      stopping.abort();
      if (child?.connected) child.disconnect();
      child?.unref();
    },
    stop: async (graceMs) => {
      stopping.abort();
      const last = child;
      if (last === undefined) return;
      last.kill("SIGTERM");
      const impatience = setTimeout(() => last.kill("SIGKILL"), graceMs);
      await finished;
      clearTimeout(impatience);
    },
  };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
  });
}
