import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runSlipway, startSlipway } from "../../src/cli/testing/run-slipway.ts";

/** A Node on this machine that is too old to run Slipway itself. */
function findOldNode(): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node"));
  const old = candidates.find((path) => {
    if (!existsSync(path)) return false;
    const major = Number(/^v(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1]);
    return major >= 20 && major < 24;
  });
  if (old === undefined) process.stderr.write("SKIPPED: no Node 20 to 23 on PATH to try the launcher with\n");
  return old;
}

const oldNode = findOldNode();

describe("bin/slipway.js", () => {
  it("prints the version and nothing else", async () => {
    const { code, stdout, stderr } = await runSlipway(["--version"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.skipIf(oldNode === undefined)("runs on an older Node by the one that came with it", async () => {
    const node = oldNode!;
    expect(await runSlipway(["--version"], { node })).toMatchObject({ code: 0, stderr: "" });
    const refused = await runSlipway(["train", "--nonsense", "--json"], { node });
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout).error.code).toBe("CLI_USAGE");
    const piped = await runSlipway(["predict", "--url", "http://127.0.0.1:9"], { node, input: "not json" });
    expect([piped.code, piped.stderr]).toEqual([2, expect.stringContaining("CLI_BAD_RECORD")]);
  });

  it.skipIf(oldNode === undefined)("hands signals to the Node it started, and its end back", async () => {
    // It waits for records, and says so once it listens to signals.
    const child = startSlipway(["predict", "x", "--url", "http://127.0.0.1:9"], { node: oldNode!, cwd: "/" });
    const ended = once(child, "exit");
    await once(child.stderr!, "data");
    child.kill("SIGTERM");
    expect(await ended).toEqual([130, null]);
  });
});
