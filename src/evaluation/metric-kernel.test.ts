import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calibrationOf } from "./calibration.ts";
import { metricKernel, pointValues } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { type MetricName, metricsOf } from "./spec.ts";
import { thresholdTable } from "./threshold-table.ts";

interface GoldenCase {
  readonly name: string;
  readonly task: "binary" | "regression";
  readonly labels: number[];
  readonly predictions: number[];
  readonly weights: number[] | null;
  readonly metrics: Record<string, number | null>;
  readonly calibration?: [number, number, number][];
  readonly ece?: number;
  readonly thresholds?: [number, number, number, number, number][];
}

const golden: GoldenCase[] = JSON.parse(
  readFileSync(new URL("../../test/golden/evaluation-metrics.json", import.meta.url), "utf8"),
);

function scoredOf({ task, labels, predictions, weights }: GoldenCase): ScoredRows {
  return {
    task,
    labels: Float64Array.from(labels),
    predictions: Float64Array.from(predictions),
    ...(weights === null ? {} : { weights: Float64Array.from(weights) }),
  };
}

function expectClose(got: number | null | undefined, want: number | null, what: string): void {
  if (want === null) expect(got === null || Number.isNaN(got), `${what}: ${got}`).toBe(true);
  else
    expect(Math.abs(got! - want), `${what}: ${got} for ${want}`).toBeLessThanOrEqual(1e-12 * Math.abs(want));
}

function metricsByName(scored: ScoredRows): Record<string, number> {
  const values = pointValues(metricKernel(scored));
  return Object.fromEntries(metricsOf(scored).map((name, index) => [name, values[index]!]));
}

describe("metrics against scikit-learn", () => {
  for (const example of golden) {
    it(example.name, () => {
      const scored = scoredOf(example);
      const got = metricsByName(scored);
      expect(Object.keys(got).sort()).toEqual(Object.keys(example.metrics).sort());
      for (const [name, want] of Object.entries(example.metrics)) expectClose(got[name], want, name);
    });
  }

  it.each(golden.filter(({ task }) => task === "binary"))("calibration and thresholds: $name", (example) => {
    const scored = scoredOf(example);
    const { bins, ece } = calibrationOf(scored);
    expect(bins.map(({ rows }) => rows)).toEqual(example.calibration!.map(([rows]) => rows));
    for (const [index, [, predicted, observed]] of example.calibration!.entries()) {
      expectClose(bins[index]?.predicted, predicted, `predicted of bin ${index}`);
      expectClose(bins[index]?.observed, observed, `observed of bin ${index}`);
    }
    expect(ece).toBeCloseTo(example.ece!, 13);
    const table = thresholdTable(scored);
    expect(table.map(({ threshold }) => threshold)).toEqual(
      example.thresholds!.map(([threshold]) => threshold),
    );
    for (const [index, [, ...counts]] of example.thresholds!.entries()) {
      const row = table[index]!;
      const got = [row.truePositives, row.falsePositives, row.trueNegatives, row.falseNegatives];
      for (const [i, count] of counts.entries()) expect(got[i]).toBeCloseTo(count, 9);
    }
  });
});

const scoredBinary = fc
  .array(
    fc.record({
      label: fc.constantFrom(0, 1),
      prediction: fc.double({ min: 0, max: 1, noNaN: true }),
      weight: fc.integer({ min: 0, max: 3 }),
    }),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .chain((rows) =>
    fc.constantFrom(
      rows,
      rows.map((row) => ({ ...row, prediction: Math.round(row.prediction * 4) / 4 })),
    ),
  );

function binaryOf(rows: readonly { label: number; prediction: number; weight?: number }[]): ScoredRows {
  const scored = {
    task: "binary" as const,
    labels: Float64Array.from(rows, ({ label }) => label),
    predictions: Float64Array.from(rows, ({ prediction }) => prediction),
  };
  return rows[0]?.weight === undefined
    ? scored
    : { ...scored, weights: Float64Array.from(rows, ({ weight }) => weight!) };
}

function expectSame(
  a: Record<string, number>,
  b: Record<string, number>,
  only?: readonly MetricName[],
): void {
  for (const name of only ?? Object.keys(a)) {
    if (Number.isNaN(a[name])) expect(b[name], name).toBeNaN();
    else expect(b[name], name).toBeCloseTo(a[name]!, 10);
  }
}

describe("properties of the metrics", () => {
  it("a row of weight 3, a row counted 3 times and a row that stands there 3 times are the same", () => {
    fc.assert(
      fc.property(scoredBinary, (rows) => {
        const unweighted = rows.map(({ label, prediction }) => ({ label, prediction }));
        const repeated = rows.flatMap(({ label, prediction, weight }) =>
          Array.from({ length: weight }, () => ({ label, prediction })),
        );
        fc.pre(repeated.length > 0);
        const want = metricsByName(binaryOf(repeated));
        expectSame(want, metricsByName(binaryOf(rows)));
        const kernel = metricKernel(binaryOf(unweighted));
        const out = new Float64Array(kernel.metrics.length);
        kernel.compute(
          Uint8Array.from(rows, ({ weight }) => weight),
          out,
        );
        expectSame(want, Object.fromEntries(kernel.metrics.map((name, index) => [name, out[index]!])));
      }),
    );
  });

  it("the order of the rows does not matter, and AUC depends on ranks alone", () => {
    fc.assert(
      fc.property(scoredBinary, (rows) => {
        const want = metricsByName(binaryOf(rows));
        expectSame(want, metricsByName(binaryOf(rows.toReversed())));
        const squared = rows.map((row) => ({ ...row, prediction: row.prediction / 2 + 0.25 }));
        const halves = new Set(rows.map(({ prediction }) => prediction));
        fc.pre(new Set(squared.map(({ prediction }) => prediction)).size === halves.size);
        expectSame(want, metricsByName(binaryOf(squared)), ["auc", "prAuc"]);
      }),
    );
  });

  it("AUC is the share of pairs in the right order, ties half", () => {
    fc.assert(
      fc.property(scoredBinary, (rows) => {
        let right = 0;
        let pairs = 0;
        for (const a of rows) {
          for (const b of rows) {
            if (a.label !== 1 || b.label !== 0) continue;
            const weight = a.weight * b.weight;
            pairs += weight;
            right += weight * (a.prediction > b.prediction ? 1 : a.prediction === b.prediction ? 0.5 : 0);
          }
        }
        expectSame({ auc: pairs === 0 ? Number.NaN : right / pairs }, metricsByName(binaryOf(rows)));
      }),
    );
  });

  it("regression metrics do not notice a shift of labels and predictions", () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 30 }), (rows) => {
        const at = (shift: number) =>
          metricsByName({
            task: "regression",
            labels: Float64Array.from(rows, ([label]) => Math.round(label) + shift),
            predictions: Float64Array.from(rows, ([, prediction]) => Math.round(prediction) + shift),
          });
        expectSame(at(0), at(1 << 20));
      }),
    );
  });

  it("thresholds agree with a direct count, also on the thresholds themselves", () => {
    const prediction = fc.oneof(
      fc.integer({ min: 0, max: 20 }).map((i) => i / 20),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ label: fc.constantFrom(0, 1), prediction }), { minLength: 1 }),
        (rows) => {
          for (const row of thresholdTable(binaryOf(rows))) {
            const said = rows.filter((candidate) => candidate.prediction >= row.threshold);
            expect(row.truePositives).toBe(said.filter(({ label }) => label === 1).length);
            expect(row.falsePositives).toBe(said.filter(({ label }) => label === 0).length);
          }
        },
      ),
    );
  });
});
