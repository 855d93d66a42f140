import { describe, expect, it } from "vitest";
import { decodeEnsemble, openEngine } from "../inference/index.ts";
import { createRandom, digestOf, exp, log } from "../kernel/index.ts";
import { type GbdtOptions, gbdt, type TrainingData, type TrainingSet, trainModel } from "./index.ts";

const OPTIONS = { seed: 1, threads: 1 };
const CLASSES = ["high", "low", "middle"];

/** Numbers with missing values, categories, and a target for every task. */
function rowsOf(count: number, seed: number) {
  const random = createRandom(seed);
  const draw = (value: () => number) => Float64Array.from({ length: count }, value);
  const a = draw(() => (random.integer(12) === 0 ? Number.NaN : random.float() * 4 - 2));
  const b = draw(() => random.float() * 4 - 2);
  const category = draw(() => random.integer(9));
  const noise = draw(() => random.float() - 0.5);
  const score = a.map(
    (value, i) => (Number.isNaN(value) ? 0.5 : value) + b[i]! / 2 + (category[i] === 3 ? 1 : 0),
  );
  const targets = {
    regression: score.map((value, i) => 10 * value + 8 * noise[i]! * (1 + Math.abs(b[i]!))),
    count: score.map((value, i) => Math.max(0, Math.round(exp(value / 2) + 2 * noise[i]!))),
    multiclass: score.map((value, i) => (value + noise[i]! > 1 ? 0 : value + noise[i]! < -0.5 ? 1 : 2)),
    binary: score.map((value, i) => (value + 2 * noise[i]! > 0.8 ? 1 : 0)),
  };
  const matrix = {
    rowCount: count,
    columns: [
      { name: "a", kind: "numeric", cardinality: 0 },
      { name: "b", kind: "numeric", cardinality: 0 },
      { name: "category", kind: "categorical", cardinality: 9 },
    ] as const,
    values: [a, b, category],
  };
  return { matrix, targets, weights: draw(() => random.integer(5) / 4) };
}

interface Case {
  readonly name: string;
  readonly target: "regression" | "count" | "multiclass" | "binary";
  readonly options: GbdtOptions;
  /** The loss of one row, from what the engine predicts. */
  readonly loss: (y: number, predicted: Float64Array) => number;
}

const logLoss = (y: number, p: Float64Array) => -log(p[y]!);
const CASES: readonly Case[] = [
  { name: "multiclass", target: "multiclass", options: {}, loss: logLoss },
  { name: "balanced classes", target: "multiclass", options: { classWeights: "balanced" }, loss: logLoss },
  {
    name: "Poisson",
    target: "count",
    options: { objective: "poisson" },
    loss: (y, [mean = 0]) => 2 * ((y > 0 ? y * log(y / mean) : 0) - (y - mean)),
  },
  {
    name: "quantile",
    target: "regression",
    options: { objective: "quantile", alpha: 0.8 },
    loss: (y, [p = 0]) => Math.max(0.8 * (y - p), 0.2 * (p - y)),
  },
  {
    name: "absolute errors",
    target: "regression",
    options: { objective: "absolute" },
    loss: (y, [p = 0]) => Math.abs(y - p),
  },
  {
    name: "Huber",
    target: "regression",
    options: { objective: "huber", alpha: 3 },
    loss: (y, [p = 0]) => {
      const error = Math.abs(y - p);
      return error <= 3 ? (error * error) / 2 : 3 * (error - 1.5);
    },
  },
  {
    name: "monotone constraints",
    target: "binary",
    options: { monotone: { a: "increasing", b: "increasing" } },
    loss: (y, [p = 0]) => -log(y === 1 ? p : 1 - p),
  },
];

function dataOf({ target }: Case, sizes: { train: number; validate: number }): TrainingData {
  const set = (count: number, seed: number): TrainingSet => {
    const { matrix, targets, weights } = rowsOf(count, seed);
    return { matrix, target: targets[target], weights };
  };
  const sets = { train: set(sizes.train, 1), validate: set(sizes.validate, 2) };
  if (target === "multiclass") return { task: "multiclass", classes: CLASSES, ...sets };
  return { task: target === "binary" ? "binary" : "regression", ...sets };
}

