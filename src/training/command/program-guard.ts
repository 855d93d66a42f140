import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import type { FromGuard, ToGuard } from "./guard-message.ts";

/**
 * Stands between a run and the program that trains for it. The program has a process group of its own, so that it can be
 * stopped with everything it has started; and when the run is gone, however it went, this process notices that nobody
 * holds the other end of its channel, stops the program and removes its job directory.
 */
let child: ChildProcess | undefined;
let graceMs = 0;
let directory = "";
let stopping = false;
/** The program has ended, or never began. */
let over = false;
let abandoned = false;

process.on("message", (message: ToGuard) => {
  if (message.kind === "stop") stop();
  else start(message);
});
process.once("disconnect", () => {
  abandoned = true;
  if (child === undefined) process.exit(1);
  // The run has heard how the program ended, and tidies up itself.
  if (over) process.exit(0);
  stop();
});
process.on("SIGTERM", () => stop());
// What a terminal sends to everybody: whoever started the run decides what becomes of the program.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);

function start(message: Extract<ToGuard, { kind: "start" }>): void {
  const [program = "", ...args] = message.words;
  graceMs = message.graceMs;
  directory = message.directory;
  // Its output goes straight to the run: the descriptors are handed down.
  child = spawn(program, args, {
    cwd: message.workingDirectory,
    env: message.environment,
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (child.pid !== undefined) tell({ kind: "started", pid: child.pid });
  child.once("error", (error: NodeJS.ErrnoException) => {
    if (child?.pid !== undefined) return;
    tell({ kind: "not-started", code: error.code ?? error.message });
    void finish();
  });
  child.once("exit", (code, signal) => {
    // Whatever it has left running in its group.
    signalGroup("SIGKILL");
    tell({ kind: "ended", code, signal });
    void finish();
  });
}

function stop(): void {
  if (stopping || over || child === undefined) return;
  stopping = true;
  signalGroup("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), graceMs);
}

function signalGroup(signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Nobody is left in the group.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function tell(message: FromGuard): void {
  if (process.connected) process.send?.(message);
}

async function finish(): Promise<void> {
  over = true;
  if (!abandoned) return;
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(1);
}
