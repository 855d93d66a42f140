import { addDistinct, CategoryAccumulator, type CategorySummary } from "./category-accumulator.ts";
import { DistinctSketch } from "./distinct-sketch.ts";
import { profileErrors } from "./errors.ts";
import { NumberAccumulator, type NumberSummary } from "./number-accumulator.ts";

/** Rows per block of everything that is summed block by block. */
export const BLOCK_ROWS = 65_536;

interface ColumnProfileBase {
  readonly name: string;
  readonly missing: number;
}

/** Timestamps as epoch milliseconds, bools as 0 and 1. */
export interface NumberProfile extends ColumnProfileBase, NumberSummary {
  readonly kind: "number";
  readonly type: "int" | "float" | "bool" | "timestamp";
}

export interface CategoryProfile extends ColumnProfileBase, CategorySummary {
  readonly kind: "category";
  readonly type: "category";
}

export interface TextProfile extends ColumnProfileBase {
  readonly kind: "text";
  readonly type: "text" | "image";
  readonly count: number;
  /** Estimated number of different texts. */
  readonly distinct: number;
  readonly sketch: string;
  /** Of the texts' lengths, in bytes of UTF-8. */
  readonly length: NumberSummary;
}

export type ColumnProfile = NumberProfile | CategoryProfile | TextProfile;

/** Consecutive values of an `int`, `float`, `bool` or `timestamp` column, as a Table holds them. */
export interface Numbers {
  /** One per row: no NaN, no infinities, no −0; 0 under a missing value. */
  readonly values: Float64Array;
  /** Ascending indices of the rows whose value is missing. */
  readonly nulls: Uint32Array;
}

/** Consecutive values of a `category` or `text` column. */
export interface Texts {
  /** Bytes of each row's text in UTF-8; 0 under a missing value. */
  readonly lengths: Uint32Array;
  /** The texts one after the other. */
  readonly bytes: DataView;
  readonly nulls: Uint32Array;
}

/**
 * Cuts rows that come in any portions into blocks, so that the sums over blocks do not depend on the portions.
 */
class BlockedNumbers {
  readonly #into = new NumberAccumulator();
  #values: Float64Array | undefined;
  #nulls: number[] = [];
  #filled = 0;

  /** @param values whole numbers may come as such */
  add(values: Float64Array | Uint32Array, nulls: Uint32Array): void {
    if (this.#filled === 0 && values.length === BLOCK_ROWS && values instanceof Float64Array) {
      this.#into.addBlock(values, nulls);
      return;
    }
    let gap = 0;
    for (let from = 0; from < values.length; ) {
      const to = Math.min(values.length, from + BLOCK_ROWS - this.#filled);
      this.#values ??= new Float64Array(BLOCK_ROWS);
      this.#values.set(values.subarray(from, to), this.#filled);
      for (; gap < nulls.length && nulls[gap]! < to; gap++) {
        this.#nulls.push(nulls[gap]! - from + this.#filled);
      }
      this.#filled += to - from;
      from = to;
      if (this.#filled === BLOCK_ROWS) this.#flush();
    }
  }

  merge(other: NumberSummary): void {
    this.#flush();
    this.#into.merge(other);
  }

  summary(): NumberSummary {
    this.#flush();
    return this.#into.summary();
  }

  #flush(): void {
    if (this.#filled === 0 || this.#values === undefined) return;
    this.#into.addBlock(this.#values.subarray(0, this.#filled), Uint32Array.from(this.#nulls));
    this.#nulls = [];
    this.#filled = 0;
  }
}

/** Builds the profile of a column of numbers, in row order. After `profile()` or `merge` a new block of rows begins. */
export class NumberProfiler {
  readonly #name: string;
  readonly #type: NumberProfile["type"];
  readonly #numbers = new BlockedNumbers();
  #missing = 0;

  constructor(name: string, type: NumberProfile["type"]) {
    this.#name = name;
    this.#type = type;
  }

  add(numbers: Numbers): void {
    this.#missing += numbers.nulls.length;
    this.#numbers.add(numbers.values, numbers.nulls);
  }

  /** @throws PROFILE_DIFFERENT_COLUMNS, PROFILE_BAD_DOCUMENT */
  merge(other: ColumnProfile): void {
    if (other.name !== this.#name || other.type !== this.#type) throw differ(this.#name, this.#type, other);
    this.#missing += other.missing;
    this.#numbers.merge(other);
  }

  profile(): NumberProfile {
    return {
      name: this.#name,
      type: this.#type,
      kind: "number",
      missing: this.#missing,
      ...this.#numbers.summary(),
    };
  }
}

/** Builds the profile of a column of categories, in row order. */
export class CategoryProfiler {
  readonly #name: string;
  readonly #categories = new CategoryAccumulator();
  #missing = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add(texts: Texts): void {
    this.#missing += texts.nulls.length;
    this.#categories.add(texts);
  }

  /** @throws PROFILE_DIFFERENT_COLUMNS, PROFILE_BAD_DOCUMENT */
  merge(other: ColumnProfile): void {
    if (other.name !== this.#name || other.kind !== "category") throw differ(this.#name, "category", other);
    this.#missing += other.missing;
    this.#categories.merge(other);
  }

  profile(): CategoryProfile {
    const missing = this.#missing;
    return { name: this.#name, type: "category", kind: "category", missing, ...this.#categories.summary() };
  }
}

/** Builds the profile of a column of texts, in row order. After `profile()` or `merge` a new block of rows begins. */
export class TextProfiler {
  readonly #name: string;
  readonly #distinct = new DistinctSketch();
  readonly #lengths = new BlockedNumbers();
  readonly #type: TextProfile["type"];
  #missing = 0;

  /** @param type the texts of an image column are the digests of its images */
  constructor(name: string, type: TextProfile["type"] = "text") {
    this.#name = name;
    this.#type = type;
  }

  add(texts: Texts): void {
    this.#missing += texts.nulls.length;
    addDistinct(this.#distinct, texts);
    this.#lengths.add(texts.lengths, texts.nulls);
  }

  /** @throws PROFILE_DIFFERENT_COLUMNS, PROFILE_BAD_DOCUMENT */
  merge(other: ColumnProfile): void {
    if (other.name !== this.#name || other.type !== this.#type) throw differ(this.#name, this.#type, other);
    if (other.kind !== "text") throw differ(this.#name, this.#type, other);
    this.#missing += other.missing;
    this.#distinct.merge(DistinctSketch.decode(other.sketch));
    this.#lengths.merge(other.length);
  }

  profile(): TextProfile {
    const length = this.#lengths.summary();
    return {
      name: this.#name,
      type: this.#type,
      kind: "text",
      missing: this.#missing,
      count: length.count,
      distinct: Math.min(this.#distinct.estimate(), length.count),
      sketch: this.#distinct.encode(),
      length,
    };
  }
}

function differ(name: string, type: string, other: ColumnProfile): Error {
  return profileErrors.PROFILE_DIFFERENT_COLUMNS.error(
    `column ${name} (${type}) does not match ${other.name} (${other.type})`,
  );
}
