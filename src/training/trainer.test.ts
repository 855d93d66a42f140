import { describe, expect, it } from "vitest";
import { openEngine } from "../inference/index.ts";
import { log } from "../kernel/index.ts";
import { gbdt, type TrainingData, type TrainingProgress, type TrainingSet, trainModel } from "./index.ts";

const OPTIONS = { seed: 1, threads: 1 };

function numbers(
  columns: Readonly<Record<string, readonly number[]>>,
  target: readonly number[],
): TrainingSet {
  const names = Object.keys(columns);
  return {
    matrix: {
      rowCount: target.length,
      columns: names.map((name) => ({ name, kind: "numeric", cardinality: 0 })),
      values: names.map((name) => Float64Array.from(columns[name]!)),
    },
    target: Float64Array.from(target),
  };
}

const ramp = Array.from({ length: 300 }, (_, i) => i);
const rampSet = numbers(
  { x: ramp },
  ramp.map((i) => ((i * 7919) % 300 < i ? 1 : 0)),
);
const rampData = { task: "binary", train: rampSet, validate: rampSet } as const;

describe("trainModel", () => {
  it("reports the validation metric of every iteration, as the engine's predictions give it", async () => {
    const seen: TrainingProgress[] = [];
    const model = await trainModel(gbdt({ trees: 5 }), rampData, {
      ...OPTIONS,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.map(({ iteration, of, metric }) => ({ iteration, of, metric }))).toEqual(
      [1, 2, 3, 4, 5].map((iteration) => ({ iteration, of: 5, metric: "logLoss" })),
    );
    const predictions = openEngine(model.engine, model.bytes).predictMatrix(rampSet.matrix);
    const loss = predictions.reduce((sum, p, i) => sum - log(rampSet.target[i] === 1 ? p : 1 - p), 0);
    expect(seen.at(-1)!.validate).toBeCloseTo(loss / predictions.length, 10);
    // Training and validation rows are the same here.
    expect(seen.at(-1)!.train).toBeCloseTo(seen.at(-1)!.validate!, 12);
    const { train, validate } = seen.at(-1)!;
    expect(model.history.at(-1)).toEqual({ iteration: 5, train, validate });
  });

  it("weighs the validation metric", async () => {
    const weights = Float64Array.from(ramp, (i) => i % 3);
    for (const task of ["binary", "regression"] as const) {
      const model = await trainModel(
        gbdt({ trees: 3 }),
        { task, train: rampSet, validate: { ...rampSet, weights } },
        OPTIONS,
      );
      const predictions = openEngine(model.engine, model.bytes).predictMatrix(rampSet.matrix);
      const losses = predictions.map((p, i) => {
        const y = rampSet.target[i]!;
        return weights[i]! * (task === "binary" ? -log(y === 1 ? p : 1 - p) : (p - y) * (p - y));
      });
      const mean =
        losses.reduce((sum, loss) => sum + loss, 0) / weights.reduce((sum, weight) => sum + weight, 0);
      expect(model.history.at(-1)!.validate).toBeCloseTo(task === "binary" ? mean : Math.sqrt(mean), 10);
    }
  });

  it("stops when it is aborted, between two iterations, and rejects with the reason", async () => {
    const controller = new AbortController();
    let last = 0;
    const training = trainModel(gbdt({ trees: 10_000 }), rampData, {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: ({ iteration }) => {
        last = iteration;
        if (iteration === 3) setImmediate(() => controller.abort(new Error("enough")));
      },
    });
    await expect(training).rejects.toThrow("enough");
    expect(last).toBeLessThan(6);
    await expect(
      trainModel(gbdt(), rampData, { ...OPTIONS, signal: AbortSignal.abort(new Error("before")) }),
    ).rejects.toThrow("before");
  });

  it("makes a constant model when no feature varies", async () => {
    const model = await trainModel(
      gbdt(),
      {
        task: "regression",
        train: numbers({ x: [1, 1, 1], y: [Number.NaN, Number.NaN, Number.NaN] }, [1, 2, 6]),
      },
      OPTIONS,
    );
    expect(model).toMatchObject({ iterations: 0, bestIteration: 0, history: [] });
    expect(openEngine(model.engine, model.bytes).predictRow(Float64Array.of(1, 5))).toBe(3);
  });

  it("trains on two rows", async () => {
    const model = await trainModel(
      gbdt({ trees: 1, learningRate: 1, minRowsPerLeaf: 1 }),
      { task: "regression", train: numbers({ x: [1, 2] }, [5, 9]) },
      OPTIONS,
    );
    expect([
      ...openEngine("forest", model.bytes).predictMatrix(numbers({ x: [1, 2] }, [0, 0]).matrix),
    ]).toEqual([expect.closeTo(5, 9), expect.closeTo(9, 9)]);
  });
});

describe("trainModel refuses", () => {
  const cases: readonly [string, TrainingData, string, RegExp][] = [
    ["no features", { task: "binary", train: numbers({}, [0, 1]) }, "TRAINING_NO_FEATURES", /no features/],
    ["no rows", { task: "binary", train: numbers({ x: [] }, []) }, "TRAINING_NO_ROWS", /no training rows/],
    [
      "a single row",
      { task: "regression", train: numbers({ x: [1] }, [4]) },
      "TRAINING_CONSTANT_TARGET",
      /4 in all 1/,
    ],
    [
      "a constant target",
      { task: "binary", train: numbers({ x: [1, 2, 3] }, [1, 1, 1]) },
      "TRAINING_CONSTANT_TARGET",
      /the target is 1 in all 3 training rows/,
    ],
    [
      "a target that is constant where weights are not zero",
      {
        task: "binary",
        train: { ...numbers({ x: [1, 2, 3] }, [0, 1, 1]), weights: Float64Array.of(0, 1, 1) },
      },
      "TRAINING_CONSTANT_TARGET",
      /the target is 1/,
    ],
    [
      "a missing target",
      { task: "regression", train: numbers({ x: [1, 2] }, [1, Number.NaN]) },
      "TRAINING_BAD_TARGET",
      /missing in training row 1/,
    ],
    [
      "a binary target other than 0 and 1",
      { task: "binary", train: numbers({ x: [1, 2, 3] }, [0, 1, 2]) },
      "TRAINING_BAD_TARGET",
      /2 in training row 2; a binary target must be 0 or 1/,
    ],
    [
      "an infinite target",
      { task: "regression", train: numbers({ x: [1, 2] }, [1, Number.POSITIVE_INFINITY]) },
      "TRAINING_BAD_TARGET",
      /Infinity in training row 1/,
    ],
    [
      "a negative weight",
      { task: "binary", train: { ...numbers({ x: [1, 2] }, [0, 1]), weights: Float64Array.of(1, -1) } },
      "TRAINING_BAD_WEIGHT",
      /-1 in training row 1/,
    ],
    [
      "weights that are all zero",
      { task: "binary", train: { ...numbers({ x: [1, 2] }, [0, 1]), weights: new Float64Array(2) } },
      "TRAINING_BAD_WEIGHT",
      /all weights/,
    ],
    [
      "a target of another length",
      { task: "binary", train: { ...numbers({ x: [1, 2] }, [0, 1]), target: Float64Array.of(0, 1, 1) } },
      "TRAINING_WRONG_SHAPE",
      /target has 3 values for 2 training rows/,
    ],
    [
      "validation columns of another name",
      { task: "binary", train: numbers({ x: [1, 2] }, [0, 1]), validate: numbers({ y: [1] }, [1]) },
      "TRAINING_WRONG_SHAPE",
      /validation column 0 is not "x"/,
    ],
    [
      "no validation rows",
      { task: "binary", train: numbers({ x: [1, 2] }, [0, 1]), validate: numbers({ x: [] }, []) },
      "TRAINING_NO_ROWS",
      /no validation rows/,
    ],
    [
      "a code outside the vocabulary",
      {
        task: "binary",
        train: {
          matrix: {
            rowCount: 2,
            columns: [{ name: "kind", kind: "categorical", cardinality: 2 }],
            values: [Float64Array.of(0, 2)],
          },
          target: Float64Array.of(0, 1),
        },
      },
      "TRAINING_BAD_CATEGORY",
      /row 1 of categorical column "kind" holds 2; codes run from 0 to 1/,
    ],
  ];
  for (const [what, data, code, message] of cases) {
    it(what, async () => {
      const training = trainModel(gbdt(), data, OPTIONS);
      await expect(training).rejects.toMatchObject({ code });
      await expect(training).rejects.toThrow(message);
    });
  }

  it("early stopping without validation rows", async () => {
    const training = trainModel(
      gbdt({ earlyStoppingRounds: 5 }),
      { task: "binary", train: rampSet },
      OPTIONS,
    );
    await expect(training).rejects.toMatchObject({ code: "TRAINING_BAD_OPTION" });
  });
});

describe("gbdt()", () => {
  it("has LightGBM's defaults", () => {
    expect(gbdt()).toMatchObject({
      trees: 100,
      learningRate: 0.1,
      leaves: 31,
      minRowsPerLeaf: 20,
      maxBins: 255,
    });
    expect(gbdt({ trees: 7 })).toEqual({ ...gbdt(), trees: 7 });
  });

  it("refuses unknown options and values out of range, naming them", () => {
    expect(() => gbdt({ numTrees: 3 } as never)).toThrow('gbdt has no option "numTrees"');
    expect(() => gbdt({ trees: 0 })).toThrow("trees is 0; it must be an integer of at least 1");
    expect(() => gbdt({ trees: 1.5 })).toThrow("an integer");
    expect(() => gbdt({ learningRate: 0 })).toThrow("a number above 0 and at most 1");
    expect(() => gbdt({ rowShare: Number.NaN })).toThrow("rowShare");
    expect(() => gbdt({ maxBins: 256 })).toThrow("at most 255");
    expect(() => gbdt({ maxDepth: 0 })).toThrow("a positive integer, or −1");
    expect(() => gbdt({ leaves: "31" } as never)).toThrow('leaves is "31"');
  });

  it("is checked again when it comes as data", async () => {
    const spec = { ...gbdt(), leaves: 1 };
    await expect(trainModel(spec, rampData, OPTIONS)).rejects.toThrow("leaves is 1");
    await expect(trainModel({ ...gbdt(), kind: "mlp" } as never, rampData, OPTIONS)).rejects.toThrow(
      'there is no trainer "mlp"',
    );
  });
});
