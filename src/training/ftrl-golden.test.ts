import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeLinear, openEngine } from "../inference/index.ts";
import type { FeatureColumn } from "../kernel/index.ts";
import { type FtrlOptions, ftrl, trainModel } from "./index.ts";

interface Golden {
  readonly columns: readonly FeatureColumn[];
  readonly values: readonly (readonly (number | null)[])[];
  readonly targets: Readonly<Record<"binary" | "regression", readonly number[]>>;
  readonly weights: readonly number[];
  readonly cases: readonly {
    readonly name: string;
    readonly task: "binary" | "regression";
    readonly weighted?: boolean;
    readonly options: FtrlOptions;
    /** That are not 0, without the intercept. */
    readonly weights: number;
    readonly progressive: number;
    readonly predictions: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../test/golden/ftrl.json", import.meta.url), "utf8"),
);
const matrix = {
  rowCount: golden.weights.length,
  columns: golden.columns,
  values: golden.values.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN)),
};

/** Relative; both count in doubles and add up in different orders. */
const TOLERANCE = 1e-10;

describe("ftrl learns what a second implementation of the paper learns", () => {
  for (const { name, task, weighted, options, ...expected } of golden.cases) {
    it(`in the case "${name}"`, async () => {
      const target = Float64Array.from(golden.targets[task]);
      const weights = weighted ? { weights: Float64Array.from(golden.weights) } : {};
      const model = await trainModel(
        ftrl({ ...options, shuffle: false }),
        { task, train: { matrix, target, ...weights } },
        { seed: 1, threads: 1 },
      );
      const predictions = openEngine(model.engine, model.bytes).predictMatrix(matrix);
      for (const [row, value] of predictions.entries()) {
        const wanted = expected.predictions[row]!;
        expect(Math.abs(value - wanted), `row ${row}`).toBeLessThan(TOLERANCE * Math.abs(wanted));
      }
      expect(decodeLinear(model.bytes).slots.length).toBe(expected.weights);
      expect(model.summary).toContain(`progressive ${model.metric} ${expected.progressive.toPrecision(4)}`);
    });
  }
});
