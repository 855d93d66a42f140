import { describe, expect, it } from "vitest";
import { atLeast, atMost, byHash, byRandom, byTime, type GateSpec, notWorseThanChampion } from "./spec.ts";

describe("splits as data", () => {
  it("carry their defaults, so that a recipe says all of it", () => {
    expect(byTime({ evaluateFrom: "2001-05-01" })).toEqual({
      by: "time",
      evaluateFrom: "2001-05-01",
      validateShare: 0.1,
    });
    expect(byHash({ key: "customer" })).toEqual({
      by: "hash",
      key: "customer",
      evaluateShare: 0.2,
      validateShare: 0.1,
      seed: 0,
    });
    expect(byRandom({ seed: 7, validateShare: 0 })).toEqual({
      by: "random",
      evaluateShare: 0.2,
      validateShare: 0,
      seed: 7,
    });
    expect(JSON.parse(JSON.stringify(byTime({ evaluateFrom: { share: 0.3 }, column: "at" })))).toEqual({
      by: "time",
      column: "at",
      evaluateFrom: { share: 0.3 },
      validateShare: 0.1,
    });
  });

  it.each([
    ["evaluateFrom", () => byTime({ evaluateFrom: "May 2001" })],
    ["evaluateFrom", () => byTime({ evaluateFrom: "2001-02-30" })],
    ["evaluateFrom.share", () => byTime({ evaluateFrom: { share: 1 } })],
    ["evaluateFrom.share", () => byTime({ evaluateFrom: { share: 0 } })],
    ["until", () => byTime({ evaluateFrom: "2001-05-01", until: "2001-05-01" })],
    ["until", () => byTime({ evaluateFrom: "2001-05-01", until: "soon" })],
    ["validateShare", () => byTime({ evaluateFrom: "2001-05-01", validateShare: -0.1 })],
    ["evaluateShare", () => byHash({ key: "customer", evaluateShare: 0 })],
    ["validateShare", () => byRandom({ validateShare: 1 })],
    ["evaluateShare", () => byRandom({ evaluateShare: Number.NaN })],
    ["seed", () => byRandom({ seed: 1.5 })],
  ])("refuse a bad %s by name", (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: "EVALUATION_BAD_SPLIT", details: expect.objectContaining({ option }) }),
    );
  });
});

describe("gates as data", () => {
  it("say what they ask and nothing else", () => {
    expect(atLeast("auc", 0.6)).toEqual({ kind: "bound", metric: "auc", at: "least", bound: 0.6 });
    expect(atMost("rmse", 3, { per: "city", minimumRows: 500, confidence: 0.9 })).toEqual({
      kind: "bound",
      metric: "rmse",
      at: "most",
      bound: 3,
      per: "city",
      minimumRows: 500,
      confidence: 0.9,
    });
    expect(notWorseThanChampion("logLoss", { margin: 0.002 })).toEqual({
      kind: "champion",
      metric: "logLoss",
      margin: 0.002,
      confidence: 0.95,
    });
  });

  it.each<[string, () => GateSpec]>([
    ["bound", () => atLeast("auc", Number.NaN)],
    ["margin", () => notWorseThanChampion("auc", { margin: -0.1 })],
    ["confidence", () => atLeast("auc", 0.5, { confidence: 95 })],
    ["confidence", () => notWorseThanChampion("auc", { confidence: 0.5 })],
    ["minimumRows", () => atMost("rmse", 1, { minimumRows: 0 })],
    ["metric", () => atLeast(JSON.parse('"AUC"'), 0.5)],
  ])("refuse a bad %s by name", (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: "EVALUATION_BAD_GATE", details: expect.objectContaining({ option }) }),
    );
  });
});