/** With columns that do not vary, so that there are enough values for more threads to be used. */
function widened(data: TrainingData): TrainingData {
  const widen = (set: TrainingSet): TrainingSet => {
    const { rowCount, columns, values } = set.matrix;
    const names = Array.from({ length: 27 }, (_, i) => `constant${i}`);
    const constant = new Float64Array(rowCount);
    return {
      ...set,
      matrix: {
        rowCount,
        columns: [...columns, ...names.map((name) => ({ name, kind: "numeric", cardinality: 0 }) as const)],
        values: [...values, ...names.map(() => constant)],
      },
    };
  };
  const { train, validate } = data;
  return { ...data, train: widen(train), ...(validate === undefined ? {} : { validate: widen(validate) }) };
}

describe("every objective of gbdt", () => {
  for (const own of CASES) {
    it(`gives the same bytes twice and on 1, 2 and 3 threads (${own.name})`, async () => {
      const data = widened(dataOf(own, { train: 21_001, validate: 9001 }));
      const spec = gbdt({
        trees: 2,
        leaves: 6,
        rowShare: 0.7,
        columnShare: 0.7,
        maxBins: 40,
        ...own.options,
      });
      const seen = new Set<string>();
      for (const threads of [1, 2, 2, 3]) {
        const model = await trainModel(spec, data, { seed: 5, threads, onProgress: () => undefined });
        seen.add(`${digestOf(model.bytes)} ${JSON.stringify(model.history)}`);
      }
      expect(seen.size).toBe(1);
    });

    it(`reports the losses that the engine's predictions have (${own.name})`, async () => {
      const data = dataOf(own, { train: 701, validate: 301 });
      const seen: { train?: number; validate?: number }[] = [];
      const model = await trainModel(gbdt({ trees: 12, leaves: 6, ...own.options }), data, {
        ...OPTIONS,
        onProgress: (progress) => seen.push(progress),
      });
      const engine = openEngine(model.engine, model.bytes);
      const factors = own.options.classWeights === "balanced" ? balancedBy(data.train) : () => 1;
      const meanLoss = ({ matrix, target, weights }: TrainingSet) => {
        const predicted = engine.predictMatrix(matrix);
        let sum = 0;
        let total = 0;
        for (let row = 0; row < target.length; row++) {
          const weight = weights![row]! * factors(target[row]!);
          const predictedRow = predicted.subarray(row * engine.outputs, (row + 1) * engine.outputs);
          sum += weight * own.loss(target[row]!, predictedRow);
          total += weight;
        }
        return sum / total;
      };
      expect(seen.at(-1)!.train!).toBeCloseTo(meanLoss(data.train), 9);
      expect(seen.at(-1)!.validate!).toBeCloseTo(meanLoss(data.validate!), 9);
      expect(seen.at(-1)!.train!).toBeLessThan(seen[0]!.train!);
    });
  }
});

function balancedBy({ target, weights }: TrainingSet): (label: number) => number {
  const sums = [0, 0, 0];
  for (let row = 0; row < target.length; row++) sums[target[row]!] = sums[target[row]!]! + weights![row]!;
  const total = sums.reduce((sum, own) => sum + own, 0);
  return (label) => total / (3 * sums[label]!);
}

