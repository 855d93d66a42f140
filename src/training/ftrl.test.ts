import { describe, expect, it } from "vitest";
import { decodeLinear, openEngine } from "../inference/index.ts";
import { createRandom, digestOf, sigmoid } from "../kernel/index.ts";
import {
  type FtrlOptions,
  ftrl,
  type TrainingData,
  type TrainingProgress,
  type TrainingSet,
  trainModel,
} from "./index.ts";

const OPTIONS = { seed: 1, threads: 1 };
const WIDE = 1_048_576;

/** Rows whose log-odds depend on a number, on 30 of a million codes, and not at all on a second column of codes. */
function clicks(rows: number, seed = 3): TrainingSet {
  const random = createRandom(seed);
  const effects = createRandom("effects");
  const codes = Array.from({ length: 30 }, () => ({
    code: effects.integer(WIDE),
    effect: effects.float() * 4 - 2,
  }));
  const values = { age: new Float64Array(rows), page: new Float64Array(rows), noise: new Float64Array(rows) };
  const target = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const { code, effect } = codes[random.integer(codes.length)]!;
    values.age[row] = random.integer(20) === 0 ? Number.NaN : 20 + random.integer(60);
    values.page[row] = code;
    values.noise[row] = random.integer(WIDE);
    const score = effect + 0.05 * ((Number.isNaN(values.age[row]!) ? 50 : values.age[row]!) - 50);
    target[row] = random.float() < sigmoid(score) ? 1 : 0;
  }
  return {
    matrix: {
      rowCount: rows,
      columns: [
        { name: "age", kind: "numeric", cardinality: 0 },
        { name: "page", kind: "categorical", cardinality: WIDE },
        { name: "noise", kind: "categorical", cardinality: WIDE },
      ],
      values: [values.age, values.page, values.noise],
    },
    target,
  };
}

const train = clicks(6000);
const unseen = clicks(3000, 4);
const data: TrainingData = { task: "binary", train };

function lossOn(set: TrainingSet, model: { engine: string; bytes: Uint8Array }): number {
  const predictions = openEngine(model.engine, model.bytes).predictMatrix(set.matrix);
  const sum = predictions.reduce((loss, p, i) => loss - Math.log(set.target[i] === 1 ? p : 1 - p), 0);
  return sum / predictions.length;
}

