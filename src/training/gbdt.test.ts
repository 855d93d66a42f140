import { describe, expect, it } from "vitest";
import { decodeForest, openEngine } from "../inference/index.ts";
import { createRandom, digestOf, type FeatureColumn } from "../kernel/index.ts";
import { type GbdtOptions, gbdt, type TrainedModel, type TrainingSet, trainModel } from "./index.ts";

const OPTIONS = { seed: 1, threads: 1 };

/** Columns of numbers; a column of `[values, cardinality]` is categorical. */
function set(
  columns: Readonly<Record<string, Float64Array | readonly [Float64Array, number]>>,
  target: Float64Array,
  weights?: Float64Array,
): TrainingSet {
  const entries = Object.entries(columns);
  const described = entries.map(
    ([name, column]): FeatureColumn =>
      column instanceof Float64Array
        ? { name, kind: "numeric", cardinality: 0 }
        : { name, kind: "categorical", cardinality: column[1] },
  );
  const values = entries.map(([, column]) => (column instanceof Float64Array ? column : column[0]));
  const matrix = { rowCount: target.length, columns: described, values };
  return { matrix, target, ...(weights === undefined ? {} : { weights }) };
}

/** Draws with a seed, one value a row. */
function draw(
  rows: number,
  seed: number,
  value: (random: ReturnType<typeof createRandom>) => number,
): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length: rows }, () => value(random));
}

async function regress(
  train: TrainingSet,
  options: GbdtOptions = {},
  validate?: TrainingSet,
): Promise<TrainedModel> {
  const data = { task: "regression", train, ...(validate === undefined ? {} : { validate }) } as const;
  return await trainModel(gbdt(options), data, OPTIONS);
}

function predict(model: TrainedModel, ...rows: number[][]): number[] {
  const engine = openEngine(model.engine, model.bytes);
  return rows.map((row) => engine.predictRow(Float64Array.from(row)));
}

/** A wide mix: numbers with missing values, few and many categories, a constant and an empty column. */
function mixedSet(rows: number, seed: number, task: "binary" | "regression"): TrainingSet {
  const a = draw(rows, seed, (random) => (random.integer(10) === 0 ? Number.NaN : random.float() * 20 - 10));
  const b = draw(rows, seed + 1, (random) => random.integer(7));
  const many = draw(rows, seed + 2, (random) =>
    random.integer(50) === 0 ? Number.NaN : random.integer(300),
  );
  const few = draw(rows, seed + 3, (random) => random.integer(3));
  const noise = draw(rows, seed + 4, (random) => random.float() - 0.5);
  const score = Float64Array.from(a, (value, i) => {
    const fromMany = Number.isNaN(many[i]!) ? 0 : ((many[i]! * 31) % 17) / 8 - 1;
    return (Number.isNaN(value) ? 1 : value / 10) + (b[i] === 3 ? 1 : 0) + fromMany + few[i]! / 2 + noise[i]!;
  });
  const target =
    task === "binary" ? score.map((value) => (value > 0.7 ? 1 : 0)) : score.map((value) => value * 100);
  const columns = {
    a,
    b,
    constant: new Float64Array(rows).fill(3),
    empty: new Float64Array(rows).fill(Number.NaN),
    many: [many, 300] as const,
    few: [few, 3] as const,
    noise: draw(rows, seed + 5, (random) => random.float()),
  };
  return set(
    columns,
    target,
    draw(rows, seed + 6, (random) => random.integer(4) / 2),
  );
}

