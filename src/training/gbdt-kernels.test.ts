import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom, log1p, sigmoid } from "../kernel/index.ts";
import { CONSTANT_BYTES, type GbdtKernels, instantiateKernels, kernelModule } from "./gbdt-kernels.ts";
import type { Objective } from "./objective.ts";
import { gbdt } from "./spec.ts";
import { wasm } from "./wasm-api.ts";

/** The compiled loops against the same loops in plain TypeScript. */
const PAGES = 16;
const memory = new wasm.Memory({ initial: PAGES, maximum: PAGES, shared: true });
const { buffer } = memory;
const bytes = new Uint8Array(buffer);
const GROUPS = [[0], [0, 5, 9], [0, 2, 4, 6, 8, 10, 12, 14]] as const;
const COUNT_SHIFT = 40;
/** Where the tests put things. */
const AT = {
  constants: 64,
  table: 1024,
  rows: 65_536,
  index: 131_072,
  left: 196_608,
  right: 262_144,
  gradients: 327_680,
  histogram: 524_288,
  doubles: 589_824,
  /** From one class's scores to the next one's. */
  stride: 2048,
};

function kernelsFor(objective: Objective, weighted: boolean): GbdtKernels {
  const shape = {
    pages: PAGES,
    groups: GROUPS,
    objective,
    weighted,
    scoreStride: AT.stride,
    countShift: COUNT_SHIFT,
    penalties: gbdt(),
    constants: AT.constants,
  };
  const module = kernelModule(shape);
  module.writeConstants(buffer);
  return instantiateKernels(new wasm.Module(module.bytes), memory, GROUPS);
}

let kernels: GbdtKernels;
beforeAll(() => {
  expect(CONSTANT_BYTES).toBeLessThan(900);
  kernels = kernelsFor({ kind: "logistic" }, false);
});

const rowsAndSeed = fc.record({ rows: fc.integer({ min: 1, max: 200 }), seed: fc.integer() });

