import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openEngine } from "../../src/inference/index.ts";
import { digestOf } from "../../src/kernel/index.ts";
import type { CommandOptions } from "../../src/training/command-spec.ts";
import { oneTree, scratch, sealedScript } from "../../src/training/testing/program.ts";
import {
  type TrainedModel,
  type TrainingData,
  type TrainingProgress,
  trainModel,
} from "../../src/training/trainer.ts";

const folder = scratch("train-command");
afterAll(folder.remove);

const rows = 60;
const matrix = {
  rowCount: rows,
  columns: [
    { name: "age", kind: "numeric", cardinality: 0 },
    { name: "site", kind: "categorical", cardinality: 3 },
  ] as const,
  values: [
    Float64Array.from({ length: rows }, (_, i) => i % 2),
    Float64Array.from({ length: rows }, (_, i) => i % 3),
  ],
};
const set = { matrix, target: Float64Array.from({ length: rows }, (_, i) => i % 2) };
const data: TrainingData = { task: "binary", train: set, validate: set };

interface Outcome {
  readonly model: TrainedModel;
  readonly log: readonly string[];
  readonly progress: readonly TrainingProgress[];
}

let jobs = 0;

async function train(
  script: string,
  options: Partial<CommandOptions> = {},
  given: TrainingData = data,
): Promise<Outcome> {
  const log: string[] = [];
  const progress: TrainingProgress[] = [];
  const { spec, readCode } = sealedScript(script, options);
  const jobDirectory = join(folder.path, `job-${jobs++}`);
  try {
    const model = await trainModel(spec, given, {
      seed: 5,
      threads: 1,
      onProgress: (event) => progress.push(event),
      program: {
        jobDirectory,
        projectRoot: folder.path,
        environment: { PATH: "/usr/bin:/bin" },
        readCode,
        writeParquet: async (path, columns) =>
          writeFileSync(path, JSON.stringify(columns.map((c) => c.column))),
        onLog: (lines, stream) => log.push(...lines.map((line) => `${stream}: ${line}`)),
      },
    });
    return { model, log, progress };
  } finally {
    expect(existsSync(jobDirectory)).toBe(false);
  }
}

const writeModel = (text: string, name = "model.txt"): string =>
  `cat > $SM_MODEL_DIR/${name} <<'MODEL'\n${text}\nMODEL\n`;
const good = writeModel(oneTree(["age", "site"]));

