import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { systemClock } from "../kernel/index.ts";
import { keepAlive, restartDelayMs, wasStable } from "./keep-alive.ts";

describe("restartDelayMs", () => {
  it("restarts at once after a first crash, then doubles up to half a minute", () => {
    expect([1, 2, 3, 4, 12, 10_000].map(restartDelayMs)).toEqual([0, 100, 200, 400, 30_000, 30_000]);
  });
});

describe("wasStable", () => {
  it("forgets crashes of a process that has answered for some seconds, or that lived long", () => {
    const startedAt = 1_000_000;
    const stable = (readyAfterMs: number | undefined, endedAfterMs: number) =>
      wasStable({
        startedAt,
        readyAt: readyAfterMs === undefined ? undefined : startedAt + readyAfterMs,
        endedAt: startedAt + endedAfterMs,
      });
    expect(stable(1_000, 6_500)).toBe(true);
    expect(stable(1_000, 5_500)).toBe(false);
    expect(stable(undefined, 20_000)).toBe(false);
    expect(stable(29_000, 31_000)).toBe(true);
  });
});

describe("keepAlive", () => {
  it("starts a process again when it is killed, and not after it was told to stop", async () => {
    const exits: number[] = [];
    const starts: number[] = [];
    const seen = Promise.withResolvers<void>();
    const kept = keepAlive({
      clock: systemClock,
      start: (restarts) => {
        starts.push(restarts);
        return spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      },
      onExit: ({ pid }) => {
        exits.push(pid);
        seen.resolve();
      },
    });
    const first = kept.pid();
    expect(first).toBeTypeOf("number");
    process.kill(first ?? 0, "SIGKILL");
    await seen.promise;
    await expect.poll(() => kept.pid()).not.toBe(undefined);
    expect(kept.pid()).not.toBe(first);
    expect(starts).toEqual([0, 1]);
    await kept.stop(2_000);
    expect(kept.pid()).toBe(undefined);
    expect(exits).toEqual([first]);
  });
});
