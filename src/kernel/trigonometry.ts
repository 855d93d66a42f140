/**
 * Sine and cosine with the same bits everywhere; see `math.ts` for why and for the notice of fdlibm 5.3, whose
 * reductions and coefficients are used here too.
 */

const HALF_PI_1 = 1.5707963267341256;
const HALF_PI_1_TAIL = 6.077100506506192e-11;
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_2_TAIL = 2.0222662487959506e-21;
const HALF_PI_3 = 2.0222662487111665e-21;
const HALF_PI_3_TAIL = 8.4784276603689e-32;
const TWO_OVER_PI = 0.6366197723675814;
const QUARTER_PI = 0.7853981633974483;

/** What is left of an angle after whole quarter turns: `quarters` mod 4, and the rest as a sum of two doubles. */
interface Reduced {
  quarters: number;
  high: number;
  low: number;
}

const REDUCED: Reduced = { quarters: 0, high: 0, low: 0 };

/** sin x, x in radians. Error < 1 ulp. NaN for infinities. */
export function sin(x: number): number {
  if (x < QUARTER_PI && x > -QUARTER_PI) return sinNear0(x, 0);
  if (!(x - x === 0)) return Number.NaN;
  reduce(x, REDUCED);
  return quadrant(REDUCED.quarters);
}

/** cos x, x in radians. Error < 1 ulp. NaN for infinities. */
export function cos(x: number): number {
  if (x < QUARTER_PI && x > -QUARTER_PI) return cosNear0(x, 0);
  if (!(x - x === 0)) return Number.NaN;
  reduce(x, REDUCED);
  return quadrant(REDUCED.quarters + 1);
}

function quadrant(quarters: number): number {
  const { high, low } = REDUCED;
  switch (quarters & 3) {
    case 0:
      return sinNear0(high, low);
    case 1:
      return cosNear0(high, low);
    case 2:
      return -sinNear0(high, low);
    default:
      return -cosNear0(high, low);
  }
}

/** sin(x + tail) for |x| ≤ π/4. */
function sinNear0(x: number, tail: number): number {
  if (x < 1.4901161193847656e-8 && x > -1.4901161193847656e-8) return x;
  const z = x * x;
  const v = z * x;
  const r =
    0.00833333333332249 +
    z *
      (-0.0001984126982985795 +
        z * (2.7557313707070068e-6 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)));
  return x - (z * (0.5 * tail - v * r) - tail - v * -0.16666666666666632);
}

/** cos(x + tail) for |x| ≤ π/4. */
function cosNear0(x: number, tail: number): number {
  const z = x * x;
  const r =
    z *
    (0.0416666666666666 +
      z *
        (-0.001388888888887411 +
          z *
            (2.480158728947673e-5 +
              z * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11)))));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * r - x * tail));
}

/** Cody and Waite in three steps; beyond 2^20 quarter turns, exact integer arithmetic. */
function reduce(x: number, into: Reduced): void {
  const ax = x < 0 ? -x : x;
  if (ax > 1_647_099) {
    reduceHuge(x, into);
    return;
  }
  const n = Math.floor(x * TWO_OVER_PI + 0.5);
  let r = x - n * HALF_PI_1;
  let w = n * HALF_PI_1_TAIL;
  let high = r - w;
  // When x is close to a multiple of π/2 the subtraction cancels: go on with the next bits of π.
  if (high < 2e-5 * ax && high > -2e-5 * ax) {
    let t = r;
    w = n * HALF_PI_2;
    r = t - w;
    w = n * HALF_PI_2_TAIL - (t - r - w);
    high = r - w;
    if (high < 1e-14 * ax && high > -1e-14 * ax) {
      t = r;
      w = n * HALF_PI_3;
      r = t - w;
      w = n * HALF_PI_3_TAIL - (t - r - w);
      high = r - w;
    }
  }
  into.quarters = n & 3;
  into.high = high;
  into.low = r - high - w;
}

/** The first 1,200 binary digits of 2/π. */
const TWO_OVER_PI_DIGITS = 1200n;
const TWO_OVER_PI_BITS = BigInt(
  "0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09" +
    "d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff8" +
    "97ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292" +
    "ea6bfb5fb11f8d5d0856033046fc7b",
);
/** π/2 as an integer of 128 binary digits after the point. */
const HALF_PI_BITS = BigInt("0x1921fb54442d18469898cc51701b839a2");

const FLOAT = new Float64Array(1);
const BITS = new BigUint64Array(FLOAT.buffer);

/** |x| ≥ 2^20: x·2/π as an exact integer product, split into whole quarters and a fraction of 128 digits. */
function reduceHuge(x: number, into: Reduced): void {
  FLOAT[0] = x < 0 ? -x : x;
  const bits = BITS[0]!;
  const exponent = (bits >> 52n) - 1075n;
  const mantissa = (bits & 0xfffffffffffffn) | 0x10000000000000n;
  const product = mantissa * TWO_OVER_PI_BITS;
  const point = TWO_OVER_PI_DIGITS - exponent;
  // 192 digits of the fraction: the closest any double comes to a multiple of π/2 still leaves 128 good ones.
  const turned = product >> (point - 192n);
  let quarters = Number((turned >> 192n) & 3n);
  let fraction = turned & ((1n << 192n) - 1n);
  const beyondHalf = fraction >> 191n === 1n;
  if (beyondHalf) {
    quarters += 1;
    fraction = (1n << 192n) - fraction;
  }
  const rest = fraction * HALF_PI_BITS;
  const width = BigInt(rest.toString(2).length);
  const shift = width > 106n ? width - 106n : 0n;
  const top = rest >> shift;
  const unit = shift - 320n;
  const highPart = top >> 53n;
  const lowPart = top & 0x1fffffffffffffn;
  const sign = beyondHalf === x < 0 ? 1 : -1;
  into.high = sign * timesPowerOfTwo(Number(highPart), unit + 53n);
  into.low = sign * timesPowerOfTwo(Number(lowPart), unit);
  into.quarters = x < 0 ? -quarters : quarters;
}

/** value × 2^exponent, exactly, for exponents in [−1000, 0]. */
function timesPowerOfTwo(value: number, exponent: bigint): number {
  BITS[0] = (1023n + exponent) << 52n;
  return value * FLOAT[0]!;
}
