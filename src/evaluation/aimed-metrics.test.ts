import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classTable } from "./class-table.ts";
import { decideGates } from "./gates.ts";
import { atLeast, atMost, evaluate, notWorseThanChampion } from "./index.ts";
import { metricKernel, pointValues } from "./metric-kernel.ts";
import type { ScoredRows } from "./scored-rows.ts";
import { metricsOf, type Subject } from "./spec.ts";

interface GoldenCase {
  readonly name: string;
  readonly subject: Subject;
  readonly classes?: number;
  readonly unseen?: number;
  readonly labels: number[];
  readonly predictions: number[];
  readonly weights: number[] | null;
  readonly metrics: Record<string, number | null>;
  /** Precision, recall and F1 of each class. */
  readonly table?: (number | null)[][];
  readonly confusion?: number[][];
}

const golden: GoldenCase[] = JSON.parse(
  readFileSync(new URL("../../test/golden/aimed-metrics.json", import.meta.url), "utf8"),
);

const named = (prefix: string, count = 0) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

function scoredOf({ subject, labels, predictions, weights, classes, unseen }: GoldenCase): ScoredRows {
  return {
    ...subject,
    labels: Float64Array.from(labels),
    predictions: Float64Array.from(predictions),
    ...(weights === null ? {} : { weights: Float64Array.from(weights) }),
    ...(classes === undefined ? {} : { classes: named("class", classes) }),
    ...(unseen === undefined ? {} : { unseenClasses: named("new", unseen) }),
  };
}

function closeTo(wanted: number | null): unknown {
  return wanted === null ? null : expect.closeTo(wanted, 11);
}

describe("metrics of classes, counts and quantiles against scikit-learn", () => {
  for (const example of golden) {
    it(example.name, () => {
      const scored = scoredOf(example);
      const values = [...pointValues(metricKernel(scored))].map((value) =>
        Number.isNaN(value) ? null : value,
      );
      const got = Object.fromEntries(metricsOf(scored).map((name, i) => [name, values[i]]));
      expect(got).toEqual(
        Object.fromEntries(Object.entries(example.metrics).map(([name, wanted]) => [name, closeTo(wanted)])),
      );
    });
  }

  it.each(golden.filter(({ table }) => table !== undefined))("class by class: $name", (example) => {
    const { classes, confusion, unseenClasses } = classTable(scoredOf(example));
    expect(classes.map(({ precision, recall, f1 }) => [precision, recall, f1])).toEqual(
      example.table!.map((row) => row.map(closeTo)),
    );
    expect(confusion!.rows).toEqual(example.confusion);
    expect(confusion!.actual).toHaveLength(example.classes! + example.unseen!);
    expect(unseenClasses?.length ?? 0).toBe(example.unseen);
  });
});

describe("an evaluation of classes", () => {
  const example = golden.find(({ name }) => name === "classes that are not predicted")!;
  const scored = scoredOf(example);
  const bootstrap = { seed: 1, replicates: 60 };

  it("reports intervals, slices and every class, and says which classes are new", () => {
    const half = Float64Array.from(example.labels, (_, row) => row % 2);
    const report = evaluate({
      ...scored,
      bootstrap,
      slices: [{ column: "half", values: { kind: "number", values: half } }],
    });
    expect(report.slices.map(({ value, rows }) => [value, rows])).toEqual([
      ["0", 40],
      ["1", 40],
    ]);
    const accuracy = report.metrics.find(({ name }) => name === "accuracy")!;
    expect(accuracy.low!).toBeLessThan(accuracy.value!);
    expect(accuracy.high!).toBeGreaterThan(accuracy.value!);
    expect(report.classes!.map(({ name }) => name)).toEqual(["class0", "class1", "class2"]);
    expect(report.unseenClasses!.map(({ name }) => name)).toEqual(["new0", "new1"]);
    expect(report.metrics.find(({ name }) => name === "top3")!.value).toBeNull();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("is gated, also against a champion of the same classes", () => {
    const gates = [
      atLeast("balancedAccuracy", 0.1),
      atMost("logLoss", 1),
      atLeast("top3", 0.5),
      notWorseThanChampion("logLoss", { margin: 0.01 }),
    ];
    const champion = { version: 3, predictions: scored.predictions };
    const results = decideGates(gates, { ...scored, bootstrap, champion });
    expect(results.map(({ outcome }) => outcome)).toEqual(["passed", "failed", "not-evaluated", "passed"]);
    expect(results[2]!.reason).toContain("no more classes than that");
  });

  it("ranks the class as the first among equals where probabilities tie", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), (classes) => {
        const predictions = new Float64Array(classes).fill(1 / classes);
        const hit = (label: number) => {
          const own = { task: "multiclass", classes: named("c", classes) } as const;
          const values = pointValues(metricKernel({ ...own, labels: Float64Array.of(label), predictions }));
          return values[metricsOf(own).indexOf("accuracy")];
        };
        expect([hit(0), hit(classes - 1)]).toEqual([1, 0]);
      }),
    );
  });
});

describe("gates on aims", () => {
  const quantile = scoredOf(golden.find(({ name }) => name === "a high quantile")!);
  const bootstrap = { seed: 1, replicates: 60 };

  it("hold pinball loss and coverage", () => {
    const gates = [atLeast("coverage", 0.2), atMost("coverage", 0.3), atMost("pinball", 5)];
    const outcomes = decideGates(gates, { ...quantile, bootstrap }).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["passed", "failed", "passed"]);
  });

  it("are refused where the model has no such metric, and for more coverage than the champion", () => {
    expect(() => decideGates([atMost("poissonDeviance", 1)], { ...quantile, bootstrap })).toThrow(
      /which a regression model does not have; it has pinball, coverage, rmse/,
    );
    expect(() => notWorseThanChampion("coverage")).toThrow(/held between atLeast\(\) and atMost\(\)/);
  });
});
