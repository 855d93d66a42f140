/**
 * Elementary functions that give the same bits on every processor and JavaScript engine.
 *
 * `Math.exp`, `Math.log`, `Math.pow`, `**` and their kin may differ between processors and V8 versions; numbers that
 * are digested, served or replayed therefore use these. Only `+ − × ÷`, comparisons and access to the bits of a double
 * are used, all of which IEEE 754 fixes exactly.
 *
 * Argument reductions and polynomial coefficients follow fdlibm 5.3:
 * "Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun Microsystems, Inc.
 * business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
 * notice is preserved."
 *
 * Every NaN returned is the canonical one. Errors against exact values, in units in the last place (ulp), are those
 * found by the golden tests in `test/golden`.
 */

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);
FLOAT[0] = 1;
/** Index of the word with sign, exponent and the top of the mantissa: 1 on little-endian machines. */
const HIGH = WORDS[0] === 0 ? 1 : 0;

// biome-ignore lint/suspicious/noApproximativeNumericConstant: ECMAScript promises its own constant only approximately.
const LN2 = 0.6931471805599453;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
// biome-ignore lint/suspicious/noApproximativeNumericConstant: ECMAScript promises its own constant only approximately.
const INVERSE_LN2 = 1.4426950408889634;

const LARGEST_EXP = 709.782712893384;
const SMALLEST_EXP = -745.1332191019411;

const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_TO_54 = 18_014_398_509_481_984;
const MIN_EXPONENT = -1074;
/** 2^k for k in [−1074, 1023], at index k + 1074. */
const POWERS_OF_TWO = powersOfTwo();

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(2098);
  powers[0] = Number.MIN_VALUE;
  for (let i = 1; i < powers.length; i++) powers[i] = powers[i - 1]! * 2;
  return powers;
}

/** y × 2^k with one rounding, for y in [0.5, 4) and k in [−1080, 1024]. */
function scale(y: number, k: number): number {
  if (k >= -1020) {
    return k < 1024 ? y * POWERS_OF_TWO[k - MIN_EXPONENT]! : y * 2 * POWERS_OF_TWO[1023 - MIN_EXPONENT]!;
  }
  return y * POWERS_OF_TWO[k + 200 - MIN_EXPONENT]! * POWERS_OF_TWO[-200 - MIN_EXPONENT]!;
}

function highWord(x: number): number {
  FLOAT[0] = x;
  return WORDS[HIGH]!;
}

/**
 * x rounded to 21 bits, so that products of two such numbers are exact (Veltkamp 1968); |x| < 2^990. Arithmetic,
 * because reading a double back after half of it was written as bits stalls processors.
 */
function upperBits(x: number): number {
  const c = 4_294_967_297 * x;
  return c - (c - x);
}

/** k such that x / 2^k lies in [√½, √2), for normal x > 0. */
function exponentOf(x: number): number {
  return ((highWord(x) + (0x3ff00000 - 0x3fe6a09e)) >> 20) - 0x3ff;
}

/** x / 2^k, exactly, for the k of `exponentOf`. */
function mantissaOf(x: number, k: number): number {
  return x * POWERS_OF_TWO[-k - MIN_EXPONENT]!;
}

/** x − x³/6… of the rational approximation shared by `exp` and `pow`: c such that e^x = 1 + x + x·c/(2 − c). */
function expRemainder(x: number): number {
  const t = x * x;
  return (
    x -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  );
}

/** e^x. Error < 1 ulp. Overflows to infinity above 709.78, underflows to 0 below −745.13. */
export function exp(x: number): number {
  if (x > -0.34657359027997264 && x < 0.34657359027997264) {
    const c = expRemainder(x);
    return 1 - ((x * c) / (c - 2) - x);
  }
  if (!(x <= LARGEST_EXP && x >= SMALLEST_EXP)) {
    if (x > 0) return Number.POSITIVE_INFINITY;
    return x < 0 ? 0 : Number.NaN;
  }
  const k = (INVERSE_LN2 * x + (x < 0 ? -0.5 : 0.5)) | 0;
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const reduced = high - low;
  const c = expRemainder(reduced);
  return scale(1 - (low - (reduced * c) / (2 - c) - high), k);
}

