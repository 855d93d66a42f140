import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { errorOf, predict, repository, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { bundleFilePath, goodRecord, type SmallProject, smallProject, whatIsKept } from "./small-project.ts";

describe("a linear model, from the data to its replayed predictions", () => {
  let project: SmallProject;
  let trained: OperationOutput<"train">;

  beforeAll(async () => {
    project = smallProject("ftrl");
    writeFileSync(
      project.config,
      project.goodConfig
        .replace("gbdt, model", "ftrl, model")
        .replace("site: c.site,", "site: c.site.hashed(1_048_576),")
        .replace("gbdt({ trees: 5, leaves: 4 })", "ftrl({ epochs: 3 })"),
    );
    trained = await slipwayJson<OperationOutput<"train">>(["train"], { cwd: project.path });
  });
  afterAll(() => project.remove());

  it("is registered with what it learned from, its file as small as its weights are few", async () => {
    expect(trained).toMatchObject({ status: "accepted", champion: true, task: "binary" });
    expect(trained.summary).toMatch(/^\d+ of 1,048,583 weights, 3 passes, progressive logLoss 0\.\d+$/);
    expect(trained.importance.map(({ feature }) => feature).sort()).toEqual([
      "hour",
      "position",
      "price",
      "site",
    ]);
    const state = join(project.path, ".slipway");
    expect(readFileSync(bundleFilePath(state, trained.bundle, "model")).length).toBeLessThan(1000);
  });

  it("is reproduced, digest for digest", async () => {
    const verdict = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "clicked@1"], {
      cwd: project.path,
    });
    expect(verdict).toMatchObject({ verdict: "identical", differences: [] });
  });

  it("answers as a batch and one by one with the same bits, and every answer is replayed", async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd });
    try {
      const answer = await predict(server.predictions, "clicked", { instances: [goodRecord, goodRecord] });
      expect(answer.status).toBe(200);
      const rows = join(cwd, "rows.ndjson");
      const out = join(cwd, "predicted.ndjson");
      writeFileSync(rows, `${JSON.stringify(goodRecord)}\n`);
      await slipwayJson(["predict", "clicked", "--file", rows, "--out", out], { cwd });
      const { prediction } = JSON.parse(readFileSync(out, "utf8"));
      expect(answer.body).toEqual({ predictions: [prediction, prediction] });
      const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
      expect(replayed).toMatchObject({ predictions: 2, identical: 2, different: 0, unavailable: 0 });
    } finally {
      await server.stop();
    }
  });
});

/** A program for the shell that leaves one tree; its leaf's value is `leaf`. */
const oneTree = (leaf: string): string => `
echo '{"iteration": 1, "of": 1, "metric": "logLoss", "train": 0.5}'
echo "rows: $(($(wc -l < $SM_CHANNEL_TRAIN/train.csv) - 1))"
cat > $SM_MODEL_DIR/model.txt <<MODEL
tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=0
objective=binary sigmoid:1
feature_names=price

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=2.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=${leaf} -0.4

end of trees
MODEL
`;

/** Two processes that say who they are and stay; the program does not heed SIGTERM. */
const STUBBORN = `
trap '' TERM
sh -c 'echo pid $$; while :; do sleep 0.1; done' &
echo pid $$
while :; do sleep 0.1; done
`;