describe("the trainer's kernels", () => {
  it("add up histograms of groups of any width", () => {
    fc.assert(
      fc.property(rowsAndSeed, fc.constantFrom(0, 1, 2), ({ rows, seed }, group) => {
        const random = createRandom(seed);
        const offsets = GROUPS[group]!;
        const width = offsets.length;
        const index = new Uint32Array(buffer, AT.index, rows).map(() => random.integer(rows));
        new Uint32Array(buffer, AT.index, rows).set(index);
        const bins = new Uint8Array(buffer, AT.rows, rows * width);
        bins.forEach((_, i) => {
          bins[i] = random.integer(2);
        });
        const gradients = new BigInt64Array(buffer, AT.gradients, 2 * rows);
        gradients.forEach((_, i) => {
          gradients[i] = BigInt(random.integer(2 ** 32)) - (i % 2 === 0 ? 2n ** 31n : 0n);
        });
        const histogram = new BigInt64Array(buffer, AT.histogram, 2 * 16).fill(0n);
        kernels.histograms[group]!(AT.histogram, AT.index, AT.index + 4 * rows, AT.rows, AT.gradients);
        const expected = new BigInt64Array(2 * 16);
        for (const row of index) {
          for (const [feature, offset] of offsets.entries()) {
            const bin = offset + bins[row * width + feature]!;
            expected[2 * bin] = expected[2 * bin]! + gradients[2 * row]!;
            expected[2 * bin + 1] = expected[2 * bin + 1]! + gradients[2 * row + 1]!;
          }
        }
        expect([...histogram]).toEqual([...expected]);
      }),
    );
  });

  it("partition rows in place and into two lists, keeping their order", () => {
    fc.assert(
      fc.property(rowsAndSeed, fc.boolean(), ({ rows, seed }, inPlace) => {
        const random = createRandom(seed);
        const index = [...Array(rows).keys()];
        new Uint32Array(buffer, AT.index, rows).set(index);
        for (const row of index) bytes[AT.rows + row] = random.integer(256);
        for (let bin = 0; bin < 256; bin++) bytes[AT.table + bin] = random.integer(2) * 4;
        const isLeft = (row: number) => bytes[AT.table + bytes[AT.rows + row]!] === 4;
        const target = inPlace ? AT.index : AT.left;
        const count = kernels.partition(AT.index, AT.index + 4 * rows, AT.rows, AT.table, target, AT.right);
        expect([...new Uint32Array(buffer, target, count)]).toEqual(index.filter(isLeft));
        expect([...new Uint32Array(buffer, AT.right, rows - count)]).toEqual(
          index.filter((row) => !isLeft(row)),
        );
      }),
    );
  });

  it("walk rows through a tree of tables", () => {
    const nodes = new Int32Array(buffer, AT.table - 512, 6);
    nodes.set([AT.rows, ~0, 1, AT.rows + 100, ~1, ~2]);
    bytes.fill(0, AT.table, AT.table + 512);
    bytes[AT.table + 7] = 4;
    bytes[AT.table + 256 + 1] = 4;
    for (let row = 0; row < 60; row++) {
      bytes[AT.rows + row] = row % 8;
      bytes[AT.rows + 100 + row] = row % 3;
    }
    new Uint32Array(buffer, AT.index, 30).set([...Array(30).keys()].map((row) => 2 * row + 1));
    const leaves = AT.doubles + 8 * 100;
    new Float64Array(buffer, leaves, 3).set([1, 10, 100]);
    const score = new Float64Array(buffer, AT.doubles, 60).fill(0.5);
    kernels.walk(AT.index, AT.index + 120, AT.table - 512, AT.table, leaves, AT.doubles);
    const expected = (row: number) => (row % 8 === 7 ? 1 : row % 3 === 1 ? 10 : 100);
    expect([...score]).toEqual([...Array(60).keys()].map((row) => 0.5 + (row % 2 === 1 ? expected(row) : 0)));
  });

  it("add, subtract and unpack histograms exactly", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.maxSafeInteger(), fc.nat(2 ** 20), fc.nat(1000)), {
          minLength: 1,
          maxLength: 40,
        }),
        (bins) => {
          const packed = bins.flatMap(([gradient, hessian, rows]) => [
            BigInt(gradient) / 8n,
            BigInt(hessian) + (BigInt(rows) << BigInt(COUNT_SHIFT)),
          ]);
          const [one, two] = [AT.histogram, AT.histogram + 16_384];
          new BigInt64Array(buffer, one, packed.length).set(packed);
          new BigInt64Array(buffer, two, packed.length).set(packed);
          kernels.addHistogram(one, two, 8 * packed.length);
          expect([...new BigInt64Array(buffer, one, packed.length)]).toEqual(
            packed.map((value) => 2n * value),
          );
          kernels.subtractHistogram(one, two, 8 * packed.length);
          expect([...new BigInt64Array(buffer, one, packed.length)]).toEqual(packed);
          kernels.unpack(one, bins.length, AT.doubles, 0.5, 0.25);
          const column = (i: number) => [...new Float64Array(buffer, AT.doubles + 2048 * i, bins.length)];
          expect(column(0)).toEqual(packed.filter((_, i) => i % 2 === 0).map((value) => Number(value) * 0.5));
          expect(column(1)).toEqual(bins.map(([, hessian]) => hessian * 0.25));
          expect(column(2)).toEqual(bins.map(([, , rows]) => rows));
        },
      ),
    );
  });

  it("find the bins of values, and spread columns over rows", () => {
    const bounds = new Float64Array(buffer, AT.doubles, 256).fill(Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 254 }),
        fc.array(fc.double(), { minLength: 1, maxLength: 50 }),
        (list, some) => {
          const ascending = Float64Array.from(list).sort();
          bounds.fill(Number.POSITIVE_INFINITY).set(ascending);
          const values = [...some, ...ascending, Number.NaN];
          new Float64Array(buffer, AT.histogram, values.length).set(values);
          kernels.assignBins(AT.histogram, values.length, AT.doubles, AT.rows, 255);
          const expected = values.map((value) =>
            Number.isNaN(value)
              ? 255
              : [...ascending, Number.POSITIVE_INFINITY].findIndex((bound) => value <= bound),
          );
          expect([...bytes.subarray(AT.rows, AT.rows + values.length)]).toEqual(expected);
        },
      ),
    );
    bytes.set([1, 2, 3], AT.rows);
    bytes.fill(0, AT.left, AT.left + 9);
    kernels.interleave(AT.rows, 3, AT.left + 1, 4);
    expect([...bytes.subarray(AT.left, AT.left + 10)]).toEqual([0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
  });

  it("number rows and copy memory", () => {
    kernels.numberRows(AT.index, 5, 12);
    expect([...new Uint32Array(buffer, AT.index, 7)]).toEqual([5, 6, 7, 8, 9, 10, 11]);
    kernels.copy(AT.left, AT.index + 4, 12);
    expect([...new Uint32Array(buffer, AT.left, 3)]).toEqual([6, 7, 8]);
    kernels.copy(AT.left, AT.index, 0);
    expect(new Uint32Array(buffer, AT.left, 1)[0]).toBe(6);
    new Float64Array(buffer, AT.doubles, 7).fill(1);
    kernels.addToScores(AT.index, AT.index + 8, AT.doubles, 0.25);
    expect([...new Float64Array(buffer, AT.doubles, 7)]).toEqual([1, 1, 1, 1, 1, 1.25, 1.25]);
  });
});