/** e^x − 1, precise near 0. Error < 1 ulp. */
export function expm1(x: number): number {
  if (x < 5.551115123125783e-17 && x > -5.551115123125783e-17) return x;
  if (!(x <= LARGEST_EXP)) return x > 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x < -38.816242111356935) return -1;

  let k = 0;
  let correction = 0;
  let reduced = x;
  if (x > 0.34657359027997264 || x < -0.34657359027997264) {
    k = (INVERSE_LN2 * x + (x < 0 ? -0.5 : 0.5)) | 0;
    const high = x - k * LN2_HIGH;
    const low = k * LN2_LOW;
    reduced = high - low;
    correction = high - reduced - low;
  }
  const half = 0.5 * reduced;
  const square = reduced * half;
  const r1 =
    1 +
    square *
      (-0.03333333333333313 +
        square *
          (0.0015873015872548146 +
            square *
              (-7.93650757867488e-5 + square * (4.008217827329362e-6 + square * -2.0109921818362437e-7))));
  const t = 3 - r1 * half;
  let e = square * ((r1 - t) / (6 - reduced * t));
  if (k === 0) return reduced - (reduced * e - square);
  e = reduced * (e - correction) - correction - square;
  if (k === -1) return 0.5 * (reduced - e) - 0.5;
  if (k === 1) return reduced < -0.25 ? -2 * (e - (reduced + 0.5)) : 1 + 2 * (reduced - e);
  if (k < 0 || k > 56) return scale(1 - (e - reduced), k) - 1;
  const inverse = POWERS_OF_TWO[-k - MIN_EXPONENT]!;
  return scale(k < 20 ? 1 - inverse - (e - reduced) : reduced - (e + inverse) + 1, k);
}

/** The series of log(1 + f) − f + f²/2 for 1 + f in [√½, √2], from s = f/(2 + f). */
function logSeries(f: number): number {
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  return s * (0.5 * f * f + (odd + even));
}

/** Natural logarithm. Error < 1 ulp. log(0) = −∞, NaN below 0. */
export function log(x: number): number {
  let k = 0;
  let scaled = x;
  if (!(x >= SMALLEST_NORMAL && x < Number.POSITIVE_INFINITY)) {
    if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
    if (x === Number.POSITIVE_INFINITY) return x;
    k = -54;
    scaled = x * TWO_TO_54;
  }
  const exponent = exponentOf(scaled);
  const f = mantissaOf(scaled, exponent) - 1;
  k += exponent;
  return logSeries(f) + k * LN2_LOW - 0.5 * f * f + f + k * LN2_HIGH;
}

/** log(1 + x), precise near 0. Error < 1 ulp. log1p(−1) = −∞, NaN below −1. */
export function log1p(x: number): number {
  if (x > -0.29289321881345254 && x < 0.41421356237309503) {
    if (x < 1.1102230246251565e-16 && x > -1.1102230246251565e-16) return x;
    return logSeries(x) - 0.5 * x * x + x;
  }
  if (!(x > -1 && x < Number.POSITIVE_INFINITY)) {
    if (x === -1) return Number.NEGATIVE_INFINITY;
    return x > 0 ? x : Number.NaN;
  }
  const u = 1 + x;
  const k = exponentOf(u);
  // What rounding 1 + x to u lost, relative to u.
  const correction = k < 54 ? (k >= 2 ? 1 - (u - x) : x - (u - 1)) / u : 0;
  const f = mantissaOf(u, k) - 1;
  return logSeries(f) + (k * LN2_LOW + correction) - 0.5 * f * f + f + k * LN2_HIGH;
}

/** Logarithm to base 2; exact for powers of two. Error < 1 ulp. */
export function log2(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return log(x);
  const subnormal = x < SMALLEST_NORMAL;
  const scaled = subnormal ? x * TWO_TO_54 : x;
  const exponent = exponentOf(scaled);
  const f = mantissaOf(scaled, exponent) - 1;
  const k = subnormal ? exponent - 54 : exponent;
  const halfSquare = 0.5 * f * f;
  const high = upperBits(f - halfSquare);
  const low = f - high - halfSquare + logSeries(f);
  const product = high * 1.4426950407214463;
  const rest = (low + high) * 1.6751713164886512e-10 + low * 1.4426950407214463;
  const sum = k + product;
  return rest + (k - sum + product) + sum;
}

