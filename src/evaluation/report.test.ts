import { describe, expect, it } from "vitest";
import { canonicalJson, createRandom } from "../kernel/index.ts";
import { type EvaluationInput, evaluate } from "./report.ts";

function binaryInput(rowCount: number, categories: number): EvaluationInput {
  const random = createRandom(`report ${rowCount}`);
  const predictions = Float64Array.from({ length: rowCount }, () => random.float());
  return {
    task: "binary",
    predictions,
    labels: predictions.map((prediction) => (random.float() < prediction ? 1 : 0)),
    slices: [
      {
        column: "origin",
        values: {
          kind: "string",
          codes: Int32Array.from({ length: rowCount }, () => random.integer(categories)),
          dictionary: Array.from({ length: categories }, (_, i) => `airport ${i}`),
        },
      },
    ],
    bootstrap: { seed: 1, replicates: 50 },
  };
}

describe("evaluate", () => {
  it("reports everything there is about a binary model as plain JSON, the same each time", () => {
    const input = binaryInput(3000, 3);
    const report = evaluate(input);
    expect(report.rows).toBe(3000);
    expect(report.metrics.map(({ name }) => name)).toEqual([
      "auc",
      "logLoss",
      "brier",
      "prAuc",
      "accuracy",
      "precision",
      "recall",
      "f1",
    ]);
    expect(report.slices.map(({ rows }) => rows).reduce((a, b) => a + b)).toBe(3000);
    expect(report.calibration).toHaveLength(10);
    expect(report.ece).toBeLessThan(0.05);
    expect(report.thresholds).toHaveLength(19);
    expect(Math.abs(report.meanLabel! - report.meanPrediction!)).toBeLessThan(0.03);
    expect(canonicalJson(evaluate(input))).toBe(canonicalJson(report));
  });

  it("reports the 50 largest slices and says what it left out", () => {
    const report = evaluate(binaryInput(3000, 80));
    expect(report.slices).toHaveLength(50);
    const shown = report.slices.reduce((sum, { rows }) => sum + rows, 0);
    expect(report.omittedSlices).toEqual([{ column: "origin", values: 30, rows: 3000 - shown }]);
  });

  it("weighs rows", () => {
    const input = binaryInput(500, 2);
    const weights = Float64Array.from(input.labels, (label) => (label === 1 ? 3 : 1));
    const positives = input.labels.reduce((sum, label) => sum + label, 0);
    expect(evaluate({ ...input, weights }).meanLabel).toBeCloseTo(
      (3 * positives) / (500 + 2 * positives),
      12,
    );
    const none = evaluate({ ...input, weights: new Float64Array(500) });
    expect(
      none.metrics.every(({ value, low, high }) => value === null && low === null && high === null),
    ).toBe(true);
    expect([none.meanLabel, none.ece]).toEqual([null, null]);
  });

  it("has no calibration for regression", () => {
    const labels = Float64Array.of(1, 2, 3, 4);
    const report = evaluate({
      task: "regression",
      labels,
      predictions: labels.map((y) => y + 1),
      bootstrap: { seed: 0 },
    });
    expect(report.metrics.map(({ name, value }) => [name, value])).toEqual([
      ["rmse", 1],
      ["mae", 1],
      ["r2", 0.19999999999999996],
    ]);
    expect(report).not.toHaveProperty("calibration");
  });

  it("refuses rows that do not belong together and predictions that are none", () => {
    const input = binaryInput(10, 2);
    const codeOf = (change: Partial<EvaluationInput>) => {
      try {
        evaluate({ ...input, ...change });
      } catch (error) {
        return (error as { code: string }).code;
      }
      return "nothing thrown";
    };
    expect(codeOf({ predictions: new Float64Array(9) })).toBe("EVALUATION_BAD_INPUT");
    expect(codeOf({ weights: new Float64Array(9) })).toBe("EVALUATION_BAD_INPUT");
    expect(codeOf({ labels: new Float64Array(0), predictions: new Float64Array(0) })).toBe(
      "EVALUATION_BAD_INPUT",
    );
    expect(
      codeOf({ slices: [{ column: "x", values: { kind: "number", values: new Float64Array(3) } }] }),
    ).toBe("EVALUATION_BAD_INPUT");
    expect(codeOf({ predictions: input.predictions.map((p, row) => (row === 3 ? Number.NaN : p)) })).toBe(
      "EVALUATION_BAD_PREDICTION",
    );
    expect(codeOf({ predictions: input.predictions.map((p) => p + 1) })).toBe("EVALUATION_BAD_PREDICTION");
  });
});
