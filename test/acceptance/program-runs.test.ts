import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { type ProgramRequest, runProgram } from "../../src/training/command/run-program.ts";
import { familyScript, isAlive, scratch } from "../../src/training/testing/program.ts";

const folder = scratch("run-program");
afterAll(folder.remove);

interface Seen {
  readonly request: ProgramRequest;
  readonly out: string[];
  readonly err: string[];
}

function shell(script: string, options: Partial<ProgramRequest> = {}): Seen {
  const out: string[] = [];
  const err: string[] = [];
  const request = {
    words: ["sh", "-c", script],
    workingDirectory: folder.path,
    environment: { PATH: "/usr/bin:/bin", FROM_ABOVE: "yes" },
    timeoutMs: 100_000,
    graceMs: 50_000,
    directory: join(folder.path, "job"),
    onLines: (stream: string, lines: readonly string[]) => (stream === "stdout" ? out : err).push(...lines),
    ...options,
  };
  return { request, out, err };
}

/** The ids that both processes of a family have said. */
async function family(out: readonly string[]): Promise<number[]> {
  for (;;) {
    const pids = out.filter((line) => line.startsWith("pid ")).map((line) => Number(line.slice(4)));
    if (pids.length === 2) return pids;
    await pause(20);
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(20);
}

describe("a program", () => {
  it("is run in its folder with its variables, and every line of it is read", async () => {
    const script = `
      echo $(pwd) $FROM_ABOVE; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done
      echo and a word >&2; exit 3`;
    const { request, out, err } = shell(script);
    expect(await runProgram(request)).toEqual({ code: 3, signal: null, timedOut: false });
    expect(out).toEqual([`${folder.path} yes`, ...Array.from({ length: 3000 }, (_, i) => `line ${i}`)]);
    expect(err).toEqual(["and a word"]);
  });

  it("is stopped with everything it has started when its time is over", async () => {
    const { request, out } = shell(familyScript(false), { timeoutMs: 1500 });
    const ended = runProgram(request);
    const pids = await family(out);
    expect(await ended).toEqual({ code: null, signal: "SIGTERM", timedOut: true });
    await untilGone(pids);
  });

  it("is killed with everything it has started when it does not heed the signal", async () => {
    const controller = new AbortController();
    const { request, out } = shell(familyScript(true), {
      graceMs: 100,
      signal: controller.signal,
    });
    const ended = runProgram(request);
    const pids = await family(out);
    controller.abort(new Error("enough"));
    await expect(ended).rejects.toThrow("enough");
    await untilGone(pids);
  });

  it("takes along what it leaves running", async () => {
    const { request, out } = shell(`(${familyScript(true)}) & sleep 0.5`);
    const ended = runProgram(request);
    const pids = await family(out);
    expect(await ended).toMatchObject({ code: 0 });
    await untilGone(pids);
  });

  it("says why it cannot be started", async () => {
    const missing = shell("", { words: ["no-such-program-anywhere"] });
    await expect(runProgram(missing.request)).rejects.toMatchObject({
      code: "TRAINING_PROGRAM_NOT_STARTED",
      message: '"no-such-program-anywhere" could not be started: there is no such program',
    });
    const directory = join(folder.path, "directory");
    mkdirSync(directory);
    await expect(runProgram(shell("", { words: [directory] }).request)).rejects.toMatchObject({
      code: "TRAINING_PROGRAM_NOT_STARTED",
      details: { code: "EACCES" },
    });
    expect(existsSync(join(folder.path, "job"))).toBe(false);
  });
});