/** Logarithm to base 10. Error < 1 ulp. */
export function log10(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return log(x);
  const subnormal = x < SMALLEST_NORMAL;
  const scaled = subnormal ? x * TWO_TO_54 : x;
  const exponent = exponentOf(scaled);
  const f = mantissaOf(scaled, exponent) - 1;
  const k = subnormal ? exponent - 54 : exponent;
  const halfSquare = 0.5 * f * f;
  const high = upperBits(f - halfSquare);
  const low = f - high - halfSquare + logSeries(f);
  const product = high * 0.4342944818781689;
  const whole = k * 0.30102999566361177;
  const rest = k * 3.694239077158931e-13 + (low + high) * 2.5082946711645275e-11 + low * 0.4342944818781689;
  const sum = whole + product;
  return rest + (whole - sum + product) + sum;
}

/**
 * x^y with the special cases of ECMAScript's `**` (x^0 = 1 even for NaN, (±1)^±∞ = NaN). Error < 1 ulp.
 */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (!(y - y === 0) || !(x - x === 0) || x === 0) return powAtTheEdge(x, y);
  if (y === 1) return x;
  if (y === 2) return x * x;

  const parity = x < 0 ? parityOf(y) : 2;
  if (parity === 0) return Number.NaN;
  const sign = parity === 1 ? -1 : 1;
  const ax = x < 0 ? -x : x;
  if (ax === 1) return sign;
  return sign * positivePow(ax, y);
}

/** 0 for a fraction, 1 for an odd integer, 2 for an even one. */
function parityOf(y: number): 0 | 1 | 2 {
  const ay = y < 0 ? -y : y;
  if (ay >= 9_007_199_254_740_992) return 2;
  if (Math.floor(ay) !== ay) return 0;
  return Math.floor(ay / 2) * 2 === ay ? 2 : 1;
}