describe("gbdt is deterministic", () => {
  for (const task of ["binary", "regression"] as const) {
    it(`gives the same bytes twice and on 1, 2 and 3 threads (${task}, weights, sampling, validation)`, async () => {
      const data = { task, train: mixedSet(90_001, 1, task), validate: mixedSet(20_003, 9, task) };
      const spec = gbdt({ trees: 3, leaves: 10, rowShare: 0.7, columnShare: 0.8 });
      const digests = new Set<string>();
      const histories = new Set<string>();
      for (const threads of [1, 2, 2, 3]) {
        const model = await trainModel(spec, data, { seed: 5, threads });
        digests.add(digestOf(model.bytes));
        histories.add(JSON.stringify(model.history));
      }
      expect(digests.size).toBe(1);
      expect(histories.size).toBe(1);
    });
  }

  it("gives the same bytes on 1 and 2 threads without sampling and weights", async () => {
    const { matrix, target } = mixedSet(90_000, 3, "binary");
    const digests = new Set<string>();
    for (const threads of [1, 2]) {
      const data = { task: "binary", train: { matrix, target } } as const;
      digests.add(digestOf((await trainModel(gbdt({ trees: 3 }), data, { seed: 1, threads })).bytes));
    }
    expect(digests.size).toBe(1);
  });

  it("gives the bytes it gave on other machines and Node versions", async () => {
    // A change here is a change of what a recipe means: every version trained before can no longer be reproduced.
    const digests = {
      binary: "e87ad2cab4c055dbb2e6993d98ed382450c40112f9301f6968093b4796ff2df2",
      regression: "39b8bd432eeb6e8187ce51edf2d478c213c44a540ba6048d39cfa6cb983071dd",
    };
    for (const task of ["binary", "regression"] as const) {
      const spec = gbdt({ trees: 5, leaves: 10, rowShare: 0.8, columnShare: 0.8 });
      const model = await trainModel(spec, { task, train: mixedSet(5000, 1, task) }, { seed: 3, threads: 2 });
      expect(digestOf(model.bytes)).toBe(digests[task]);
    }
  });

  it("draws other rows with another seed", async () => {
    const data = { task: "regression", train: mixedSet(2000, 1, "regression") } as const;
    const [first, second] = await Promise.all(
      [1, 2].map((seed) => trainModel(gbdt({ trees: 3, rowShare: 0.5 }), data, { seed, threads: 1 })),
    );
    expect(digestOf(first!.bytes)).not.toBe(digestOf(second!.bytes));
  });
});

