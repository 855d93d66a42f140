import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createForestEngine } from "../engine.ts";
import { problemOf } from "../forest.ts";
import { randomForest } from "../testing/random-forest.ts";
import { type Ensemble, problemOfEnsemble, splitKinds } from "./ensemble.ts";
import { createEnsembleEngine } from "./ensemble-engine.ts";
import { decodeEnsemble, encodeEnsemble } from "./ensemble-file.ts";
import { createEnsembleForests } from "./ensemble-forests.ts";
import { createEnsembleWalk } from "./ensemble-walk.ts";

/** Trees of one mask, of two, and of too many leaves for masks. */
const forestOf = (seed: number) => randomForest(seed, { trees: 6, mostLeaves: [20, 60, 100][seed % 3]! });

/** The ensemble that does what a random forest does, its trees dealt out to `sums` sums. */
function ensembleOf(seed: number, sums: number): Ensemble {
  const forest = forestOf(seed);
  const { features, nodeFeature, leafValue, treeLeaves } = forest;
  const sumOfLeaf = Int32Array.from(
    leafValue,
    (_, leaf) => (treeLeaves.findIndex((end) => end > leaf) - 1) % sums,
  );
  return {
    ...forest,
    task: sums > 1 ? "multiclass" : forest.task,
    arithmetic: "float64",
    base: new Float64Array(sums).fill(forest.base),
    baseIs: "first",
    aggregate: "sum",
    divisor: 1,
    link: sums > 1 ? { kind: "softmax" } : { kind: "identity" },
    nodeKind: Uint8Array.from(nodeFeature, (feature) =>
      features[feature]!.kind === "numeric" ? splitKinds.atMost : splitKinds.category,
    ),
    nodeMembers: new Int32Array(nodeFeature.length + 1),
    memberValues: new Float64Array(0),
    leafEntries: Int32Array.from({ length: leafValue.length + 1 }, (_, leaf) => leaf),
    entrySum: sumOfLeaf,
    entryValue: leafValue,
  };
}

/** What origins do differently: roundings, where the base comes in, zeros that are missing, categories as plain numbers. */
function inOriginsWays(ensemble: Ensemble, seed: number): Ensemble {
  const bit = (at: number): boolean => ((seed >>> at) & 1) === 1;
  const features = ensemble.features.map((column) =>
    bit(3) ? { ...column, kind: "numeric" as const, cardinality: 0 } : column,
  );
  const single = bit(0);
  return {
    ...ensemble,
    features,
    arithmetic: single ? "float32" : "float64",
    baseIs: bit(1) ? "last" : "first",
    divisor: bit(2) ? 3 : 1,
    nodeKind: ensemble.nodeKind.map((kind, node) =>
      kind === splitKinds.atMost && bit(4 + (ensemble.nodeFeature[node]! % 3))
        ? splitKinds.atMostZeroMissing
        : kind,
    ),
  };
}

const rows = (width: number) =>
  fc.array(
    fc.array(
      fc.oneof(
        fc.double(),
        fc.integer({ min: -2, max: 80 }),
        fc.constantFrom(Number.NaN, 0, -0, 0.5, -0.5, 31.9, 1e-36, -1e-35, 3e9),
      ),
      {
        minLength: width,
        maxLength: width,
      },
    ),
    { minLength: 1, maxLength: 20 },
  );

const seeds = fc.integer({ min: 0, max: 100_000 });

describe("an ensemble", () => {
  it("has the same bits as forests and by the rules of its origin, whatever the number of sums", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 4 }), fc.gen(), (seed, sums, gen) => {
        const ensemble = inOriginsWays(ensembleOf(seed, sums), seed);
        expect(problemOfEnsemble(ensemble)).toBeUndefined();
        const forests = createEnsembleForests(ensemble)!;
        const walk = createEnsembleWalk(ensemble);
        const width = ensemble.features.length;
        for (const row of gen(rows, width)) {
          const left = new Float64Array(sums);
          const right = new Float64Array(sums);
          forests.addUp(Float64Array.from(row), 0, left);
          walk.addUp(Float64Array.from([0, 0, 0, ...row]), 3, right);
          expect(left).toEqual(right);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("of one sum does what the forest does", () => {
    fc.assert(
      fc.property(seeds, fc.gen(), (seed, gen) => {
        const forest = forestOf(seed);
        expect(problemOf(forest)).toBeUndefined();
        const expected = createForestEngine({ ...forest, task: "regression" });
        const engine = createEnsembleEngine({ ...ensembleOf(seed, 1), task: "regression" });
        for (const row of gen(rows, forest.features.length))
          expect(engine.predictRow(Float64Array.from(row))).toBe(expected.predictRow(Float64Array.from(row)));
      }),
      { numRuns: 60 },
    );
  });

  it("answers a matrix as it answers its rows", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 3 }), fc.gen(), (seed, sums, gen) => {
        const ensemble = inOriginsWays(ensembleOf(seed, sums), seed);
        const engine = createEnsembleEngine(ensemble);
        const given = gen(rows, engine.featureCount);
        const matrix = {
          rowCount: given.length,
          columns: ensemble.features,
          values: ensemble.features.map((_, column) => Float64Array.from(given, (row) => row[column]!)),
        };
        const out = new Float64Array(sums);
        const expected = given.flatMap((row) => {
          engine.predictInto(Float64Array.from(row), out);
          return [...out];
        });
        expect([...engine.predictMatrix(matrix)]).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("is written and read back", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 3 }), (seed, sums) => {
        const bytes = encodeEnsemble(ensembleOf(seed, sums));
        expect(encodeEnsemble(decodeEnsemble(bytes))).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  it("of several outputs is not asked for one", () => {
    const engine = createEnsembleEngine(ensembleOf(1, 3));
    expect(() => engine.predictRow(new Float64Array(engine.featureCount))).toThrowError(
      expect.objectContaining({ code: "INFERENCE_SEVERAL_OUTPUTS" }),
    );
  });

  it.each<[string, Partial<Ensemble>]>([
    ["one sum for several classes", { task: "multiclass" }],
    ["a base is not finite", { base: Float64Array.of(Number.NaN) }],
    ["its divisor is 0", { divisor: 0 }],
    ["the slope of its link is -1", { link: { kind: "logistic", slope: -1 } }],
    ["has the value Infinity", { entryValue: new Float64Array(1_000).fill(Number.POSITIVE_INFINITY) }],
  ])("is not written when %s", (problem, change) => {
    const sound = ensembleOf(3, 1);
    const entryValue = change.entryValue?.subarray(0, sound.entryValue.length) ?? sound.entryValue;
    expect(() => encodeEnsemble({ ...sound, ...change, entryValue })).toThrowError(
      expect.objectContaining({ code: "INFERENCE_BAD_FOREST", message: expect.stringContaining(problem) }),
    );
  });
});
