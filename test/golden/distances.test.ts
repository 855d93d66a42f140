import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  jensenShannonDistance,
  largestShareDifference,
  populationStability,
  sampleDistances,
} from "../../src/stats/index.ts";
import { sharedData } from "../shared-data.ts";

/** Numbers that scipy and numpy gave by the definitions of `golden.py`, beside the file. */
interface Golden {
  readonly ref: readonly [seed: number, count: number, ...rest: unknown[]];
  readonly cur: readonly [seed: number, count: number, ...rest: unknown[]];
  readonly out: Readonly<Record<string, number>> & {
    readonly ref_counts?: readonly number[];
    readonly cur_counts?: readonly number[];
  };
}

const path = sharedData("golden/golden_drift.json");
const golden: Readonly<Record<string, Golden>> =
  path === undefined ? {} : JSON.parse(readFileSync(path, "utf8"));
const cases = Object.entries(golden).filter(([name]) => name !== "_meta");
const near = (got: number, expected: number | undefined) =>
  expect(Math.abs(got - (expected ?? Number.NaN))).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(got)));

/** The generator the golden numbers were made with: mulberry32, normal values as sums of twelve uniform ones less six. */
function normals([seed, count, mean, deviation]: Golden["ref"]): Float64Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return Float64Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += uniform();
    return Number(mean) + Number(deviation) * (sum - 6);
  });
}

describe.skipIf(path === undefined)("distances are those of scipy", () => {
  it.each(cases.filter(([name]) => name.startsWith("num")))("for the samples %s", (_, { ref, cur, out }) => {
    const distances = sampleDistances(normals(ref), normals(cur));
    expect(distances.bins).toBe(out.nbins);
    near(distances.jensenShannon, out.js_2);
    near(distances.psi, out.psi);
    near(distances.kolmogorovSmirnov, out.ks_stat);
  });

  it.each(cases.filter(([, { out }]) => out.ref_counts !== undefined))("for the counts %s", (_, { out }) => {
    const [ref, cur] = [out.ref_counts ?? [], out.cur_counts ?? []];
    near(largestShareDifference(ref, cur), out.linf);
    near(jensenShannonDistance(ref, cur), out.js_2);
    near(populationStability(ref, cur), out.psi);
  });
});