describe("gbdt learns", () => {
  it("where missing values go", async () => {
    const x = draw(4000, 1, (random) => (random.integer(4) === 0 ? Number.NaN : random.float()));
    for (const missing of [0, 100]) {
      const target = x.map((value) => (Number.isNaN(value) ? missing : value > 0.5 ? 100 : 0));
      const model = await regress(set({ x }, target), { trees: 60, learningRate: 0.3 });
      const [low, high, none] = predict(model, [0.2], [0.8], [Number.NaN]);
      expect(low).toBeCloseTo(0, 3);
      expect(high).toBeCloseTo(100, 3);
      expect(none).toBeCloseTo(missing, 3);
    }
  });

  it("from missing values alone", async () => {
    const x = draw(2000, 1, (random) => (random.integer(2) === 0 ? Number.NaN : 7));
    const model = await regress(
      set(
        { x },
        x.map((value) => (Number.isNaN(value) ? 1 : 0)),
      ),
      { trees: 1, learningRate: 1 },
    );
    expect(predict(model, [Number.NaN], [7], [1e9])).toEqual(
      [1, 0, 0].map((value) => expect.closeTo(value, 6)),
    );
  });

  it("sends values that were never missing in training with the larger child", async () => {
    const x = draw(1000, 1, (random) => random.float());
    const model = await regress(
      set(
        { x },
        x.map((value) => (value > 0.8 ? 1 : 0)),
      ),
      { trees: 1, leaves: 2, learningRate: 1 },
    );
    expect(predict(model, [Number.NaN])).toEqual(predict(model, [0.1]));
  });

  it("which categories belong together, however they are numbered", async () => {
    const category = draw(6000, 1, (random) => random.integer(40));
    const isHigh = (code: number) => (code * 13) % 40 < 20;
    const model = await regress(
      set(
        { category: [category, 50] },
        category.map((code) => (isHigh(code) ? 1 : 0)),
      ),
      { trees: 40, learningRate: 0.5 },
    );
    const codes = [...Array(40).keys()];
    const predictions = predict(model, ...codes.map((code) => [code]));
    expect(predictions.map((value) => value > 0.5)).toEqual(codes.map(isHigh));
    expect(decodeForest(model.bytes).treeNodes[1]).toBeLessThanOrEqual(3);
  });

  it("a category that stands out among few", async () => {
    const category = draw(900, 1, (random) => random.integer(3));
    const target = category.map((code) => (code === 1 ? 5 : 0));
    const model = await regress(set({ category: [category, 3] }, target), { trees: 1, learningRate: 1 });
    expect(predict(model, [0], [1], [2])).toEqual([0, 5, 0].map((value) => expect.closeTo(value, 6)));
  });

  it("from weights what it learns from repeated rows", async () => {
    const rows = 1500;
    const x = draw(rows, 1, (random) => Math.round(random.float() * 60));
    const y = draw(rows, 2, (random) => random.integer(30));
    const weights = draw(rows, 3, (random) => 1 + random.integer(4));
    const target = x.map((value, i) => (value + y[i]! + (i % 7) > 40 ? 1 : 0));
    const repeat = (values: Float64Array) =>
      Float64Array.from([...values].flatMap((value, i) => new Array<number>(weights[i]!).fill(value)));
    const options = gbdt({ trees: 20, leaves: 8, minRowsPerLeaf: 1, minHessianPerLeaf: 5 });
    const weighted = await trainModel(
      options,
      { task: "binary", train: set({ x, y }, target, weights) },
      OPTIONS,
    );
    const repeated = await trainModel(
      options,
      { task: "binary", train: set({ x: repeat(x), y: repeat(y) }, repeat(target)) },
      OPTIONS,
    );
    const probes = Array.from({ length: 60 }, (_, i) => [i, (i * 7) % 30]);
    const [a, b] = [predict(weighted, ...probes), predict(repeated, ...probes)];
    for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i]!, 6);
  });

  it("nothing from rows of weight zero", async () => {
    const x = draw(1000, 1, (random) => random.float());
    const weights = x.map((_, i) => i % 2);
    const target = x.map((value, i) => (i % 2 === 0 ? 1e6 : value));
    const model = await regress(set({ x }, target, weights), { trees: 50, learningRate: 0.3 });
    expect(Math.abs(predict(model, [0.5])[0]! - 0.5)).toBeLessThan(0.05);
  });

  it("from an odd number of rows as from an even one", async () => {
    for (const task of ["binary", "regression"] as const) {
      for (const rows of [1000, 1001]) {
        const x = Float64Array.from({ length: rows }, (_, row) => row % 2);
        const train = set({ x }, task === "binary" ? x : x.map((value) => 5 + 3 * value));
        const weights = new Float64Array(rows).fill(2);
        for (const given of [train, { ...train, weights }]) {
          const data = { task, train: given, validate: given };
          const model = await trainModel(gbdt({ trees: 5 }), data, OPTIONS);
          expect([task, rows, model.bestIteration]).toEqual([task, rows, 5]);
          const [low, high] = predict(model, [0], [1]);
          expect(high! - low!).toBeGreaterThan(0.1);
        }
      }
    }
  });

  it("targets of any size", async () => {
    const x = draw(500, 1, (random) => random.float());
    for (const scale of [1e-60, 1e60]) {
      const model = await regress(
        set(
          { x },
          x.map((value) => value * scale),
        ),
        { trees: 200, minHessianPerLeaf: 0 },
      );
      expect(predict(model, [0.25])[0]! / scale).toBeCloseTo(0.25, 1);
    }
  });

  it("the ordinary rows beside an outlier", async () => {
    const x = draw(2000, 1, (random) => random.float());
    const target = x.map((value, i) => (i === 77 ? 1e7 : value));
    const model = await regress(set({ x }, target), { trees: 300, minRowsPerLeaf: 1, leaves: 4 });
    expect(predict(model, [x[77]! > 0.5 ? 0.1 : 0.9])[0]!).toBeCloseTo(x[77]! > 0.5 ? 0.1 : 0.9, 0);
  });
});

