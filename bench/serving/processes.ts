import { type ChildProcess, fork, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadResult } from "./load/load-order.ts";

const STOP_MS = 15_000;

/** The processes of a bench. All have ended when `stop` has. */
export class BenchProcesses {
  readonly #children: ChildProcess[] = [];
  readonly #groups = new Set<ChildProcess>();
  #generator: ChildProcess | undefined;

  /** A module of this folder as a process that is told and answers by messages. */
  fork(file: string): ChildProcess {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: "advanced" });
    this.#children.push(child);
    return child;
  }

  /** Another program. Its output goes to standard error. */
  spawn(
    program: string,
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv },
  ): ChildProcess {
    // In a group of its own, so that what it starts can be ended with it.
    const child = spawn(program, args, { ...options, stdio: ["ignore", 2, 2], detached: true });
    this.#children.push(child);
    this.#groups.add(child);
    return child;
  }

  async load(order: LoadOrder): Promise<LoadResult[]> {
    this.#generator ??= this.fork("load/load-generator.ts");
    return await ask<LoadResult[]>(this.#generator, order);
  }

  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(impatience);
    if (this.#groups.has(child)) endGroup(child);
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#children.map((child) => this.stop(child)));
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (thrown) {
    // Nobody is left in it.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

export function ask<Answer>(child: ChildProcess, message: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`${child.spawnfile} ended with code ${code}`));
    child.once("exit", died);
    child.once("message", (answer) => {
      child.off("exit", died);
      resolve(answer as Answer);
    });
    child.send(message);
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
