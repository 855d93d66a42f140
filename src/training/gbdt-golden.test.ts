import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openEngine } from "../inference/index.ts";
import type { FeatureColumn } from "../kernel/index.ts";
import { type GbdtOptions, gbdt, trainModel } from "./index.ts";

type Task = "binary" | "regression" | "multiclass";

interface Golden {
  readonly lightgbm: string;
  readonly columns: readonly FeatureColumn[];
  readonly values: readonly (readonly (number | null)[])[];
  readonly targets: Readonly<Record<Task | "count", readonly number[]>>;
  readonly weights: readonly number[];
  readonly cases: readonly {
    readonly name: string;
    readonly task: Task;
    /** The task's own when absent. */
    readonly target?: "count";
    readonly weighted?: boolean;
    readonly options: GbdtOptions;
    readonly predictions: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../test/golden/gbdt-lightgbm.json", import.meta.url), "utf8"),
);
const matrix = {
  rowCount: golden.weights.length,
  columns: golden.columns,
  values: golden.values.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN)),
};

/** LightGBM keeps derivatives and labels as 32-bit floats. */
const TOLERANCE = 2e-6;

describe(`gbdt predicts what LightGBM ${golden.lightgbm} predicts`, () => {
  for (const { name, task, target: which = task, weighted, options, predictions } of golden.cases) {
    it(`in the case "${name}"`, async () => {
      const target = Float64Array.from(golden.targets[which]);
      const weights = weighted ? { weights: Float64Array.from(golden.weights) } : {};
      const model = await trainModel(
        gbdt(options),
        {
          task,
          ...(task === "multiclass" ? { classes: ["a", "b", "c", "d"] } : {}),
          train: { matrix, target, ...weights },
        },
        { seed: 1, threads: 1 },
      );
      const ours = openEngine(model.engine, model.bytes).predictMatrix(matrix);
      const scale = which === "regression" ? 10 : 1;
      const worst = ours.reduce((most, value, row) => Math.max(most, Math.abs(value - predictions[row]!)), 0);
      expect(worst / scale).toBeLessThan(TOLERANCE);
    });
  }
});
