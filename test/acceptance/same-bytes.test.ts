import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { model, type SoakProject, trainChampion, writeProject } from "../soak/project.ts";
import { scratchFolder, slipwayJson } from "./command.ts";

let project: SoakProject;

beforeAll(async () => {
  project = writeProject(20_000);
  await trainChampion(project);
});
afterAll(() => project.remove());

async function train(options: {
  readonly threads?: number;
  readonly node?: string;
  readonly cwd?: string;
}): Promise<OperationOutput<"train">> {
  const { threads = 2, cwd = project.path, ...rest } = options;
  return slipwayJson<OperationOutput<"train">>(["train", "--threads", String(threads)], { cwd, ...rest });
}

describe("the same data and configuration give the same bundle", () => {
  it("when trained again, on one thread or two", async () => {
    const two = await train({ threads: 2 });
    const one = await train({ threads: 1 });
    expect(two).toMatchObject({ version: 1, alreadyRegistered: true });
    expect(one.bundle).toBe(two.bundle);
  });

  it("on Node 24 and on Node 26, from the file of data on", async () => {
    const node24 = execFileSync(
      "npx",
      ["--yes", "--package=node@24", "--", "node", "-p", "process.execPath"],
      { encoding: "utf8" },
    ).trim();
    expect(execFileSync(node24, ["--version"], { encoding: "utf8" })).toMatch(/^v24\./);
    const elsewhere = scratchFolder("node-24");
    afterAll(elsewhere.remove);
    cpSync(project.path, elsewhere.path, { recursive: true, filter: (path) => !path.includes(".slipway") });
    const here = await train({});
    const there = await train({ cwd: elsewhere.path, node: node24 });
    expect(there.snapshot).toBe(here.snapshot);
    expect(there.bundle).toBe(here.bundle);
  });

  it("and reproduce says so", async () => {
    const verdict = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", `${model}@1`], {
      cwd: project.path,
    });
    expect(verdict).toMatchObject({ verdict: "identical", differences: [] });
  });
});