describe("gbdt's options", () => {
  const rows = 3000;
  const x = draw(rows, 1, (random) => random.float() * 10);
  const z = draw(rows, 2, (random) => random.float());
  const target = x.map((value, i) => Math.round(value) * 3 + z[i]!);
  const train = set({ x, z }, target);
  const values = async (options: GbdtOptions) =>
    decodeForest((await regress(train, { trees: 1, ...options })).bytes);

  it("L2 shrinks leaf values, and L1 sets small ones to zero", async () => {
    const largest = (forest: { leafValue: Float64Array }) => Math.max(...forest.leafValue.map(Math.abs));
    const plain = largest(await values({}));
    expect(largest(await values({ l2: 100 }))).toBeLessThan(0.8 * plain);
    expect(largest(await values({ l1: 500 }))).toBeLessThan(0.8 * plain);
    const { leafValue } = await values({ l1: 300, leaves: 16 });
    expect(leafValue.includes(0) || leafValue.includes(-0)).toBe(true);
  });

  it("minRowsPerLeaf, leaves and maxDepth bound the tree", async () => {
    const forest = await values({ minRowsPerLeaf: 170, leaves: 100 });
    expect(Math.min(...forest.leafCover)).toBeGreaterThanOrEqual(170);
    expect(forest.leafCover.reduce((sum, cover) => sum + cover, 0)).toBe(rows);
    expect((await values({ leaves: 5 })).leafValue.length).toBe(5);
    expect((await values({ maxDepth: 2 })).leafValue.length).toBe(4);
  });

  it("minSplitGain stops splitting", async () => {
    expect((await values({ minSplitGain: 1000 })).leafValue.length).toBeLessThan(
      (await values({})).leafValue.length,
    );
    expect((await regress(train, { minSplitGain: 1e12 })).bestIteration).toBe(0);
  });

  it("columnShare leaves features out of single trees", async () => {
    const forest = decodeForest((await regress(train, { trees: 12, columnShare: 0.5 })).bytes);
    const used = Array.from(
      { length: 12 },
      (_, tree) =>
        new Set(forest.nodeFeature.subarray(forest.treeNodes[tree]!, forest.treeNodes[tree + 1]!)).size,
    );
    expect(used).toEqual(new Array(12).fill(1));
    expect(new Set(forest.nodeFeature).size).toBe(2);
  });

  it("rowShare grows each tree on a part of the rows and adds it to all", async () => {
    const model = await regress(train, { trees: 80, rowShare: 0.5 });
    const { leafCover, treeLeaves } = decodeForest(model.bytes);
    expect(leafCover.subarray(0, treeLeaves[1]).reduce((sum, cover) => sum + cover, 0)).toBe(rows / 2);
    expect(predict(model, [5, 0.5])[0]!).toBeCloseTo(15.5, 0);
  });

  it("earlyStoppingRounds keeps the best number of trees", async () => {
    const noise = draw(400, 5, (random) => random.float());
    const make = (seed: number) =>
      set(
        { x: draw(400, seed, (random) => random.float()) },
        noise.map((value) => value + seed / 1e3),
      );
    const model = await regress(make(1), { trees: 500, minRowsPerLeaf: 1, earlyStoppingRounds: 7 }, make(2));
    const best = model.history.reduce((a, b) => (b.validate! < a.validate! ? b : a));
    expect(model.bestIteration).toBe(best.iteration);
    expect(model.iterations).toBe(best.iteration + 7);
    expect(decodeForest(model.bytes).treeNodes.length - 1).toBe(best.iteration);
  });

  it("importance counts gains and splits, the most important first", async () => {
    const { importance, bytes } = await regress(train, { trees: 5 });
    expect(importance.map(({ feature }) => feature)).toEqual(["x", "z"]);
    expect(importance[0]!.gain).toBeGreaterThan(100 * importance[1]!.gain);
    expect(importance[0]!.splits + importance[1]!.splits).toBe(decodeForest(bytes).nodeFeature.length);
  });
});
