import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { type RunningServer, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

const folder = scratchFolder("command-line");
const cwd = folder.path;
const config = join(cwd, "slipway.config.ts");

/** Rows whose answer depends on two columns and on what looks like chance. */
function customers(rows: number): string {
  const lines = ["customer_id,age,plan,paid"];
  for (let row = 0; row < rows; row++) {
    const age = 18 + ((row * 7919) % 60);
    const plan = ["basic", "family", "pro"][(row * 31) % 3];
    const noise = ((row * 104_729) % 1009) / 1009;
    const paid = age / 80 + (plan === "pro" ? 0.3 : 0) + noise > 1.05 ? "yes" : "no";
    lines.push(`c${row},${age},${plan},${paid}`);
  }
  return `${lines.join("\n")}\n`;
}

const json = <Answer>(...args: string[]) => slipwayJson<Answer>(args, { cwd });
const run = (...args: string[]) => slipway(args, { cwd });

beforeAll(async () => {
  writeFileSync(join(cwd, "customers.csv"), customers(2_000));
  const { code, stderr } = await run(
    "init",
    "--from",
    "customers.csv",
    "--target",
    "paid",
    "--name",
    "payer",
  );
  expect([code, stderr]).toEqual([0, ""]);
});
afterAll(folder.remove);

describe("in a project where nothing runs", () => {
  it("every command that reads answers before there is anything to read", async () => {
    expect(await json("models")).toMatchObject({ models: [{ name: "payer", versions: 0, champion: null }] });
    expect(await json("runs")).toEqual({ runs: [] });
    expect(await json("journal")).toEqual({ entries: [] });
    expect(await json("data", "log")).toEqual({ snapshots: [] });
    expect(await json("replay", "--all")).toMatchObject({ predictions: 0 });
    expect(await json("status")).toMatchObject({ running: false, console: null, models: [] });
    for (const command of ["runs", "models", "journal", "status"]) {
      expect(await run(command)).toMatchObject({ code: 0, stderr: "" });
    }
  });

  it("data add reads, and reads nothing twice", async () => {
    const first = await json<OperationOutput<"data.add">>("data", "add");
    expect(first.snapshots).toMatchObject([{ dataset: "customers", rowCount: 2_000, reused: false }]);
    const again = await json<OperationOutput<"data.add">>("data", "add", "customers");
    expect(again.snapshots).toMatchObject([{ digest: first.snapshots[0]?.digest, reused: true }]);
    const shown = await json<OperationOutput<"data.show">>("data", "show", "customers");
    expect(shown.columns.map(({ name }) => name)).toEqual(["age", "plan", "paid"]);
    const prefix = shown.digest.slice(0, 8);
    expect(await json("data", "show", `customers@${prefix}`)).toEqual(shown);
    expect(await run("data", "show", "orders")).toMatchObject({ code: 2 });
  });

  it("train ends with 0 when the gates pass, and its version serves", async () => {
    const { code, stdout, stderr } = await run("train", "--reason", "the first");
    expect(code).toBe(0);
    expect(stdout).toMatch(/payer v1 accepted \(champion\)[\s\S]*Next: (?:npx )?slipway up/);
    expect(stderr).toMatch(/[✓↺] snapshot[\s\S]*✓ register/);
  });

  it("train ends with 1 when a gate fails, and deploying that wants force", async () => {
    const text = readFileSync(config, "utf8");
    writeFileSync(
      config,
      text
        .replace('atLeast("auc", 0.5, { confidence: 0.95 })', 'atLeast("auc", 0.999)')
        .replace("trees: 500", "trees: 20"),
    );
    const rejected = await run("train", "--json");
    expect(rejected.code).toBe(1);
    expect(JSON.parse(rejected.stdout)).toMatchObject({ version: 2, status: "rejected", champion: false });

    const refused = await run("deploy", "payer@2", "--json");
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout).error.code).toBe("REGISTRY_REJECTED_VERSION");
    expect(await json("deploy", "payer@2", "--force", "--reason", "a trial")).toMatchObject({
      version: 2,
      previous: 1,
      forced: true,
    });
    expect(await json("rollback", "--reason", "enough")).toMatchObject({ version: 1, previous: 2 });

    const { entries } = await json<OperationOutput<"journal">>("journal", "payer", "--limit", "2");
    expect(entries.map(({ reason }) => reason)).toEqual(["enough", "a trial"]);
  });

  it("what was trained can be looked at, and reproduced", async () => {
    const { runs } = await json<OperationOutput<"runs.list">>("runs", "--model", "payer");
    expect(runs.map(({ state, version }) => [state, version])).toEqual([
      ["rejected", 2],
      ["succeeded", 1],
    ]);
    const shown = await json<OperationOutput<"runs.show">>("runs", "show", runs[0]!.id);
    expect(shown.steps.every(({ state }) => state === "finished" || state === "reused")).toBe(true);
    expect(await json("models", "payer")).toMatchObject({
      versions: [{ version: 2 }, { version: 1, aliases: ["champion"] }],
    });
    expect(await json("model", "show", "payer@1")).toMatchObject({
      version: 1,
      inputs: [{ name: "age" }, { name: "plan" }],
    });
    expect(await json("reproduce", "payer@1")).toMatchObject({ verdict: "identical" });
  });

  it("what does not exist ends with 2", async () => {
    for (const args of [
      ["model", "show", "payer@9"],
      ["deploy", "payer@9"],
      ["runs", "show", "run_none"],
      ["train", "other"],
      ["replay", "nonsense"],
    ]) {
      const { code, stdout, stderr } = await run(...args, "--json");
      expect([args, code]).toEqual([args, 2]);
      expect(JSON.parse(stdout).error.message).not.toBe("");
      expect(stderr).not.toContain("    at ");
    }
  });

  it("doctor finds nothing bad", async () => {
    const { findings } = await json<{ findings: { check: string; state: string }[] }>("doctor");
    expect(findings.filter(({ state }) => state === "bad")).toEqual([]);
  });
});

