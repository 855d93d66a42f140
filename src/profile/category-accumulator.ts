import type { Texts } from "./column-profiler.ts";
import { DistinctSketch } from "./distinct-sketch.ts";
import { hashBytes, viewOf } from "./hashing.ts";
import { StringInterner } from "./string-interner.ts";

/** As many different values are counted at a time. */
const MAX_TRACKED = 65_536;
const KEPT_WHEN_PRUNED = MAX_TRACKED / 2;
/** As many of the most frequent values are written down. */
export const MAX_TOP = 1000;

export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

export interface CategorySummary {
  readonly count: number;
  /** The most frequent values, most frequent first, ties in code unit order; at most 1,000. */
  readonly top: readonly ValueCount[];
  /** How many values are not among `top`. */
  readonly other: number;
  /** Each count in `top` may be too low by at most this much; 0 says that all are exact. */
  readonly undercount: number;
  /** The number of different values: exact when `other` and `undercount` are 0, else estimated. */
  readonly distinct: number;
  readonly sketch: string;
}

/**
 * Counts category values exactly up to 65,536 different ones. When there are more, the rarer half (ties: the later
 * seen) is given up and `undercount` grows by the largest count given up, as in lossy counting (Manku & Motwani 2002):
 * a value seen more often than `undercount` is never lost. Depends on the values and their order only.
 */
export class CategoryAccumulator {
  #interner = new StringInterner();
  #counts = new Float64Array(1024);
  #total = 0;
  #undercount = 0;
  readonly #sketch = new DistinctSketch();

  add({ lengths, bytes, nulls }: Texts): void {
    let at = 0;
    let from = 0;
    for (let gap = 0; gap <= nulls.length; gap++) {
      const to = gap < nulls.length ? nulls[gap]! : lengths.length;
      for (let i = from; i < to; i++) {
        const end = at + lengths[i]!;
        this.#count(this.#codeOf(bytes, at, end), 1);
        at = end;
      }
      from = to + 1;
    }
    this.#total += lengths.length - nulls.length;
  }

  merge(other: CategorySummary): void {
    for (const { value, count } of other.top) {
      const bytes = Buffer.from(value, "utf8");
      this.#count(this.#codeOf(viewOf(bytes), 0, bytes.length), count);
    }
    this.#sketch.merge(DistinctSketch.decode(other.sketch));
    this.#undercount += other.undercount;
    const leastListed = other.top.at(-1)?.count ?? 0;
    if (other.other > 0) this.#undercount += Math.min(leastListed, other.other);
    this.#total += other.count;
  }

  summary(): CategorySummary {
    const ranked = this.#ranked();
    const top = ranked
      .map((code): ValueCount => ({ value: this.#interner.textOf(code), count: this.#counts[code]! }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, MAX_TOP);
    const listed = top.reduce((sum, { count }) => sum + count, 0);
    return {
      count: this.#total,
      top,
      other: this.#total - listed,
      undercount: this.#undercount,
      distinct: this.#undercount === 0 ? this.#interner.size : Math.min(this.#sketch.estimate(), this.#total),
      sketch: this.#sketch.encode(),
    };
  }

  #codeOf(texts: DataView, start: number, end: number): number {
    const before = this.#interner.size;
    const code = this.#interner.intern(texts, start, end);
    if (code === before) {
      this.#sketch.add(this.#interner.hashOf(code));
      if (code === this.#counts.length) {
        const larger = new Float64Array(this.#counts.length * 2);
        larger.set(this.#counts);
        this.#counts = larger;
      }
    }
    return code;
  }

  #count(code: number, count: number): void {
    this.#counts[code]! += count;
    if (this.#interner.size === MAX_TRACKED) this.#prune();
  }

  /** Codes by descending count, then in the order first seen. */
  #ranked(): number[] {
    return Array.from({ length: this.#interner.size }, (_, code) => code).sort(
      (a, b) => this.#counts[b]! - this.#counts[a]! || a - b,
    );
  }

  #prune(): void {
    const ranked = this.#ranked();
    const old = this.#interner;
    const oldCounts = this.#counts;
    this.#undercount += oldCounts[ranked[KEPT_WHEN_PRUNED]!]!;
    this.#interner = new StringInterner();
    this.#counts = new Float64Array(MAX_TRACKED);
    // The survivors keep their order, so that later ties are decided as before.
    for (const code of ranked.slice(0, KEPT_WHEN_PRUNED).sort((a, b) => a - b)) {
      const bytes = old.bytesOf(code);
      this.#counts[this.#interner.intern(viewOf(bytes), 0, bytes.length)] = oldCounts[code]!;
    }
  }
}

/** Adds the hash of every text that is present. */
export function addDistinct(sketch: DistinctSketch, { lengths, bytes, nulls }: Texts): void {
  let at = 0;
  let from = 0;
  for (let gap = 0; gap <= nulls.length; gap++) {
    const to = gap < nulls.length ? nulls[gap]! : lengths.length;
    for (let row = from; row < to; row++) {
      const end = at + lengths[row]!;
      sketch.add(hashBytes(bytes, at, end));
      at = end;
    }
    from = to + 1;
  }
}
