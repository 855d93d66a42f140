import type { Random } from "../kernel/index.ts";

/**
 * How many of 65,536 equally likely draws give 0, 1, 2, … 8: Poisson(1) rounded so that mean, variance and third
 * moment are those of Poisson(1) (the first two exactly, the third to 2e-4).
 */
const POISSON_SHARES = [24_107, 24_113, 12_055, 4_017, 1_004, 201, 33, 5, 1];
const POISSON_1 = poissonTable();

function poissonTable(): Uint8Array {
  const table = new Uint8Array(65_536);
  let next = 0;
  for (const [value, share] of POISSON_SHARES.entries()) {
    table.fill(value, next, next + share);
    next += share;
  }
  return table;
}

/**
 * Fills `counts` with how often each row occurs in one bootstrap replicate: independent Poisson(1) counts, the limit
 * of drawing n of n rows with replacement (Hanley & MacGibbon 2006; Chamandy et al. 2012). Unlike multinomial counts
 * they need no shuffling and one pass; the replicate's size varies by ±√n, which ratios of sums are indifferent to.
 */
export function drawPoissonCounts(counts: Uint8Array, random: Random): void {
  const pairs = counts.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    const drawn = random.uint32();
    counts[i] = POISSON_1[drawn & 0xffff]!;
    counts[i + 1] = POISSON_1[drawn >>> 16]!;
  }
  if (pairs < counts.length) counts[pairs] = POISSON_1[random.uint32() >>> 16]!;
}

/**
 * `size` different numbers out of 0 … population − 1, every such set equally likely, in ascending order (selection
 * sampling, Knuth TAOCP 2, 3.4.2, algorithm S). All of them when `size` ≥ `population`.
 */
export function sampleRows(population: number, size: number, random: Random): Uint32Array {
  const wanted = Math.min(size, population);
  const rows = new Uint32Array(wanted);
  let chosen = 0;
  for (let row = 0; chosen < wanted; row++) {
    if (random.float() * (population - row) < wanted - chosen) rows[chosen++] = row;
  }
  return rows;
}

/**
 * The quantile of ascending values at `share` in [0, 1], linear between the two nearest (definition 7 of Hyndman &
 * Fan 1996, the default of R and numpy). NaN of no values.
 */
export function quantileOfSorted(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
