import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

export interface KillLoop {
  /** A TypeScript file that works until it is killed and writes a line to its standard output for all it has done. */
  readonly script: string;
  readonly args: readonly string[];
  readonly kills: number;
  /** The longest time from a child's first line to its death; the actual one is random. Default 150 ms. */
  readonly maxLifeMs?: number;
  /** Is given every whole line that the child which was just killed had written. */
  readonly afterKill: (lines: readonly string[]) => Promise<void>;
}

/** Starts a child process and kills it (SIGKILL) at a random moment of its work, again and again. */
export async function killLoop(loop: KillLoop): Promise<void> {
  for (let kill = 0; kill < loop.kills; kill++) {
    const child = spawn(process.execPath, [loop.script, ...loop.args], { stdio: ["ignore", "pipe", "pipe"] });
    const lines = await workThenDie(child, Math.random() * (loop.maxLifeMs ?? 150));
    await loop.afterKill(lines);
  }
}

/** Kills the child so long after its first line and gives its whole lines. */
async function workThenDie(child: ChildProcess, lifeMs: number): Promise<string[]> {
  let output = "";
  let complaints = "";
  const working = Promise.withResolvers<void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    working.resolve();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  await Promise.race([working.promise, ended]);
  await pause(lifeMs);
  child.kill("SIGKILL");
  const end = await ended;
  if (end !== "SIGKILL") throw new Error(`the child ended by itself (${end}): ${complaints}`);
  return output.split("\n").slice(0, -1);
}
