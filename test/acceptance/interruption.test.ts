import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { repository, slipwayJson } from "./command.ts";
import { smallProject, whatIsKept } from "./small-project.ts";

const project = smallProject("interruption");
const options = { cwd: project.path, env: { TMPDIR: project.temporary } };
/** So many trees that nobody waits for them. */
const endless = project.goodConfig.replace(
  "trees: 5, leaves: 4",
  "trees: 100_000, leaves: 31, minRowsPerLeaf: 1",
);

beforeEach(() => writeFileSync(project.config, endless));
afterAll(project.remove);

/** Starts `slipway train` in a process group of its own and sends the group a signal once stderr says so. */
async function interruptTraining(when: RegExp, signal: "SIGINT" | "SIGTERM"): Promise<number | null> {
  const child = spawn(process.execPath, [join(repository, "bin/slipway.js"), "train"], {
    ...options,
    env: { ...process.env, NO_COLOR: "1", SLIPWAY_DATABASE_URL: "", ...options.env },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  await new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (when.test(said)) resolve();
    });
    child.once("close", () => resolve());
  });
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  const code = await ended;
  expect(said).toMatch(new RegExp(`error CLI_INTERRUPTED\\n {2}stopped by ${signal}\\n$`));
  // Nobody of the group is left.
  expect(() => process.kill(-(child.pid ?? 0), 0)).toThrow("ESRCH");
  return code;
}

describe("training that is stopped", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`by ${signal} ends with 130, is cancelled in the list of runs, and leaves no file half written`, async () => {
      expect(await interruptTraining(/✓ features/, signal)).toBe(130);
      const { versions, aliases, temporaryFiles } = await whatIsKept(project);
      expect({ versions, aliases, temporaryFiles }).toEqual({
        versions: [],
        aliases: [],
        temporaryFiles: [],
      });
      const { runs } = await slipwayJson<OperationOutput<"runs.list">>(["runs"], options);
      expect(runs[0]).toMatchObject({ state: "cancelled" });
    });
  }

  it("can be repeated to the end", async () => {
    writeFileSync(project.config, project.goodConfig);
    expect(await slipwayJson(["train"], options)).toMatchObject({ version: 1, status: "accepted" });
  });
});