describe("a program as a trainer", () => {
  it("finds its rows, reports how far it is, and its model predicts", async () => {
    const { model, log, progress } = await train(
      `head -n 3 $SM_CHANNEL_TRAIN/train.csv; cat $SM_CHANNEL_VALIDATION/validation.parquet; echo
       echo "$@" from $(basename $(pwd))
       echo '{"iteration": 1, "of": 2, "metric": "logLoss", "train": 0.6, "validate": 0.7}'
       echo '{"epoch": 2, "epochs": 2, "loss": 0.5}' >> $SLIPWAY_METRICS_FILE
       echo careful >&2
       ${good}`,
      { hyperparameters: { depth: 3 } },
    );
    expect(log.slice(1, 6)).toEqual([
      "stdout: age,site,target",
      "stdout: 0,0,0",
      "stdout: 1,1,1",
      'stdout: ["age","site","target"]',
      "stdout: --depth 3 from code",
    ]);
    expect(log).toContain("stderr: careful");
    expect(log[0]).toBe("slipway: $ sh train.sh --depth 3");
    expect(log.at(-1)).toBe("slipway: ended with exit code 0");
    expect(progress).toEqual([
      { iteration: 1, of: 2, metric: "logLoss", train: 0.6, validate: 0.7 },
      { iteration: 2, of: 2, metric: "loss", train: 0.5 },
    ]);
    expect(model).toMatchObject({
      engine: "forest",
      iterations: 2,
      summary: "1 tree from model.txt (LightGBM (v4))",
    });
    expect(model.importance.map(({ feature, splits }) => [feature, splits])).toEqual([
      ["age", 1],
      ["site", 0],
    ]);
    expect(model.importance[0]!.gain).toBeGreaterThan(0.1);
    expect(model.importance[1]!.gain).toBe(0);
    const predictions = openEngine(model.engine, model.bytes).predictMatrix(matrix);
    expect(predictions[0]!).toBeCloseTo(1 / (1 + Math.exp(0.9)), 12);
    expect(predictions[1]!).toBeCloseTo(1 / (1 + Math.exp(-0.8)), 12);
  });

  it("gives the same bytes when it does the same, and others when it does not", async () => {
    const digest = async (script: string) => digestOf((await train(script)).model.bytes);
    expect(await digest(good)).toBe(await digest(`${good} echo again`));
    expect(await digest(writeModel(oneTree(["age", "site"], -0.8)))).not.toBe(await digest(good));
  });

  it("fails with what it wrote to output/failure, else with its last word", async () => {
    const failure = 'echo "no data for Tuesday" > $SM_OUTPUT_DIR/failure; exit 7';
    await expect(train(failure)).rejects.toMatchObject({
      code: "TRAINING_PROGRAM_FAILED",
      message: expect.stringMatching(/^sh ended with exit code 7: no data for Tuesday$/),
    });
    await expect(train("echo one >&2; echo two >&2; exit 1")).rejects.toMatchObject({
      message: expect.stringMatching(/ended with exit code 1: two$/),
      details: { how: "exit code 1", lastErrors: ["one", "two"] },
    });
    await expect(train("kill -KILL $$")).rejects.toMatchObject({
      message: expect.stringMatching(/ended with SIGKILL$/),
    });
    await expect(train("sleep 1000", { timeoutMs: 500, graceMs: 100 })).rejects.toMatchObject({
      code: "TRAINING_PROGRAM_TIMED_OUT",
      message: expect.stringMatching(/had not ended after 0\.5 s$/),
    });
  });

  it("must leave one model that can be read and fits", async () => {
    const cases: [string, Partial<CommandOptions>, string, RegExp][] = [
      ["", {}, "TRAINING_NO_MODEL_FILE", /has left nothing in its model directory/],
      [
        writeModel("a", "a.txt") + writeModel("b", "b.txt"),
        {},
        "TRAINING_NO_MODEL_FILE",
        /2 of them look like one \(a\.txt, b\.txt\)/,
      ],
      [good, { model: "other.txt" }, "TRAINING_NO_MODEL_FILE", /has not left "other\.txt"/],
      [writeModel("nonsense"), {}, "INFERENCE_BAD_MODEL_FILE", /LightGBM text file/],
      [writeModel(oneTree(["age", "sight"])), {}, "TRAINING_MODEL_MISMATCH", /its input "sight"/],
      [good, { format: "onnx" }, "INFERENCE_BAD_MODEL_FILE", /ONNX/],
      [good, { format: "xgboost" }, "INFERENCE_BAD_MODEL_FILE", /XGBoost/],
    ];
    for (const [script, options, code, message] of cases)
      await expect(train(script, options), String(message)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    const several = writeModel("notes", "notes.md") + good;
    expect((await train(several)).model.summary).toContain("model.txt");
    expect(
      (await train(several + writeModel("x", "x.txt"), { model: "model.txt" })).model.bytes,
    ).toBeDefined();
  });

  it("is told about weights by a column, and gets no channel for rows that there are not", async () => {
    const weighted = { ...set, weights: new Float64Array(rows).fill(2) };
    const { log } = await train(
      `echo $(sed -n 2p $SM_CHANNEL_TRAIN/train.csv) $SLIPWAY_WEIGHT_COLUMN $SM_CHANNELS\n${good}`,
      { channels: ["csv"] },
      { task: "binary", train: weighted },
    );
    expect(log).toContain('stdout: 0,0,0,2 weight ["train"]');
  });

  it("never writes code beside its job directory", async () => {
    const { spec, readCode } = sealedScript(good);
    const escaping = { ...spec, files: [{ ...spec.files[0]!, path: "../../escaped.sh" }] };
    await expect(
      trainModel(escaping, data, {
        seed: 1,
        threads: 1,
        program: {
          jobDirectory: join(folder.path, "escape"),
          projectRoot: folder.path,
          environment: { PATH: "/usr/bin:/bin" },
          readCode,
          writeParquet: async () => undefined,
          onLog: () => undefined,
        },
      }),
    ).rejects.toMatchObject({ code: "TRAINING_BAD_OPTION" });
    expect(() => readFileSync(join(folder.path, "escaped.sh"))).toThrow("ENOENT");
  });
});
