import { createRandom, exp, log, log1p, monotonicMs, pow, sigmoid } from "../src/kernel/index.ts";
import type { BenchRow } from "./bench-row.ts";

const COUNT = 65_536;

/** Our deterministic functions against the engine's, which may differ in the last bit between processors and versions. */
export async function bench(): Promise<readonly BenchRow[]> {
  const random = createRandom("bench elementary");
  const wide = Float64Array.from({ length: COUNT }, () => 40 * random.float() - 20);
  const positive = wide.map((x) => Math.abs(x) + 0.01);
  return [
    compare("exp", [wide, (x) => exp(x), (x) => Math.exp(x)]),
    compare("log", [positive, (x) => log(x), (x) => Math.log(x)]),
    compare("log1p", [positive, (x) => log1p(x), (x) => Math.log1p(x)]),
    compare("pow", [positive, (x) => pow(x, 1.7), (x) => x ** 1.7]),
    compare("sigmoid", [wide, (x) => sigmoid(x), (x) => 1 / (1 + Math.exp(-x))]),
  ];
}

type Elementary = (x: number) => number;

function compare(
  name: string,
  [xs, ours, engine]: readonly [Float64Array, Elementary, Elementary],
): BenchRow {
  const row = { ours: nanosecondsPerCall(xs, ours), peer: nanosecondsPerCall(xs, engine) };
  return {
    claim: name,
    ...row,
    peerName: "Math of the engine",
    ratio: row.ours / row.peer,
    unit: "ns a call",
  };
}

function nanosecondsPerCall(xs: Float64Array, call: Elementary): number {
  // A loop of its own for every function: one shared loop would be compiled for calls of any of them.
  const loop = new Function(
    "call",
    "return (xs) => { let sum = 0; for (let i = 0; i < xs.length; i++) sum += call(xs[i]); return sum; }",
  )(call) as (xs: Float64Array) => number;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 60; i++) {
    const start = monotonicMs();
    loop(xs);
    best = Math.min(best, monotonicMs() - start);
  }
  return (best * 1e6) / xs.length;
}
