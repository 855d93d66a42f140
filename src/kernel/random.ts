/**
 * A seeded generator: the same seed gives the same numbers on every machine and thread.
 * xoshiro128** 1.1 (Blackman & Vigna, 2018), seeded by splitmix32.
 */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
  /** A uniform double in [0, 1) with 53 random bits. */
  float(): number;
  /** A uniform integer in [0, bound), 1 ≤ bound ≤ 2^32, without modulo bias. */
  integer(bound: number): number;
  /** An independent generator for a named purpose; does not advance this one. */
  fork(purpose: string): Random;
}

/** @param seed any integer or text; texts are hashed with FNV-1a over UTF-16 code units. */
export function createRandom(seed: number | string): Random {
  const start = typeof seed === "string" ? fnv1a(seed) : mixNumber(seed);
  const next = splitmix32(start);
  let a = next();
  let b = next();
  let c = next();
  let d = next();

  const uint32 = (): number => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return scrambled;
  };
  const float = (): number => ((uint32() >>> 5) * 67_108_864 + (uint32() >>> 6)) / 9_007_199_254_740_992;
  const integer = (bound: number): number => {
    const limit = 4_294_967_296 - (4_294_967_296 % bound);
    let drawn = uint32();
    while (drawn >= limit) drawn = uint32();
    return drawn % bound;
  };
  return { uint32, float, integer, fork: (purpose) => createRandom(`${start}/${purpose}`) };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}

function mixNumber(seed: number): number {
  return Number.isInteger(seed) && Math.abs(seed) <= 0x7fffffff ? seed : fnv1a(String(seed));
}

/** 32-bit FNV-1a over the UTF-16 code units of a text. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash | 0;
}
