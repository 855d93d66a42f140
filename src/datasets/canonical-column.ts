import { createHash, type Hash } from "node:crypto";
import { type ColumnType, type Digest, digestOfJson, isStringType } from "../kernel/index.ts";
import {
  BLOCK_ROWS,
  CategoryProfiler,
  type ColumnProfile,
  NumberProfiler,
  TextProfiler,
} from "../profile/index.ts";
import type { Chunk } from "./engine.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { missingRows, PackedTexts, stringVector } from "./vectors.ts";

/** Takes rows `[from, to)` of the chunk it was opened on. */
export type TakeRows = (from: number, to: number) => void;

/**
 * Digests and profiles one column, in row order and block by block.
 *
 * A column's digest for a block, over which a snapshot's identity is computed, is the sha256 of its canonical form:
 *
 * - `int`: the values as 64-bit integers; `timestamp`: microseconds since 1970 UTC as 64-bit integers; `float`: IEEE doubles
 *   without NaN and −0; `bool`: one byte, 0 or 1; with 0 under a missing value;
 * - `category`, `text`, `image` (the digests): the texts in UTF-8 without anything between, then their lengths in bytes as 32-bit integers, with 0
 *   under a missing value;
 * - then the indices within the block of the rows without a value, ascending, and how many they are, as 32-bit integers.
 *
 * Everything is little-endian.
 */
export interface ColumnScanner {
  open(chunk: Chunk, index: number): TakeRows;
  /** Ends a block after at most 65,536 rows. */
  endBlock(): Digest;
  profile(): ColumnProfile;
}

export function createColumnScanner({ name, type }: SchemaColumn): ColumnScanner {
  return isStringType(type)
    ? textScanner(type === "category" ? new CategoryProfiler(name) : new TextProfiler(name, type))
    : numberScanner(type, new NumberProfiler(name, type));
}

/** The digest of a block from those of its columns. */
export function blockDigest(rows: number, columns: readonly Digest[]): Digest {
  return digestOfJson({ rows, columns });
}

type NumberType = Exclude<ColumnType, "category" | "text" | "image">;

function numberScanner(type: NumberType, profiler: NumberProfiler): ColumnScanner {
  const width = type === "bool" ? 1 : 8;
  const values = new Uint8Array(BLOCK_ROWS * width);
  const doubles = type === "float" ? new Float64Array(values.buffer) : new Float64Array(BLOCK_ROWS);
  let nulls: number[] = [];
  let filled = 0;
  return {
    open(chunk, index) {
      const { data, validity } = chunk.vector(index, width);
      return (from, to) => {
        values.set(data.subarray(from * width, to * width), filled * width);
        for (const row of missingRows(validity, from, to)) nulls.push(row + filled);
        filled += to - from;
      };
    },
    endBlock() {
      const block = values.subarray(0, filled * width);
      for (const row of nulls) block.fill(0, row * width, (row + 1) * width);
      const numbers = doubles.subarray(0, filled);
      setDoubles(numbers, block, type);
      const missing = Uint32Array.from(nulls);
      profiler.add({ values: numbers, nulls: missing });
      nulls = [];
      filled = 0;
      return digestOf(createHash("sha256").update(block), missing);
    },
    profile: () => profiler.profile(),
  };
}

function textScanner(profiler: CategoryProfiler | TextProfiler): ColumnScanner {
  const lengths = new Uint32Array(BLOCK_ROWS);
  const texts = new PackedTexts();
  let hash = createHash("sha256");
  let nulls: number[] = [];
  let filled = 0;
  return {
    open(chunk, index) {
      const vector = stringVector(chunk, index);
      return (from, to) => {
        texts.clear();
        texts.append(vector, { from, to }, { into: lengths, at: filled });
        hash.update(texts.bytes);
        const missing = missingRows(vector.validity, from, to);
        profiler.add({
          lengths: lengths.subarray(filled, filled + to - from),
          bytes: texts.view,
          nulls: Uint32Array.from(missing),
        });
        for (const row of missing) nulls.push(row + filled);
        filled += to - from;
      };
    },
    endBlock() {
      const digest = digestOf(hash.update(bytesOf(lengths.subarray(0, filled))), Uint32Array.from(nulls));
      hash = createHash("sha256");
      nulls = [];
      filled = 0;
      return digest;
    },
    profile: () => profiler.profile(),
  };
}

function digestOf(values: Hash, nulls: Uint32Array): Digest {
  return values
    .update(bytesOf(nulls))
    .update(bytesOf(Uint32Array.of(nulls.length)))
    .digest("hex") as Digest;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/**
 * Numbers as tables and profiles hold them: doubles without −0, timestamps in milliseconds.
 *
 * @param bytes as many values of `type` as `doubles` has; for floats the same memory
 */
function setDoubles(doubles: Float64Array, bytes: Uint8Array, type: NumberType): void {
  if (type === "bool") doubles.set(bytes);
  else if (type === "float") for (let i = 0; i < doubles.length; i++) doubles[i] = doubles[i]! + 0;
  else setWholes(doubles, bytes, type === "timestamp" ? MICROSECONDS_PER_MS : 1);
}

export const MICROSECONDS_PER_MS = 1000;

/** 64-bit integers as doubles, rounded once, divided by `divisor`. */
export function setWholes(doubles: Float64Array, bytes: Uint8Array, divisor: number): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let i = 0; i < words.length / 2; i++) {
    doubles[i] = (words[2 * i + 1]! * 4_294_967_296 + (words[2 * i]! >>> 0)) / divisor;
  }
}