describe("ftrl", () => {
  it("learns from a million codes, forgets those that say nothing, and names what mattered", async () => {
    const model = await trainModel(ftrl(), data, OPTIONS);
    expect(lossOn(unseen, model)).toBeLessThan(0.58);
    const byName = Object.fromEntries(model.importance.map((entry) => [entry.feature, entry]));
    expect(model.importance[0]!.feature).toBe("page");
    expect(byName.page!.splits).toBeGreaterThan(20);
    // Nearly all of some 6,000 codes are seen once: their evidence stays below the L1 penalty.
    expect(byName.noise!.splits).toBeLessThan(5);
    expect(byName.noise!.gain).toBeLessThan(0.01 * byName.page!.gain);
    expect(model.bytes.length).toBeLessThan(2000);
    const { weights } = decodeLinear(model.bytes);
    expect(weights.every((weight) => weight !== 0)).toBe(true);
    expect(model.summary).toMatch(/^\d+ of 2,097,156 weights, 5 passes, progressive logLoss 0\.\d+$/);
  });

  it("gives the same bytes for the same seed, and the order of a seed or of the rows matters", async () => {
    const digests = async (options: FtrlOptions, seed = 1): Promise<string> =>
      digestOf((await trainModel(ftrl(options), data, { seed, threads: 1 })).bytes);
    expect(await digests({})).toBe(await digests({}));
    expect(await digests({})).not.toBe(await digests({}, 2));
    expect(await digests({ shuffle: false })).toBe(await digests({ shuffle: false }, 2));
    expect(await digests({ shuffle: false })).not.toBe(await digests({}));
  });

  it("estimates by its progressive loss what unseen rows will show", async () => {
    const large = { task: "binary", train: clicks(40_000) } as const;
    const seen: TrainingProgress[] = [];
    const model = await trainModel(ftrl({ epochs: 1 }), large, {
      ...OPTIONS,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.map(({ iteration, of }) => [iteration, of])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i + 1, 10]),
    );
    expect(seen.at(-1)!.train).toBeCloseTo(lossOn(unseen, model), 1);
    expect(lossOn(large.train, model)).toBeLessThan(seen.at(-1)!.train!);
  });

  it("stops when the validation loss no longer falls, and keeps the best pass", async () => {
    const model = await trainModel(
      ftrl({ epochs: 200, alpha: 1, l1: 0, l2: 0, earlyStoppingEpochs: 2 }),
      { ...data, validate: unseen },
      OPTIONS,
    );
    expect(model.iterations).toBeLessThan(50);
    expect(model.bestIteration).toBe(model.iterations - 2);
    const best = model.history[model.bestIteration - 1]!.validate!;
    expect(Math.min(...model.history.map(({ validate }) => validate!))).toBe(best);
    expect(lossOn(unseen, model)).toBeCloseTo(best, 12);
  });

  it("does not depend on the unit of a regression's target", async () => {
    const target = train.target.map((value, i) => 3 * value + train.matrix.values[1]![i]! / WIDE);
    const inUnit = async (unit: (value: number) => number) => {
      const set = { matrix: train.matrix, target: target.map(unit) };
      const model = await trainModel(ftrl(), { task: "regression", train: set }, OPTIONS);
      return openEngine(model.engine, model.bytes).predictMatrix(train.matrix);
    };
    const small = await inUnit((value) => value);
    const large = await inUnit((value) => 1e6 * value - 5e8);
    const worst = small.reduce(
      (most, value, i) => Math.max(most, Math.abs((large[i]! + 5e8) / 1e6 - value)),
      0,
    );
    expect(worst).toBeLessThan(1e-6);
  });

  it("takes two rows of weight 0 for none", async () => {
    const weights = Float64Array.from(train.target, (_, i) => (i % 3 === 0 ? 0 : 1));
    const kept = [...train.target.keys()].filter((i) => i % 3 !== 0);
    const without: TrainingSet = {
      matrix: {
        ...train.matrix,
        rowCount: kept.length,
        // The scaling of numbers is that of all rows.
        columns: train.matrix.columns.slice(1),
        values: train.matrix.values.slice(1).map((column) => Float64Array.from(kept, (i) => column[i]!)),
      },
      target: Float64Array.from(kept, (i) => train.target[i]!),
    };
    const weighted = {
      ...train,
      matrix: { ...train.matrix, columns: without.matrix.columns, values: train.matrix.values.slice(1) },
      weights,
    };
    const options = ftrl({ shuffle: false });
    const one = await trainModel(options, { task: "binary", train: weighted }, OPTIONS);
    const other = await trainModel(options, { task: "binary", train: without }, OPTIONS);
    expect(digestOf(one.bytes)).toBe(digestOf(other.bytes));
  });

  it("stands numbers of any size, constant columns and missing ones", async () => {
    const target = Float64Array.from({ length: 60 }, (_, i) => i % 2);
    const column = (of: (i: number) => number) => Float64Array.from(target, (_, i) => of(i));
    const values = [
      column((i) => (i % 2 === 0 ? 1.7e308 : -1.7e308)),
      column((i) => (i % 3 === 0 ? Number.MIN_VALUE : 0)),
      column(() => 7),
      column(() => Number.NaN),
    ];
    const columns = values.map((_, i) => ({ name: `x${i}`, kind: "numeric", cardinality: 0 }) as const);
    const matrix = { rowCount: 60, columns, values };
    for (const task of ["binary", "regression"] as const) {
      const model = await trainModel(ftrl(), { task, train: { matrix, target } }, OPTIONS);
      const predictions = openEngine(model.engine, model.bytes).predictMatrix(matrix);
      expect(predictions[1]! - predictions[0]!).toBeGreaterThan(0.3);
    }
  });

  it("stops when it is aborted, and rejects with the reason", async () => {
    const controller = new AbortController();
    const training = trainModel(ftrl({ epochs: 10_000 }), data, {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: ({ iteration }) => {
        if (iteration === 3) setImmediate(() => controller.abort(new Error("enough")));
      },
    });
    await expect(training).rejects.toThrow("enough");
  });

  it("refuses what it cannot learn", async () => {
    const columns = Array.from({ length: 17 }, (_, i) => ({
      name: `wide ${i}`,
      kind: "categorical" as const,
      cardinality: 16_777_216,
    }));
    const values = columns.map(() => Float64Array.of(0, 1));
    await expect(
      trainModel(
        ftrl(),
        {
          task: "binary",
          train: { matrix: { rowCount: 2, columns, values }, target: Float64Array.of(0, 1) },
        },
        OPTIONS,
      ),
    ).rejects.toMatchObject({ code: "TRAINING_TOO_LARGE", hint: expect.stringContaining("hashed") });
    await expect(trainModel(ftrl({ earlyStoppingEpochs: 2 }), data, OPTIONS)).rejects.toMatchObject({
      code: "TRAINING_BAD_OPTION",
    });
    await expect(
      trainModel(ftrl(), { ...data, task: "multiclass", classes: ["a", "b"] }, OPTIONS),
    ).rejects.toMatchObject({ code: "TRAINING_BAD_OPTION", hint: expect.stringContaining("gbdt") });
  });

  it("refuses options that it does not have or that are out of range", () => {
    const bad: [Record<string, unknown>, string][] = [
      [{ alpha: 0 }, "ftrl option alpha is 0; it must be a number above 0 and at most 1000"],
      [{ l1: -1 }, "ftrl option l1 is -1; it must be a number of at least 0"],
      [{ epochs: 1.5 }, "ftrl option epochs is 1.5; it must be an integer of at least 1 and at most 10000"],
      [{ shuffle: 1 }, "ftrl option shuffle is 1; it must be true or false"],
      [{ trees: 3 }, 'ftrl has no option "trees"'],
    ];
    for (const [options, message] of bad)
      expect(() => ftrl(options as FtrlOptions)).toThrow(
        expect.objectContaining({ code: "TRAINING_BAD_OPTION", message }),
      );
  });
});