/** x^y where x or y is NaN or infinite, or x is ±0; y ≠ 0. */
function powAtTheEdge(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const ax = x < 0 ? -x : x;
  if (y === Number.POSITIVE_INFINITY || y === Number.NEGATIVE_INFINITY) {
    if (ax === 1) return Number.NaN;
    return ax > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;
  }
  const magnitude = (ax === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY;
  const negative = x < 0 || Object.is(x, -0);
  return negative && parityOf(y) === 1 ? -magnitude : magnitude;
}

/** x^y for finite x > 0, x ≠ 1, and finite y ≠ 0: log2(x) in two doubles, times y, then 2^ of it. */
function positivePow(x: number, y: number): number {
  const above = x > 1 === y > 0;
  const ay = y < 0 ? -y : y;
  // |y·log2 x| > 2^64 · 2^−53·1.4 > 1075 whatever x ≠ 1 is.
  if (ay > 1.8446744073709552e19) return above ? Number.POSITIVE_INFINITY : 0;

  let logHigh: number;
  let logLow: number;
  if (ay > 2_147_483_648 && x > 1 - 9.5367431640625e-7 && x < 1 + 9.5367431640625e-7) {
    // log(x) by x − x²/2 + x³/3 − x⁴/4: |1 − x| is tiny here, and a huge y would magnify the error of the long way.
    const t = x - 1;
    const w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25));
    // Halves, because 1/ln 2 to 24 digits times all of t would not fit a double.
    const tHigh = upperBits(t);
    const u = 1.4426950216293335 * tHigh;
    const v = (t - tHigh) * 1.4426950216293335 + t * 1.9259629911266175e-8 - w * INVERSE_LN2;
    logHigh = upperBits(u + v);
    logLow = v - (logHigh - u);
  } else {
    const subnormal = x < SMALLEST_NORMAL;
    const scaled = subnormal ? x * TWO_TO_54 : x;
    const high = highWord(scaled);
    const mantissa = high & 0x000fffff;
    // x = 2^n · a with a below √(3/2), below √3, or the rest of [1, 2) halved.
    let n = (high >> 20) - 0x3ff;
    let base = 1;
    let logBaseHigh = 0;
    let logBaseLow = 0;
    if (mantissa > 0x3988e) {
      if (mantissa < 0xbb67a) {
        base = 1.5;
        logBaseHigh = 0.5849624872207642;
        logBaseLow = 1.350039202129749e-8;
      } else n += 1;
    }
    const a = mantissaOf(scaled, n);
    if (subnormal) n -= 54;

    // s = (a − base) / (a + base) in two doubles.
    const u = a - base;
    const v = 1 / (a + base);
    const s = u * v;
    const sHigh = upperBits(s);
    const tHigh = upperBits(a + base);
    const tLow = a - (tHigh - base);
    const sLow = v * (u - sHigh * tHigh - sHigh * tLow);

    const s2 = s * s;
    const r =
      s2 *
        s2 *
        (0.5999999999999946 +
          s2 *
            (0.4285714285785502 +
              s2 *
                (0.33333332981837743 +
                  s2 * (0.272728123808534 + s2 * (0.23066074577556175 + s2 * 0.20697501780033842))))) +
      sLow * (sHigh + s);
    const sHigh2 = sHigh * sHigh;
    const cubeHigh = upperBits(3 + sHigh2 + r);
    const cubeLow = r - (cubeHigh - 3 - sHigh2);
    const p = sHigh * cubeHigh;
    const q = sLow * cubeHigh + cubeLow * s;
    const pHigh = upperBits(p + q);
    const pLow = q - (pHigh - p);
    const zHigh = 0.9617967009544373 * pHigh;
    const zLow = -7.028461650952758e-9 * pHigh + pLow * 0.9617966939259756 + logBaseLow;
    logHigh = upperBits(zHigh + zLow + logBaseHigh + n);
    logLow = zLow - (logHigh - n - logBaseHigh - zHigh);
  }

  const yHigh = upperBits(y);
  const low = (y - yHigh) * logHigh + y * logLow;
  const high = yHigh * logHigh;
  return exp2OfPair(high, low);
}

/** 2^(high + low), where |low| is at most a few ulps of `high`. */
function exp2OfPair(high: number, low: number): number {
  const z = high + low;
  if (z >= 1024.5) return Number.POSITIVE_INFINITY;
  if (z <= -1080) return 0;
  const n = Math.floor(z + 0.5);
  const rest = high - n;
  const t = upperBits(rest + low);
  const u = t * 0.6931471824645996;
  const v = (low - (t - rest)) * LN2 + t * -1.904654299957768e-9;
  const w = u + v;
  const remainder = v - (w - u);
  const c = expRemainder(w);
  const r = (w * c) / (c - 2) - (remainder + w * remainder);
  return scale(1 - (r - w), n);
}

/** 1 / (1 + e^−x), in [0, 1], without overflow at either end. Error < 2.5 ulp. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

/** log(p / (1 − p)), the inverse of `sigmoid`. logit(0) = −∞, logit(1) = ∞, NaN outside [0, 1]. Error ≤ 2 ulp. */
export function logit(p: number): number {
  // Near ½ the quotient p / (1 − p) is close to 1 and its rounding error would dominate the logarithm.
  if (p > 0.25 && p < 0.75) return p < 0.5 ? -log1p((1 - 2 * p) / p) : log1p((2 * p - 1) / (1 - p));
  return log(p / (1 - p));
}

/** Hyperbolic tangent. Error < 2.5 ulp. */
export function tanh(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const ax = x < 0 ? -x : x;
  if (ax < 3.725290298461914e-9) return x;
  let t: number;
  if (ax >= 22) t = 1;
  else if (ax >= 1) t = 1 - 2 / (expm1(2 * ax) + 2);
  else {
    const e = expm1(-2 * ax);
    t = -e / (e + 2);
  }
  return x < 0 ? -t : t;
}
