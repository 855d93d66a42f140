import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { OperationOutput } from "../../src/wire/index.ts";
import { repository, slipway, slipwayJson } from "../acceptance/command.ts";
import { model, writeProject } from "./project.ts";

/**
 * Kills `slipway train`, runner included, at random moments. Nothing may be half-registered: the database opens, every
 * version listed can be shown and rebuilt, and the next training works and gives the same bundle.
 */
export async function killTraining({ kills }: { readonly kills: number }): Promise<string> {
  const project = writeProject(40_000);
  const cwd = project.path;
  try {
    const startedAt = performance.now();
    const whole = await slipwayJson<OperationOutput<"train">>(["train"], { cwd });
    const wholeMs = performance.now() - startedAt;
    for (let kill = 0; kill < kills; kill++) {
      const child = spawn(process.execPath, [join(repository, "bin/slipway.js"), "train"], {
        cwd,
        detached: true,
        stdio: "ignore",
      });
      await pause(Math.random() * wholeMs);
      // The whole process group: the command, the runner it started, and the threads of the trainer.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    }
    const { versions } = await slipwayJson<OperationOutput<"models.versions">>(["models", model], { cwd });
    assert.deepEqual([...new Set(versions.map(({ bundle }) => bundle))], [whole.bundle]);
    const again = await slipwayJson<OperationOutput<"train">>(["train"], { cwd });
    assert.equal(again.bundle, whole.bundle);
    assert.equal(again.alreadyRegistered, true);
    const { runs } = await slipwayJson<OperationOutput<"runs.list">>(["runs"], { cwd });
    assert.equal(
      runs.filter(({ state }) => state === "running" || state === "queued").length,
      0,
      "a killed run is still shown as running",
    );
    const reproduced = await slipway(["reproduce", `${model}@1`], { cwd });
    assert.equal(reproduced.code, 0, reproduced.stderr);
    assert.deepEqual(leftovers(join(cwd, ".slipway/blobs/tmp")), []);
    const interrupted = runs.filter(({ state }) => state === "interrupted").length;
    return `${kills} kills, ${interrupted} runs interrupted, 1 version, rebuilt identical`;
  } finally {
    project.remove();
  }
}

function leftovers(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
