import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../kernel/index.ts";
import { checkGates, decideGates, type GateEvidence, type GateResult, gateVerdict } from "./gates.ts";
import { atLeast, atMost, type GateSpec, notWorseThanChampion } from "./spec.ts";

/** Labels 0, the candidate off by about 1, the champion by `champion` times as much. */
function regressionEvidence(rowCount: number, champion?: number): GateEvidence {
  const random = createRandom(`gates ${rowCount}`);
  const predictions = Float64Array.from({ length: rowCount }, () => 2 * random.float());
  return {
    task: "regression",
    labels: new Float64Array(rowCount),
    predictions,
    ...(champion === undefined
      ? {}
      : { champion: { version: 3, predictions: predictions.map((prediction) => prediction * champion) } }),
    bootstrap: { seed: 1, replicates: 100 },
  };
}

function decideOne(gate: GateSpec, evidence: GateEvidence): GateResult {
  const results = decideGates([gate], evidence);
  expect(results).toHaveLength(1);
  return results[0]!;
}

describe("a bound", () => {
  const evidence = regressionEvidence(400);

  it("is kept or broken by the value itself, the bound included", () => {
    const { value } = decideOne(atMost("mae", 5), evidence);
    expect(decideOne(atMost("mae", value!), evidence)).toEqual({
      gate: `mae at most ${value}`,
      outcome: "passed",
      reason: expect.stringMatching(/^\d\.\d+$/),
      metric: "mae",
      value,
      bound: value,
    });
    expect(decideOne(atMost("mae", value! - 1e-9), evidence).outcome).toBe("failed");
    expect(decideOne(atLeast("mae", value! + 1e-9), evidence).outcome).toBe("failed");
  });

  it("with a confidence is kept only if the confidence bound keeps it", () => {
    const point = decideOne(atMost("mae", 5), evidence).value!;
    const upper = decideOne(atMost("mae", 5, { confidence: 0.95 }), evidence).value!;
    const lower = decideOne(atLeast("mae", 0.1, { confidence: 0.95 }), evidence).value!;
    expect(lower).toBeLessThan(point);
    expect(point).toBeLessThan(upper);
    const between = (point + upper) / 2;
    expect(decideOne(atMost("mae", between), evidence).outcome).toBe("passed");
    const strict = decideOne(atMost("mae", between, { confidence: 0.95 }), evidence);
    expect(strict.outcome).toBe("failed");
    expect(strict.reason).toMatch(/^\d\.\d+, upper 95 % bound \d\.\d+$/);
  });

  it("is not evaluated on too few rows", () => {
    const few = regressionEvidence(29);
    expect(decideOne(atMost("mae", 5), few).outcome).toBe("passed");
    expect(decideOne(atMost("mae", 5, { confidence: 0.9 }), few)).toMatchObject({
      outcome: "not-evaluated",
      reason: "29 evaluation rows, 30 wanted",
      value: null,
      bound: 5,
    });
    expect(decideOne(atMost("mae", 5, { confidence: 0.9, minimumRows: 10 }), few).outcome).toBe("passed");
    expect(decideOne(atMost("mae", 5, { minimumRows: 50 }), few).outcome).toBe("not-evaluated");
    const none = regressionEvidence(0);
    expect(decideOne(atMost("mae", 5), none)).toMatchObject({
      outcome: "not-evaluated",
      reason: "there are no evaluation rows",
    });
  });

  it("is not evaluated where the metric is undefined", () => {
    expect(decideOne(atLeast("r2", 0), evidence)).toMatchObject({
      outcome: "not-evaluated",
      reason: "r2 is undefined: the target is 0 in every row",
    });
    const binary: GateEvidence = {
      task: "binary",
      labels: new Float64Array(40).fill(1),
      predictions: new Float64Array(40).fill(0.25),
      champion: { version: 1, predictions: new Float64Array(40).fill(0.5) },
      bootstrap: { seed: 0, replicates: 20 },
    };
    const gates = [atLeast("auc", 0.5), notWorseThanChampion("auc"), atLeast("precision", 0.1)];
    expect(decideGates(gates, binary).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["not-evaluated", "auc is undefined: the target is 1 in every row"],
      ["not-evaluated", "auc is undefined: the target is 1 in every row"],
      ["not-evaluated", "precision is undefined: no prediction reaches 0.5"],
    ]);
  });
});

