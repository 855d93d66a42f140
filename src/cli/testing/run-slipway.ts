import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../../../bin/slipway.js", import.meta.url));

export interface RunOptions {
  readonly cwd?: string;
  /** Added to an environment without any of Slipway's settings. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Default: the Node that runs the test. */
  readonly node?: string;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line in a process of its own. */
export async function runSlipway(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return await finish(startSlipway(args, options), options.input ?? "");
}

export function startSlipway(args: readonly string[], options: RunOptions = {}): ChildProcess {
  return spawn(options.node ?? process.execPath, [launcher, ...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...bareEnvironment(), ...options.env },
    stdio: "pipe",
  });
}

export async function finish(child: ChildProcess, input = ""): Promise<Finished> {
  child.stdin?.end(input);
  const ended = new Promise<Pick<Finished, "code" | "signal">>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, how] = await Promise.all([text(child.stdout!), text(child.stderr!), ended]);
  return { ...how, stdout, stderr };
}

function bareEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG", "SystemRoot"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
