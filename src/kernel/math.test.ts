import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exp, expm1, log, log1p, log2, log10, logit, pow, sigmoid, tanh } from "./math.ts";
import { cos, sin } from "./trigonometry.ts";

const FUNCTIONS: Readonly<Record<string, (x: number, y: number) => number>> = {
  exp,
  expm1,
  log,
  log1p,
  log2,
  log10,
  sin,
  cos,
  tanh,
  sigmoid,
  logit,
  pow,
};

/** Distance from the correctly rounded value; 1 leaves room for a true error below 1.5 ulp, the docs say what it is. */
const LARGEST_DISTANCE: Readonly<Record<string, number>> = { sigmoid: 2, tanh: 2 };

const FLOAT = new Float64Array(1);
const BITS = new BigUint64Array(FLOAT.buffer);

function doubleOf(hexadecimal: string): number {
  BITS[0] = BigInt(`0x${hexadecimal}`);
  return FLOAT[0]!;
}

/** Doubles in order as consecutive integers. */
function ordinal(x: number): bigint {
  FLOAT[0] = x;
  const bits = BITS[0]!;
  return bits >> 63n === 1n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}

function ulpsBetween(a: number, b: number): number {
  return Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(Number(ordinal(a) - ordinal(b)));
}

const golden: Record<string, string[][]> = JSON.parse(
  readFileSync(new URL("../../test/golden/elementary.json", import.meta.url), "utf8"),
);

describe("elementary functions against mpmath", () => {
  for (const [name, cases] of Object.entries(golden)) {
    it(`${name} is within ${LARGEST_DISTANCE[name] ?? 1} ulp of the correctly rounded value`, () => {
      const worst = cases
        .map((hexadecimals) => {
          const [x, yOrWant, want] = hexadecimals.map(doubleOf);
          const got = FUNCTIONS[name]!(x!, yOrWant!);
          return { x, y: yOrWant, got, ulps: ulpsBetween(got, want ?? yOrWant!) };
        })
        .reduce((a, b) => (b.ulps > a.ulps ? b : a));
      expect(worst.ulps, JSON.stringify(worst)).toBeLessThanOrEqual(LARGEST_DISTANCE[name] ?? 1);
    });
  }

  it("covers every function", () => {
    expect(Object.keys(golden).sort()).toEqual(Object.keys(FUNCTIONS).sort());
  });
});

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  -3,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2 ** -1022,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  2 ** 53,
  -(2 ** 53 + 2),
  1e300,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

describe("special values", () => {
  it.each([
    ["exp", exp, Math.exp],
    ["expm1", expm1, Math.expm1],
    ["log", log, Math.log],
    ["log1p", log1p, Math.log1p],
    ["log2", log2, Math.log2],
    ["log10", log10, Math.log10],
    ["tanh", tanh, Math.tanh],
    ["sin", sin, Math.sin],
    ["cos", cos, Math.cos],
  ])(
    "%s agrees with ECMAScript on zeros, infinities, NaN and the ends of the range",
    (_name, ours, engine) => {
      for (const x of SPECIAL) {
        const [got, want] = [ours(x), engine(x)];
        if (Number.isFinite(want) && want !== 0)
          expect(ulpsBetween(got, want), `at ${x}`).toBeLessThanOrEqual(2);
        else expect(got, `at ${x}`).toBe(want);
      }
    },
  );

  it("pow agrees with ECMAScript on every pair of special values", () => {
    for (const x of SPECIAL) {
      for (const y of SPECIAL) {
        const [got, want] = [pow(x, y), x ** y];
        if (Number.isFinite(want) && want !== 0) {
          expect(ulpsBetween(got, want), `pow(${x}, ${y})`).toBeLessThanOrEqual(2);
        } else expect(got, `pow(${x}, ${y})`).toBe(want);
      }
    }
  });

  it("sigmoid and logit reach their ends without NaN", () => {
    expect([sigmoid(Number.NEGATIVE_INFINITY), sigmoid(0), sigmoid(Number.POSITIVE_INFINITY)]).toEqual([
      0, 0.5, 1,
    ]);
    expect(sigmoid(-745)).toBe(exp(-745));
    expect([logit(0), logit(0.5), logit(1)]).toEqual([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY]);
    for (const outside of [-0.1, 1.1, Number.NaN]) expect(logit(outside)).toBeNaN();
    expect(sigmoid(Number.NaN)).toBeNaN();
  });
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const moderate = fc.double({ noNaN: true, min: -700, max: 700 });
const positive = fc.double({ noNaN: true, noDefaultInfinity: true, min: Number.MIN_VALUE });

function closeInUlps(a: number, b: number, ulps: number): void {
  expect(ulpsBetween(a, b), `${a} and ${b}`).toBeLessThanOrEqual(ulps);
}

describe("properties", () => {
  it("stay within 2 ulp of the engine's functions anywhere", () => {
    fc.assert(
      fc.property(finite, positive, (x, p) => {
        closeInUlps(exp(x), Math.exp(x), 2);
        closeInUlps(expm1(x), Math.expm1(x), 2);
        closeInUlps(log(p), Math.log(p), 2);
        closeInUlps(log1p(p), Math.log1p(p), 2);
        closeInUlps(log2(p), Math.log2(p), 3);
        closeInUlps(log10(p), Math.log10(p), 3);
        closeInUlps(sin(x), Math.sin(x), 2);
        closeInUlps(cos(x), Math.cos(x), 2);
        closeInUlps(pow(p, x), p ** x, 3);
      }),
      { numRuns: 2000 },
    );
  });

  it("exp, log, sigmoid and tanh never decrease over a step of many ulps", () => {
    const step = (x: number) => x + Math.abs(x) * 1e-13 + 1e-13;
    fc.assert(
      fc.property(moderate, (x) => {
        expect(exp(step(x))).toBeGreaterThanOrEqual(exp(x));
        expect(sigmoid(step(x))).toBeGreaterThanOrEqual(sigmoid(x));
        expect(tanh(step(x))).toBeGreaterThanOrEqual(tanh(x));
        const p = Math.abs(x);
        expect(log(step(p))).toBeGreaterThanOrEqual(log(p));
        expect(log1p(step(p))).toBeGreaterThanOrEqual(log1p(p));
      }),
    );
  });

  it("are odd, even and inverse where they should be", () => {
    fc.assert(
      fc.property(moderate, (x) => {
        expect(sin(-x)).toBe(-sin(x));
        expect(cos(-x)).toBe(cos(x));
        expect(tanh(-x)).toBe(-tanh(x));
        expect(sigmoid(x) + sigmoid(-x)).toBeCloseTo(1, 15);
        expect(log(exp(x))).toBeCloseTo(x, 12);
        const squares = sin(x) * sin(x) + cos(x) * cos(x);
        expect(Math.abs(squares - 1)).toBeLessThan(1e-15);
        if (Math.abs(x) < 30)
          expect(Math.abs(logit(sigmoid(x)) - x)).toBeLessThan(1e-15 / sigmoid(-Math.abs(x)));
      }),
    );
  });

  it("powers of two and of ten come out exact", () => {
    for (let k = -1074; k <= 1023; k++) {
      expect(log2(2 ** k)).toBe(k);
      expect(pow(2, k)).toBe(2 ** k);
    }
    for (let k = 0; k <= 22; k++) expect(log10(Number(`1e${k}`))).toBe(k);
  });
});
