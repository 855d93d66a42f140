import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeatureColumn } from "../../kernel/index.ts";
import { sealedScript } from "../testing/program.ts";
import {
  argumentsOf,
  channelColumns,
  configFiles,
  type JobSubject,
  jobEnvironment,
  jobLayout,
} from "./job-layout.ts";

const number = (name: string): FeatureColumn => ({ name, kind: "numeric", cardinality: 0 });

const subject: JobSubject = {
  spec: sealedScript("", {
    hyperparameters: { rate: 0.1, "max-depth": 3, deep: true, name: "a b" },
    environment: { TOKEN: "x", PYTHONHASHSEED: "7" },
  }).spec,
  layout: jobLayout("/job"),
  task: "multiclass",
  classes: ["red", "green"],
  columns: channelColumns([number("age"), { name: "site", kind: "categorical", cardinality: 9 }], true),
  channels: ["train", "validation"],
  seed: -3,
  threads: 4,
};

describe("the job directory of a program", () => {
  it("is that of SageMaker, said by its variables", () => {
    const environment = jobEnvironment(subject);
    expect(environment).toMatchObject({
      SAGEMAKER_BASE_DIR: "/job",
      SM_MODEL_DIR: "/job/model",
      SM_OUTPUT_DATA_DIR: "/job/output/data",
      SM_CHANNELS: '["train","validation"]',
      SM_CHANNEL_TRAIN: "/job/input/data/train",
      SM_CHANNEL_VALIDATION: "/job/input/data/validation",
      SM_HPS: '{"rate":0.1,"max-depth":3,"deep":true,"name":"a b"}',
      SM_HP_MAX_DEPTH: "3",
      SM_HP_DEEP: "true",
      SM_USER_ARGS: '["--deep","true","--max-depth","3","--name","a b","--rate","0.1"]',
      SM_NUM_CPUS: "4",
      SLIPWAY_TARGET_COLUMN: "target",
      SLIPWAY_WEIGHT_COLUMN: "weight",
      SLIPWAY_SEED: "-3",
      PYTHONHASHSEED: "7",
      TOKEN: "x",
    });
    expect(JSON.parse(environment.SM_TRAINING_ENV!)).toMatchObject({
      channel_input_dirs: { train: "/job/input/data/train", validation: "/job/input/data/validation" },
      hyperparameters: { rate: 0.1, "max-depth": 3 },
      model_dir: "/job/model",
      num_cpus: 4,
    });
    expect(argumentsOf(subject.spec)).toEqual(JSON.parse(environment.SM_USER_ARGS!));
  });

  it("tells hyperparameters as texts, and the columns as what they are", () => {
    const files = configFiles(subject);
    expect(files["hyperparameters.json"]).toEqual({
      rate: "0.1",
      "max-depth": "3",
      deep: "true",
      name: "a b",
    });
    expect(files["inputdataconfig.json"]).toMatchObject({ train: { ContentType: "text/csv" } });
    expect(files["features.json"]).toEqual({
      task: "multiclass",
      classes: ["red", "green"],
      seed: -3,
      target: "target",
      weight: "weight",
      features: [
        { column: "age", feature: "age", kind: "numeric" },
        { column: "site", feature: "site", kind: "categorical", cardinality: 9 },
      ],
    });
  });

  it("names columns so that every format takes them, and keeps them apart", () => {
    const names = ["origin=ATL", "title[7]", "title_7_", "Title[7]", "a b", "target", "weight", "größe"];
    const { features, target, weight } = channelColumns(names.map(number), true);
    expect([...features.map(({ column }) => column), target, weight]).toEqual([
      "origin=ATL",
      "title_7_",
      "title_7__2",
      "Title_7__3",
      "a_b",
      "target",
      "weight",
      "größe",
      "target_2",
      "weight_2",
    ]);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 }), (given) => {
        const columns = channelColumns(given.map(number), true);
        const all = [...columns.features.map(({ column }) => column), columns.target, columns.weight!];
        expect(new Set(all.map((column) => column.toLowerCase())).size).toBe(given.length + 2);
      }),
    );
  });
});
