import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRandom, log, type Random } from "../kernel/index.ts";
import { bootstrap, estimateMetrics, replicateQuantiles } from "./resampling.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { metricsOf } from "./spec.ts";

/** Labels 0, predictions from an exponential distribution with mean 1: MAE is the mean of the predictions. */
function exponentialErrors(rowCount: number, random: Random): ScoredRows {
  return {
    task: "regression",
    labels: new Float64Array(rowCount),
    predictions: Float64Array.from({ length: rowCount }, () => -log(1 - random.float())),
  };
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (values.length - 1),
  );
}

const MAE = metricsOf({ task: "regression" }).indexOf("mae");
const AUC = metricsOf({ task: "binary" }).indexOf("auc");

describe("bootstrap", () => {
  it("spreads a mean as its standard error says", () => {
    const scored = exponentialErrors(2000, createRandom("spread"));
    const [replicates] = bootstrap([scored], { seed: 1, replicates: 1000 });
    const theory = deviation(scored.predictions) / Math.sqrt(2000);
    expect(deviation(replicates!.values[MAE]!) / theory).toBeCloseTo(1, 1);
  });

  it("spreads AUC as DeLong's standard error says", () => {
    const golden = JSON.parse(
      readFileSync(new URL("../../test/golden/evaluation-metrics.json", import.meta.url), "utf8"),
    );
    for (const example of golden) {
      if (typeof example.aucStandardError !== "number" || example.aucStandardError === 0) continue;
      const scored: ScoredRows = {
        task: "binary",
        labels: Float64Array.from(example.labels),
        predictions: Float64Array.from(example.predictions),
      };
      const [replicates] = bootstrap([scored], { seed: 2, replicates: 1000 });
      const ratio = deviation(replicates!.values[AUC]!) / example.aucStandardError;
      expect(Math.abs(ratio - 1), example.name).toBeLessThan(0.1);
    }
  });

  it("covers the truth about as often as it says", () => {
    const random = createRandom("coverage");
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const mae = estimateMetrics(exponentialErrors(150, random), {
        seed: trial,
        replicates: 200,
        confidence: 0.9,
      })[MAE]!;
      if (mae.low! <= 1 && mae.high! >= 1) covered++;
    }
    // 0.9 ± 3 standard errors, and a little below because the percentile method leans that way on skewed data.
    expect(covered / 300).toBeGreaterThan(0.83);
    expect(covered / 300).toBeLessThan(0.955);
  });

  it("measures the spread of very many rows on a sample, scaled to all of them", () => {
    const scored = exponentialErrors(450_000, createRandom("many"));
    const [replicates] = bootstrap([scored], { seed: 4, replicates: 60 });
    const theory = deviation(scored.predictions) / Math.sqrt(450_000);
    const values = replicates!.values[MAE]!;
    expect(Math.abs(deviation(values) / theory - 1)).toBeLessThan(0.3);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean - replicates!.point[MAE]!)).toBeLessThan(theory);
  });

  it("pairs models: equal predictions differ by nothing in every replicate", () => {
    const scored = exponentialErrors(100, createRandom("pair"));
    const worse = { ...scored, predictions: scored.predictions.map((prediction) => prediction + 0.25) };
    const [a, b, c] = bootstrap([scored, scored, worse], { seed: 5, replicates: 50 });
    expect(b!.values).toEqual(a!.values);
    for (let i = 0; i < 50; i++) expect(c!.values[MAE]![i]! - a!.values[MAE]![i]!).toBeCloseTo(0.25, 10);
  });

  it("gives the same numbers for the same seed and others for another", () => {
    const scored = exponentialErrors(100, createRandom("seed"));
    const run = (seed: number) => bootstrap([scored], { seed, replicates: 5 });
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
    expect(Array.from(run(1)[0]!.values[MAE]!)).toEqual([
      0.9029403215817575, 1.1331968382943522, 0.9275907159201725, 1.1268828616286046, 1.1085588634444965,
    ]);
  });
});

describe("estimateMetrics", () => {
  it("has no value where a metric is undefined, and no bounds where it often is", () => {
    const scored: ScoredRows = {
      task: "binary",
      labels: Float64Array.of(0, 0, 0, 0, 0, 0),
      predictions: Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.3, 0.2),
    };
    const auc = (rows: ScoredRows) => estimateMetrics(rows, { seed: 0 })[AUC];
    expect(auc(scored)).toEqual({ name: "auc", value: null, low: null, high: null });
    const once = { ...scored, labels: Float64Array.of(0, 0, 0, 1, 0, 0) };
    // The one positive is left out of 37 % of the replicates.
    expect(auc(once)).toEqual({ name: "auc", value: 1, low: null, high: null });
  });

  it("puts the value between its bounds", () => {
    for (const { value, low, high } of estimateMetrics(exponentialErrors(500, createRandom(8)), {
      seed: 8,
    })) {
      if (value === null) continue;
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });
});

describe("replicateQuantiles", () => {
  it("ignores a few undefined replicates and gives up on many", () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => (i < 5 ? Number.NaN : i));
    expect(replicateQuantiles(values, [0, 1])).toEqual([5, 99]);
    values[50] = Number.NaN;
    expect(replicateQuantiles(values, [0, 1])).toEqual([Number.NaN, Number.NaN]);
  });
});
