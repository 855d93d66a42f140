import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../kernel/index.ts";
import { drawPoissonCounts, quantileOfSorted, sampleRows } from "./bootstrap.ts";

describe("drawPoissonCounts", () => {
  it("draws counts with the shares of Poisson(1)", () => {
    const counts = new Uint8Array(400_000);
    drawPoissonCounts(counts, createRandom(11));
    const shares = new Array<number>(9).fill(0);
    for (const count of counts) shares[count]! += 1 / counts.length;
    const poisson = [0.367879, 0.367879, 0.18394, 0.061313, 0.015328, 0.003066, 0.000511, 0.000073];
    for (const [value, share] of poisson.entries()) {
      expect(Math.abs(shares[value]! - share)).toBeLessThan(5 * Math.sqrt(share / counts.length));
    }
  });

  it("has mean and variance 1, whatever the row's place", () => {
    const random = createRandom(3);
    const counts = new Uint8Array(7);
    const sums = new Float64Array(7);
    const squares = new Float64Array(7);
    for (let i = 0; i < 20_000; i++) {
      drawPoissonCounts(counts, random);
      for (const [row, count] of counts.entries()) {
        sums[row]! += count / 20_000;
        squares[row]! += (count * count) / 20_000;
      }
    }
    for (const row of counts.keys()) {
      expect(sums[row]).toBeCloseTo(1, 1);
      expect(Math.abs(squares[row]! - 2)).toBeLessThan(0.1);
    }
  });

  it("gives the same counts for the same seed", () => {
    const [a, b] = [new Uint8Array(9), new Uint8Array(9)];
    drawPoissonCounts(a, createRandom(5));
    drawPoissonCounts(b, createRandom(5));
    expect(a).toEqual(b);
    expect(Array.from(a)).toEqual([4, 0, 0, 0, 1, 1, 0, 1, 2]);
  });
});

describe("sampleRows", () => {
  it("chooses different rows in order, and all of them when more are asked for", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(250), fc.integer(), (population, size, seed) => {
        const rows = Array.from(sampleRows(population, size, createRandom(seed)));
        expect(rows).toHaveLength(Math.min(population, size));
        expect(new Set(rows).size).toBe(rows.length);
        expect(rows.toSorted((a, b) => a - b)).toEqual(rows);
        expect(rows.every((row) => row < population)).toBe(true);
      }),
    );
  });

  it("chooses every row equally often", () => {
    const random = createRandom("sample");
    const chosen = new Float64Array(20);
    for (let i = 0; i < 10_000; i++) for (const row of sampleRows(20, 5, random)) chosen[row]!++;
    for (const times of chosen) expect(Math.abs(times - 2500)).toBeLessThan(5 * Math.sqrt(2500 * 0.75));
  });
});

describe("quantileOfSorted", () => {
  it("is linear between the two nearest values", () => {
    const sorted = Float64Array.of(1, 2, 4, 8);
    expect([0, 0.25, 0.5, 1].map((share) => quantileOfSorted(sorted, share))).toEqual([1, 1.75, 3, 8]);
    expect(quantileOfSorted(Float64Array.of(7), 0.3)).toBe(7);
    expect(quantileOfSorted(new Float64Array(0), 0.5)).toBeNaN();
  });
});
