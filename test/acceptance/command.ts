import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
const launcher = join(repository, "bin/slipway.js");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The Node to run it with. Default: the one of this test. */
  readonly node?: string;
}

/** Runs `slipway …` as a user's shell would and waits for its end. */
export function slipway(args: readonly string[], options: CommandOptions): Promise<Finished> {
  const child = launch(args, options);
  const read = (stream: ChildProcess["stdout"]): string[] => {
    const parts: string[] = [];
    stream?.setEncoding("utf8").on("data", (text: string) => parts.push(text));
    return parts;
  };
  const stdout = read(child.stdout);
  const stderr = read(child.stderr);
  child.stdin?.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: stdout.join(""), stderr: stderr.join("") }));
  });
}

/** Runs a command that must succeed, with `--json`, and gives its answer. */
export async function slipwayJson<Answer>(args: readonly string[], options: CommandOptions): Promise<Answer> {
  const { code, stdout, stderr } = await slipway([...args, "--json"], options);
  if (code !== 0) throw new Error(`slipway ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Answer;
}

export interface ErrorForPrograms {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The error that a command with `--json` ended with; it must be told to people as well, without a stack. */
export function errorOf({ stdout, stderr }: Finished): ErrorForPrograms {
  // `up` has written events before, one a line.
  const { error } = JSON.parse(stdout.slice(stdout.indexOf('{\n  "error"'))) as { error: ErrorForPrograms };
  if (!stderr.includes(`error ${error.code}`) || !stderr.includes(error.message.split("\n")[0] ?? ""))
    throw new Error(`stderr does not say the error ${error.code}:\n${stderr}`);
  if (/\n\s+at .*:\d+:\d+/.test(stderr)) throw new Error(`a stack was printed:\n${stderr}`);
  return error;
}

export interface RunningServer {
  readonly predictions: string;
  /** Empty while there is no control plane. */
  readonly console: string;
  readonly process: ChildProcess;
  /** Everything it has written so far. */
  readonly output: () => string;
  stop(): Promise<number | null>;
}

/** `slipway up` on free ports; resolves when it answers. */
export async function slipwayUp(
  options: CommandOptions & { readonly args?: readonly string[] },
): Promise<RunningServer> {
  const args = [
    "up",
    "--port",
    "0",
    "--grpc-port",
    "0",
    "--console-port",
    "0",
    "--json",
    ...(options.args ?? []),
  ];
  const child = launch(args, options);
  const output: string[] = [];
  const listening = Promise.withResolvers<{ predictions: string; console: string | null }>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    output.push(line);
    const event: unknown = JSON.parse(line);
    if (isListening(event)) listening.resolve(event);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => output.push(text));
  child.once("exit", (code, signal) => {
    listening.reject(new Error(`slipway up ended with ${code ?? signal}\n${output.join("\n")}`));
  });
  const { predictions, console } = await listening.promise;
  return {
    predictions,
    console: console ?? "",
    process: child,
    output: () => output.join("\n"),
    stop: () => {
      const ended = new Promise<number | null>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
        else child.once("exit", (code) => resolve(code));
      });
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** A folder that is removed by `remove`. */
export function scratchFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `slipway-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Posts JSON to a V1 endpoint. */
export async function predict(
  base: string,
  model: string,
  body: unknown,
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${base}/v1/models/${model}:predict`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

function launch(
  args: readonly string[],
  { cwd, env = {}, node = process.execPath }: CommandOptions,
): ChildProcess {
  return spawn(node, [launcher, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", SLIPWAY_DATABASE_URL: "", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

function isListening(event: unknown): event is { predictions: string; console: string | null } {
  return typeof event === "object" && event !== null && "kind" in event && event.kind === "listening";
}