describe("against the champion", () => {
  it("passes when better or equal, and fails when worse by more than the margin", () => {
    expect(decideOne(notWorseThanChampion("mae"), regressionEvidence(400, 1.1)).outcome).toBe("passed");
    expect(decideOne(notWorseThanChampion("mae"), regressionEvidence(400, 1))).toMatchObject({
      outcome: "passed",
      value: 0,
      bound: 0,
    });
    const worse = decideOne(notWorseThanChampion("mae"), regressionEvidence(400, 0.98));
    expect(worse.outcome).toBe("failed");
    expect(worse.reason).toMatch(/^\S+ against \S+ of v3: \+0\.0\d+, upper 95 % bound \+0\.0\d+$/);
    expect(
      decideOne(notWorseThanChampion("mae", { margin: 0.03 }), regressionEvidence(400, 0.98)).outcome,
    ).toBe("passed");
  });

  it("fails when only the confidence bound is worse than the margin", () => {
    const random = createRandom("noise");
    const labels = Float64Array.from({ length: 300 }, () => (random.float() < 0.5 ? 1 : 0));
    const predictions = labels.map((label) => 0.3 + 0.3 * label + 0.1 * random.float());
    const noisy = predictions.map((prediction) => prediction + 0.3 * (random.float() - 0.5));
    const gate = notWorseThanChampion("brier", { margin: 0.001 });
    const evidence: GateEvidence = {
      task: "binary",
      labels,
      predictions: noisy,
      champion: { version: 1, predictions: noisy.slice() },
      bootstrap: { seed: 3, replicates: 200 },
    };
    expect(decideOne(gate, evidence).outcome).toBe("passed");
    const shuffledNoise = predictions.map((prediction) => prediction + 0.3 * (random.float() - 0.5));
    const uncertain = decideOne(gate, { ...evidence, champion: { version: 1, predictions: shuffledNoise } });
    expect(uncertain.value).toBeGreaterThan(0.001);
    expect(uncertain.outcome).toBe("failed");
  });

  it("looks downwards for metrics of which more is better", () => {
    const labels = Float64Array.from({ length: 200 }, (_, i) => i % 2);
    const good = labels.map((label, i) => (label + ((i * 7) % 10) / 10) / 2);
    const bad = labels.map((label, i) => (label + ((i * 7) % 10) / 3) / 5);
    const evidence = (ours: Float64Array, theirs: Float64Array): GateEvidence => ({
      task: "binary",
      labels,
      predictions: ours,
      champion: { version: 2, predictions: theirs },
      bootstrap: { seed: 3, replicates: 100 },
    });
    const passed = decideOne(notWorseThanChampion("auc", { margin: 0.01 }), evidence(good, bad));
    expect(passed).toMatchObject({ outcome: "passed", bound: -0.01 });
    expect(passed.value).toBeGreaterThan(0);
    const failed = decideOne(notWorseThanChampion("auc", { margin: 0.01 }), evidence(bad, good));
    expect(failed.outcome).toBe("failed");
    expect(failed.value).toBeLessThan(-0.01);
  });

  it("is not evaluated without a champion, or with one that cannot answer", () => {
    const gate = notWorseThanChampion("mae");
    expect(decideOne(gate, regressionEvidence(400))).toMatchObject({
      outcome: "not-evaluated",
      reason: "there is no champion to compare with",
      bound: null,
    });
    const unavailable = { version: 4, unavailable: 'it reads column "age", which the dataset no longer has' };
    expect(decideOne(gate, { ...regressionEvidence(400), champion: unavailable })).toMatchObject({
      outcome: "not-evaluated",
      reason: 'champion v4 could not be evaluated: it reads column "age", which the dataset no longer has',
    });
  });
});

