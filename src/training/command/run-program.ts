import { fork } from "node:child_process";
import type { Readable } from "node:stream";
import { siblingModule } from "../../kernel/index.ts";
import { trainingErrors } from "../errors.ts";
import type { FromGuard, ToGuard } from "./guard-message.ts";
import { type OutputStream, readOutput } from "./program-output.ts";

export interface ProgramRequest {
  readonly words: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Record<string, string>;
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** Removed by the guard when this process is gone. */
  readonly directory: string;
  /** Called with whole lines, in their order within a stream, as they come. */
  readonly onLines: (stream: OutputStream, lines: readonly string[]) => void;
  readonly signal?: AbortSignal;
}

/** How a program ended by itself, or because its time was over. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

/** A process that has escaped from its group may hold the output open; its last words are not waited for longer. */
const LAST_WORDS_MS = 1_000;

/**
 * Runs a program in a process group of its own and waits until all of it has ended. An abort, and the end of its time,
 * mean SIGTERM, a period of grace and SIGKILL for the whole group; so does the end of this process, however it ends.
 *
 * @throws TRAINING_PROGRAM_NOT_STARTED; the signal's reason
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramEnd> {
  const { signal, timeoutMs, onLines } = request;
  signal?.throwIfAborted();
  const guard = fork(siblingModule(import.meta.url, "program-guard"), {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    serialization: "advanced",
    execArgv: [],
  });
  const tell = (message: ToGuard): void => {
    if (guard.connected) guard.send(message);
  };
  const outputs = [
    readOutput(guard.stdout as Readable, (lines) => onLines("stdout", lines)),
    readOutput(guard.stderr as Readable, (lines) => onLines("stderr", lines)),
  ];
  const ended = Promise.withResolvers<Extract<FromGuard, { kind: "ended" | "not-started" }>>();
  let pid: number | undefined;
  guard.on("message", (message: FromGuard) => {
    if (message.kind === "started") pid = message.pid;
    else ended.resolve(message);
  });
  guard.once("error", (cause) => ended.reject(guardFailed(cause)));
  guard.once("exit", () => {
    ended.reject(guardFailed());
    killGroup(pid);
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    tell({ kind: "stop" });
  }, timeoutMs);
  const stop = (): void => tell({ kind: "stop" });
  signal?.addEventListener("abort", stop, { once: true });
  const { words, workingDirectory, environment, graceMs, directory } = request;
  tell({ kind: "start", words, workingDirectory, environment, graceMs, directory });
  try {
    const end = await ended.promise;
    if (end.kind === "not-started") throw notStarted(words[0]!, end.code);
    await within(LAST_WORDS_MS, Promise.all(outputs.map(({ finished }) => finished)));
    signal?.throwIfAborted();
    return { code: end.code, signal: end.signal, timedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    guard.removeAllListeners("exit");
    for (const output of outputs) output.close();
    if (guard.connected) guard.disconnect();
  }
}

/** What the guard would have done. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([done, late.promise]);
  clearTimeout(timer);
}

function notStarted(program: string, code: string): Error {
  const why: Readonly<Record<string, string>> = {
    ENOENT: "there is no such program",
    EACCES: "it may not be executed",
  };
  return trainingErrors.TRAINING_PROGRAM_NOT_STARTED.error(
    `${JSON.stringify(program)} could not be started: ${why[code] ?? code}`,
    {
      details: { program, code },
      hint:
        code === "EACCES"
          ? "Make it executable (chmod +x), or name its interpreter first."
          : "Install it, or name it by its path; a program with a slash in its name is looked for in the project's folder.",
    },
  );
}

function guardFailed(cause?: Error): Error {
  return trainingErrors.TRAINING_WORKER_FAILED.error("the process that watches over the program has ended", {
    ...(cause === undefined ? {} : { cause }),
  });
}