describe("gradients", () => {
  const rows = 301;
  const [score, target, weight, out] = [AT.doubles, AT.doubles + 4096, AT.doubles + 8192, AT.gradients];
  const GRADIENT_SCALE = 2 ** 32;
  const HESSIAN_SCALE = 2 ** 22;

  function run(kind: "logistic" | "squared", weighted: boolean) {
    const random = createRandom(3);
    const fill = (at: number, value: (i: number) => number) => {
      const values = new Float64Array(buffer, at, rows + 1).map((_, i) => value(i));
      new Float64Array(buffer, at, rows + 1).set(values);
      return values;
    };
    const special = [0, -0, 40, -40, 800, -800, Number.NEGATIVE_INFINITY];
    const scores = fill(
      score,
      (i) => special[i] ?? (kind === "logistic" ? random.float() * 40 - 20 : random.float()),
    );
    const targets = fill(target, (i) => (kind === "logistic" ? i % 2 : random.float()));
    const weights = fill(weight, () => (weighted ? random.float() : 1));
    kernelsFor({ kind }, weighted).gradients(
      score,
      target,
      weighted ? weight : 0,
      out,
      0,
      rows,
      GRADIENT_SCALE,
      HESSIAN_SCALE,
      0,
      0,
    );
    const found = new BigInt64Array(buffer, out, 2 * rows);
    return { scores, targets, weights, found };
  }

  it("of the log-loss agree with the kernel's sigmoid to the last bit that is kept", () => {
    for (const weighted of [false, true]) {
      const { scores, targets, weights, found } = run("logistic", weighted);
      for (let i = 0; i < rows; i++) {
        const p = sigmoid(scores[i]!);
        expect(
          Math.abs(Number(found[2 * i]) - (p - targets[i]!) * weights[i]! * GRADIENT_SCALE),
        ).toBeLessThan(0.51);
        const hessian = Number(found[2 * i + 1]! - (1n << BigInt(COUNT_SHIFT)));
        expect(Math.abs(hessian - p * (1 - p) * weights[i]! * HESSIAN_SCALE)).toBeLessThan(1.01);
        expect(hessian).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("of the squared error are the weighted residuals", () => {
    const { scores, targets, weights, found } = run("squared", true);
    for (let i = 7; i < rows; i++) {
      const residual = (scores[i]! - targets[i]!) * weights[i]!;
      expect(Math.abs(Number(found[2 * i]) - residual * GRADIENT_SCALE)).toBeLessThan(0.51);
    }
  });

  it("keep the sum of second derivatives unbiased when they are far below one unit", () => {
    const unweighted = kernelsFor({ kind: "squared" }, false);
    unweighted.gradients(score, target, 0, out, 0, rows, 1, 1 / 16, 0, 0);
    let sum = 0n;
    for (const value of new BigInt64Array(buffer, out, 2 * rows).filter((_, i) => i % 2 === 1))
      sum += value - (1n << BigInt(COUNT_SHIFT));
    expect(Math.abs(Number(sum) - rows / 16)).toBeLessThan(2);
  });

  it("have a largest residual and a log-loss that plain arithmetic confirms", () => {
    const { scores, targets } = run("logistic", false);
    scores[6] = -3;
    new Float64Array(buffer, score, rows).set(scores.subarray(0, rows));
    new Float64Array(buffer, score, rows + 1)[rows] = Number.NEGATIVE_INFINITY;
    new Float64Array(buffer, target, rows + 1)[rows] = 0;
    kernels.logisticLoss(score, target, 0, rows, AT.table);
    const [linear = 0, product = 0] = new Float64Array(buffer, AT.table, 2);
    const margin = (i: number) => (targets[i] === 1 ? scores[i]! : -scores[i]!);
    let expected = 0;
    for (let i = 0; i < rows; i++)
      expected += Math.max(-margin(i), 0) + log1p(Math.exp(-Math.abs(margin(i))));
    expect((linear + Math.log(product)) / expected).toBeCloseTo(1, 11);

    new Float64Array(buffer, score, 4).set([1, -8, 3, 2]);
    new Float64Array(buffer, target, 4).set([0, 1, 0, 0]);
    expect(kernels.largestResidual(score, target, 0, 0, 4)).toBe(9);
    expect(kernels.largestResidual(score, target, 0, 2, 4)).toBe(3);
  });
});