describe("per slice", () => {
  /** `b` is off by far more than `a`; `c` and `d` are small. */
  const slices = [
    {
      column: "city",
      values: {
        kind: "string" as const,
        codes: Int32Array.from({ length: 400 }, (_, i) => (i < 200 ? 0 : i < 390 ? 1 : i < 396 ? 2 : 3)),
        dictionary: ["a", "b", "c", "d"],
      },
    },
  ];
  const evidence: GateEvidence = {
    ...regressionEvidence(400, 1),
    predictions: Float64Array.from({ length: 400 }, (_, i) => (i < 200 ? 1 : 3)),
    slices,
  };

  it("gives one result for each slice with enough rows, and one for those without", () => {
    const gate = atMost("mae", 2, { per: "city" });
    expect(decideGates([gate], evidence)).toEqual([
      {
        gate: "mae at most 2, per city",
        outcome: "passed",
        reason: "1",
        metric: "mae",
        slice: "a",
        value: 1,
        bound: 2,
      },
      {
        gate: "mae at most 2, per city",
        outcome: "failed",
        reason: "3",
        metric: "mae",
        slice: "b",
        value: 3,
        bound: 2,
      },
      {
        gate: "mae at most 2, per city",
        outcome: "not-evaluated",
        reason: "2 values of city have too few rows, 10 together; 100 wanted for each",
        metric: "mae",
        value: null,
        bound: 2,
      },
    ]);
  });

  it("names a single slice that is too small", () => {
    const results = decideGates([atMost("mae", 5, { per: "city", minimumRows: 5 })], evidence);
    expect(results.map(({ slice, outcome }) => [slice, outcome])).toEqual([
      ["a", "passed"],
      ["b", "passed"],
      ["c", "passed"],
      [undefined, "not-evaluated"],
    ]);
    expect(results.at(-1)!.reason).toBe('city "d" has 4 rows; 5 wanted for each');
  });

  it("compares with the champion on the rows of the slice", () => {
    const champion = {
      version: 1,
      predictions: new Float64Array(400).fill(2),
    };
    const results = decideGates([notWorseThanChampion("rmse", { per: "city" })], { ...evidence, champion });
    expect(results.map(({ slice, outcome }) => [slice, outcome])).toEqual([
      ["a", "passed"],
      ["b", "failed"],
      [undefined, "not-evaluated"],
    ]);
  });

  it("wants the column", () => {
    expect(() => decideGates([atMost("mae", 5, { per: "town" })], evidence)).toThrow(
      expect.objectContaining({ code: "EVALUATION_BAD_GATE" }),
    );
  });
});

describe("checkGates", () => {
  it("refuses metrics the task does not have and columns there are not", () => {
    checkGates({ task: "binary" }, [atLeast("auc", 0.6), atLeast("auc", 0.5, { per: "city" })], ["city"]);
    expect(() => checkGates({ task: "regression" }, [atLeast("auc", 0.6)], [])).toThrow(
      'the gate "auc at least 0.6" asks for auc, which a regression model does not have; it has rmse, mae, r2',
    );
    expect(() => checkGates({ task: "binary" }, [atLeast("auc", 0.5, { per: "city" })], [])).toThrow(
      /column "city"/,
    );
  });
});

describe("gateVerdict", () => {
  it("rejects for a failure and for nothing else", () => {
    const outcome = fc.constantFrom("passed", "failed", "not-evaluated");
    fc.assert(
      fc.property(fc.array(outcome), (outcomes) => {
        const results = outcomes.map(
          (each) =>
            ({ gate: "", outcome: each, reason: "", metric: "auc", value: null, bound: null }) as GateResult,
        );
        expect(gateVerdict(results)).toBe(outcomes.includes("failed") ? "rejected" : "accepted");
      }),
    );
    expect(gateVerdict([])).toBe("accepted");
  });
});

describe("decideGates", () => {
  it("decides the same from the same evidence, and a looser bound never fails where a tighter one passed", () => {
    const evidence = regressionEvidence(120, 1.02);
    const bound = fc.double({ min: 0.5, max: 1.5, noNaN: true });
    const confidence = fc.option(fc.constantFrom(0.8, 0.95), { nil: undefined });
    fc.assert(
      fc.property(bound, fc.double({ min: 0, max: 0.5, noNaN: true }), confidence, (tight, slack, sure) => {
        const options = sure === undefined ? {} : { confidence: sure };
        const decide = (limit: number) =>
          decideGates(
            [atMost("mae", limit, options), notWorseThanChampion("mae", { margin: limit - 0.5 })],
            evidence,
          );
        const [strict, loose] = [decide(tight), decide(tight + slack)];
        expect(decide(tight)).toEqual(strict);
        for (const [index, { outcome }] of strict.entries()) {
          if (outcome === "passed") expect(loose[index]!.outcome).toBe("passed");
        }
      }),
      { numRuns: 40 },
    );
  });
});