describe("while a server runs", () => {
  let server: RunningServer;
  let token = "";

  beforeAll(async () => {
    server = await slipwayUp({ cwd });
    const file = join(cwd, ".slipway", "control.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    token = JSON.parse(readFileSync(file, "utf8")).token;
  });

  it("commands in the project go through it", async () => {
    expect(await json("status")).toMatchObject({
      running: true,
      predictions: server.predictions,
      console: server.console,
      models: [{ model: "payer", version: 1, state: "ready" }],
    });
    const nested = await slipway(["status", "--json"], { cwd: join(cwd, ".slipway") });
    expect(JSON.parse(nested.stdout)).toMatchObject({ running: true });
  });

  it("predict asks it, and replay recomputes", async () => {
    const record = JSON.stringify({ age: 40, plan: "pro" });
    const answer = await json<{ predictions: number[]; predictionId: string }>(
      "predict",
      "--json-record",
      record,
    );
    expect(answer.predictions).toHaveLength(1);
    const piped = await slipway(["predict", "payer", "--json"], { cwd, input: `${record}\n${record}\n` });
    expect(JSON.parse(piped.stdout).predictions).toEqual([answer.predictions[0], answer.predictions[0]]);
    expect(await json("replay", answer.predictionId)).toMatchObject({ predictions: 1, identical: 1 });
    expect(await json("replay", "--since", "1h", "--all")).toMatchObject({ predictions: 3, identical: 3 });
    const refused = await slipway(["predict", "payer", "--json-record", '{"age":"old","plan":"pro"}'], {
      cwd,
    });
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("age")]);
  });

  it("commands elsewhere reach it by address and token, and not without", async () => {
    const elsewhere = (...args: string[]) =>
      slipway([...args, "--server", server.console, "--json"], { cwd: "/" });
    expect(JSON.parse((await elsewhere("models", "--token", token)).stdout)).toMatchObject({
      models: [{ name: "payer" }],
    });
    const without = await elsewhere("models");
    expect([without.code, JSON.parse(without.stdout).error.code]).toEqual([1, "CLI_TOKEN_WANTED"]);
    const wrong = await elsewhere("models", "--token", "0123456789abcdef");
    expect([wrong.code, JSON.parse(wrong.stdout).error.code]).toEqual([1, "HTTP_TOKEN_WRONG"]);
  });

  it("stop ends it, and commands work without it again", async () => {
    const ended = new Promise((resolve) => server.process.once("exit", resolve));
    expect(await json("stop")).toEqual({ stopping: true });
    expect(await ended).toBe(0);
    expect(await json("status")).toMatchObject({ running: false });
    expect(await json("stop")).toEqual({ stopping: false });
  });

  it("a file left by a server that died is not believed", async () => {
    writeFileSync(
      join(cwd, ".slipway", "control.json"),
      JSON.stringify({ address: "http://127.0.0.1:9", token, pid: 1 }),
    );
    expect(await json("status")).toMatchObject({ running: false });
  });
});
