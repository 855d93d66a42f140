import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMetricLine } from "./metric-line.ts";

describe("a line that a program prints", () => {
  it("is a report when it is an object of JSON with an iteration", () => {
    const cases: [string, unknown][] = [
      [
        '{"iteration": 3, "of": 100, "metric": "auc", "train": 0.7, "validate": 0.6}',
        { iteration: 3, of: 100, metric: "auc", train: 0.7, validate: 0.6 },
      ],
      [
        '  {"epoch": 2, "epochs": 5, "loss": 0.5, "val_loss": 0.6, "lr": 0.1}\r',
        { iteration: 2, of: 5, metric: "loss", train: 0.5, validate: 0.6 },
      ],
      ['{"step": 7}', { iteration: 7, of: 0, metric: "loss" }],
      ['{"iteration": 9, "of": 3}', { iteration: 9, of: 0, metric: "loss" }],
    ];
    for (const [line, report] of cases) expect(readMetricLine(line)).toEqual(report);
  });

  it("is anything else otherwise", () => {
    for (const line of [
      "",
      "epoch 3",
      "{}",
      "{not json}",
      '{"iteration": 1.5}',
      '{"iteration": -1}',
      '{"iteration": "1"}',
      "[1]",
    ])
      expect(readMetricLine(line)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (line) => {
        expect(() => readMetricLine(`{${line}}`)).not.toThrow();
      }),
    );
  });
});