describe("a program as the trainer", () => {
  let project: SmallProject;
  const trainer = `command({ run: ["sh", "train.sh"], format: "lightgbm", graceMs: 200, hyperparameters: { depth: 1 } })`;

  beforeAll(() => {
    project = smallProject("command");
    const config = project.goodConfig
      .replace("csv, dataset, gbdt", "command, csv, dataset")
      .replace("gbdt({ trees: 5, leaves: 4 })", trainer);
    writeFileSync(project.config, config);
  });
  afterAll(() => project.remove());

  const writeProgram = (script: string): void => writeFileSync(join(project.path, "train.sh"), script);

  it("makes a version whose recipe names its code, and what it printed can be read", async () => {
    const options = { cwd: project.path, env: { TMPDIR: project.temporary } };
    writeProgram(oneTree("0.4"));
    const trained = await slipwayJson<OperationOutput<"train">>(["train"], options);
    expect(trained).toMatchObject({
      status: "accepted",
      champion: true,
      summary: "1 tree from model.txt (LightGBM (v4))",
      importance: [{ feature: "price", splits: 1 }, {}, {}, {}],
    });
    const shown = await slipwayJson<OperationOutput<"models.show">>(["model", "show", "clicked@1"], options);
    expect(shown.trainer).toMatchObject({
      kind: "command",
      files: [{ path: "train.sh", executable: false }],
    });
    const { code, stdout } = await slipway(["runs", "log", trained.run], options);
    expect({ code, lines: stdout.split("\n") }).toEqual({
      code: 0,
      lines: [
        "# $ sh train.sh --depth 1",
        '{"iteration": 1, "of": 1, "metric": "logLoss", "train": 0.5}',
        expect.stringMatching(/^rows: 2\d\d$/),
        "# ended with exit code 0",
        "",
      ],
    });
    expect((await whatIsKept(project)).temporaryFiles).toEqual([]);
  });

  it("is reproduced from the code that was kept and signed, and honestly when it is not deterministic", async () => {
    const options = { cwd: project.path };
    writeProgram("exit 1");
    const same = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "clicked@1"], options);
    expect(same).toMatchObject({ verdict: "identical", differences: [] });
    const signatures = join(project.path, ".slipway/signatures");
    renameSync(signatures, `${signatures}.away`);
    const untrusted = await slipway(["reproduce", "clicked@1", "--json"], options);
    expect(errorOf(untrusted).code).toBe("BUNDLE_CODE_UNTRUSTED");
    rmSync(signatures, { recursive: true, force: true });
    renameSync(`${signatures}.away`, signatures);
    writeProgram(oneTree("0.$(date +%N)1"));
    await slipwayJson(["train"], options);
    const { code, stdout } = await slipway(["reproduce", "clicked@2", "--json"], options);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "different", differences: [{ file: "model" }, {}] });
  });

  it("fails with what it said last, and leaves no version", async () => {
    writeProgram('echo "no data for Tuesday" > $SM_OUTPUT_DIR/failure; exit 3');
    const failed = await slipway(["train", "--json"], { cwd: project.path });
    expect(failed.code).toBe(2);
    expect(errorOf(failed)).toMatchObject({
      code: "TRAINING_PROGRAM_FAILED",
      message: "sh ended with exit code 3: no data for Tuesday",
    });
    expect((await whatIsKept(project)).versions).toHaveLength(2);
  });

  it("is stopped with everything it has started by Ctrl-C", async () => {
    writeProgram(STUBBORN);
    const { child, pids, ended } = await startTraining(project.path);
    process.kill(-child.pid!, "SIGINT");
    expect(await ended).toBe(130);
    await untilGone(pids);
    expect((await whatIsKept(project)).temporaryFiles).toEqual([]);
  });

  it("does not outlive a runner that is killed", async () => {
    writeProgram(STUBBORN);
    const { pids, ended } = await startTraining(project.path);
    const runner = parentOf(parentOf(pids[0]!));
    expect(readFileSync(`/proc/${runner}/cmdline`, "utf8")).toContain("runner-process");
    process.kill(runner, "SIGKILL");
    expect(await ended).toBe(1);
    await untilGone(pids);
    const jobs = join(project.path, ".slipway/blobs/tmp");
    while (existsSync(jobs) && readdirSync(jobs).length > 0) await pause(50);
  });
});

interface Started {
  readonly child: ChildProcess;
  /** Of the program first. */
  readonly pids: readonly number[];
  readonly ended: Promise<number | null>;
}

/** Trains in a process group of its own, as a terminal would, until both processes of the program have said who they are. */
async function startTraining(cwd: string): Promise<Started> {
  const child = spawn(process.execPath, [join(repository, "bin/slipway.js"), "train"], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", SLIPWAY_DATABASE_URL: "" },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (;;) {
    const pids = [...said.matchAll(/^\s*pid (\d+)$/gm)].map(([, pid]) => Number(pid));
    if (pids.length === 2) {
      const program = pids.find((pid) => parentOf(pid) !== pids.find((other) => other !== pid));
      return { child, pids: pids.toSorted((a) => (a === program ? -1 : 1)), ended };
    }
    if (child.exitCode !== null) throw new Error(`slipway train ended with ${child.exitCode}\n${said}`);
    await pause(50);
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) await pause(50);
}