describe("a multiclass model", () => {
  it("has a tree for each class and iteration, and probabilities that add up to 1", async () => {
    const { matrix, targets } = rowsOf(600, 3);
    const model = await trainModel(
      gbdt({ trees: 7, leaves: 5 }),
      { task: "multiclass", classes: CLASSES, train: { matrix, target: targets.multiclass } },
      OPTIONS,
    );
    expect(model.summary).toBe("21 trees");
    expect(decodeEnsemble(model.bytes).treeNodes.length - 1).toBe(21);
    const engine = openEngine(model.engine, model.bytes);
    expect([engine.task, engine.outputs]).toEqual(["multiclass", 3]);
    const predicted = engine.predictMatrix(matrix);
    let right = 0;
    for (let row = 0; row < 600; row++) {
      const own = predicted.subarray(3 * row, 3 * row + 3);
      expect(own.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
      if (own[targets.multiclass[row]!] === Math.max(...own)) right++;
    }
    expect(right / 600).toBeGreaterThan(0.75);
  });

  it("says the shares of the classes when there is nothing to split", async () => {
    const target = Float64Array.from({ length: 8 }, (_, i) => (i < 4 ? 0 : i < 6 ? 1 : 2));
    const matrix = {
      rowCount: 8,
      columns: [{ name: "x", kind: "numeric", cardinality: 0 }] as const,
      values: [new Float64Array(8)],
    };
    const data = { task: "multiclass", classes: CLASSES, train: { matrix, target } } as const;
    const model = await trainModel(gbdt(), data, OPTIONS);
    const out = new Float64Array(3);
    openEngine(model.engine, model.bytes).predictInto(Float64Array.of(0), out);
    expect([...out]).toEqual([0.5, 0.25, 0.25].map((share) => expect.closeTo(share, 12)));
  });

  it("stops early at the best iteration of all classes together", async () => {
    const own = CASES[0]!;
    const data = dataOf(own, { train: 300, validate: 300 });
    const model = await trainModel(
      gbdt({ trees: 300, minRowsPerLeaf: 2, earlyStoppingRounds: 5 }),
      data,
      OPTIONS,
    );
    const best = model.history.reduce((a, b) => (b.validate! < a.validate! ? b : a));
    expect(model.bestIteration).toBe(best.iteration);
    expect(decodeEnsemble(model.bytes).treeNodes.length - 1).toBe(3 * best.iteration);
  });
});

describe("class weights", () => {
  it("are the same as weights of rows", async () => {
    const { matrix, targets, weights } = rowsOf(500, 4);
    const target = targets.binary;
    const weighted = target.map((label, row) => weights[row]! * (label === 1 ? 3 : 1));
    const [named, given] = await Promise.all([
      trainModel(
        gbdt({ trees: 5, classWeights: { true: 3 } }),
        { task: "binary", train: { matrix, target, weights } },
        OPTIONS,
      ),
      trainModel(
        gbdt({ trees: 5 }),
        { task: "binary", train: { matrix, target, weights: weighted } },
        OPTIONS,
      ),
    ]);
    expect(digestOf(named!.bytes)).toBe(digestOf(given!.bytes));
  });

  it("are refused for a number, and for a class that there is not", async () => {
    const { matrix, targets } = rowsOf(100, 4);
    const train = { matrix, target: targets.regression };
    await expect(
      trainModel(gbdt({ classWeights: "balanced" }), { task: "regression", train }, OPTIONS),
    ).rejects.toThrow(/classWeights is for yes\/no targets and classes/);
    await expect(
      trainModel(
        gbdt({ classWeights: { hihg: 2 } }),
        { task: "multiclass", classes: CLASSES, train: { matrix, target: targets.multiclass } },
        OPTIONS,
      ),
    ).rejects.toThrow(/names the class "hihg"/);
  });
});

describe("monotone constraints", () => {
  it("hold everywhere, whatever the other features are", async () => {
    const { matrix, targets, weights } = rowsOf(3000, 6);
    // Against what the data say for b.
    const monotone = { a: "increasing", b: "decreasing" } as const;
    for (const [task, target] of [
      ["regression", targets.regression],
      ["binary", targets.binary],
    ] as const) {
      const model = await trainModel(
        gbdt({ trees: 40, monotone, minRowsPerLeaf: 5 }),
        { task, train: { matrix, target, weights } },
        OPTIONS,
      );
      const engine = openEngine(model.engine, model.bytes);
      const random = createRandom(9);
      let strictly = 0;
      for (let i = 0; i < 3000; i++) {
        const row = Float64Array.of(random.float() * 4 - 2, random.float() * 4 - 2, random.integer(9));
        const further = row.slice();
        const feature = i % 2;
        further[feature] = row[feature]! + random.float();
        const change = engine.predictRow(further) - engine.predictRow(row);
        expect(feature === 0 ? change : -change).toBeGreaterThanOrEqual(-1e-12);
        if (feature === 0 && change > 0) strictly++;
      }
      expect(strictly).toBeGreaterThan(500);
    }
  });

  it("give features of two values the splits that they have without", async () => {
    const random = createRandom(2);
    const a = Float64Array.from({ length: 400 }, () => random.integer(2));
    const b = Float64Array.from({ length: 400 }, () => random.integer(2));
    const target = a.map((value, row) => 3 * value - 2 * b[row]! + random.float());
    const columns = ["a", "b"].map((name) => ({ name, kind: "numeric", cardinality: 0 }) as const);
    const train = { matrix: { rowCount: 400, columns, values: [a, b] }, target };
    const [free, held] = await Promise.all(
      [{}, { monotone: { a: "increasing" } } as const].map((options) =>
        trainModel(gbdt({ trees: 20, ...options }), { task: "regression", train }, OPTIONS),
      ),
    );
    expect(digestOf(held!.bytes)).toBe(digestOf(free!.bytes));
  });

  it("are refused for categories, unknown features and leaves that are renewed", async () => {
    const { matrix, targets } = rowsOf(100, 4);
    const data = { task: "regression", train: { matrix, target: targets.regression } } as const;
    for (const name of ["category", "c"]) {
      await expect(trainModel(gbdt({ monotone: { [name]: "increasing" } }), data, OPTIONS)).rejects.toThrow(
        new RegExp(`monotone names "${name}"`),
      );
    }
    expect(() => gbdt({ objective: "absolute", monotone: { a: "increasing" } })).toThrow(/monotone/);
  });
});

describe("a quantile model", () => {
  it("covers about the share of rows that it is asked for", async () => {
    const { matrix, targets } = rowsOf(4000, 8);
    for (const alpha of [0.1, 0.5, 0.9]) {
      const model = await trainModel(
        gbdt({ objective: "quantile", alpha, trees: 60 }),
        { task: "regression", train: { matrix, target: targets.regression } },
        OPTIONS,
      );
      const predicted = openEngine(model.engine, model.bytes).predictMatrix(matrix);
      const covered = targets.regression.filter((y, row) => y <= predicted[row]!).length / 4000;
      expect(Math.abs(covered - alpha)).toBeLessThan(0.04);
    }
  });
});

describe("a Poisson model", () => {
  it("predicts means above 0 whose sum is that of the counts", async () => {
    const { matrix, targets } = rowsOf(3000, 8);
    const model = await trainModel(
      gbdt({ objective: "poisson", trees: 200 }),
      { task: "regression", train: { matrix, target: targets.count } },
      OPTIONS,
    );
    const predicted = openEngine(model.engine, model.bytes).predictMatrix(matrix);
    expect(Math.min(...predicted)).toBeGreaterThan(0);
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    expect(sum(predicted) / sum(targets.count)).toBeCloseTo(1, 2);
  });

  it("is refused for negative targets, with the row", async () => {
    const { matrix, targets } = rowsOf(100, 8);
    const target = targets.count.slice();
    target[17] = -1;
    await expect(
      trainModel(gbdt({ objective: "poisson" }), { task: "regression", train: { matrix, target } }, OPTIONS),
    ).rejects.toThrow(/−?-1 in training row 17; objective "poisson" wants counts/);
  });
});

describe("the options of objectives", () => {
  it("are refused where they make no sense", () => {
    expect(() => gbdt({ objective: "quantile" })).toThrow(/alpha is undefined.*between 0 and 1/);
    expect(() => gbdt({ objective: "quantile", alpha: 1 })).toThrow(/alpha is 1/);
    expect(() => gbdt({ objective: "huber" })).toThrow(/above 0/);
    expect(() => gbdt({ alpha: 0.5 })).toThrow(/belongs to objective/);
    expect(() => gbdt({ objective: "gamma" as "poisson" })).toThrow(/one of poisson/);
    expect(() => gbdt({ monotone: { a: 1 as unknown as "increasing" } })).toThrow(
      /"increasing" or "decreasing"/,
    );
    expect(() => gbdt({ classWeights: { true: -1 } })).toThrow(/at least 0 by class/);
  });

  it("leave no trace in a spec that does not use them", () => {
    expect(Object.keys(gbdt())).not.toContain("objective");
    expect(Object.keys(gbdt({ init: 0 }))).toContain("init");
  });

  it("of objectives are refused for targets that are no numbers", async () => {
    const { matrix, targets } = rowsOf(100, 8);
    const data = { task: "binary", train: { matrix, target: targets.binary } } as const;
    await expect(trainModel(gbdt({ objective: "poisson" }), data, OPTIONS)).rejects.toThrow(
      /for targets that are numbers/,
    );
  });
});
