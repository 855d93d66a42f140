import { bytesAtPointer, type Chunk } from "./engine.ts";

/** A DuckDB string: 4 bytes of length, then the text itself up to 12 bytes, else 4 bytes of prefix and an address. */
const STRING_BYTES = 16;
const STRING_WORDS = 4;
const INLINE_BYTES = 12;
const TWO_TO_32 = 4_294_967_296;
/** Texts are written in whole words; what is written beyond their end is overwritten by the next. */
const SLACK_BYTES = 16;
/** From here on the native copy is faster than ours. */
const LONG_COPY_BYTES = 96;

/** Whether row `row` of a vector has a value. */
export function isPresent(validity: Uint8Array | null, row: number): boolean {
  return validity === null || (validity[row >> 3]! & (1 << (row & 7))) !== 0;
}

/** Reads string columns as texts. */
export class TextReader {
  readonly #texts = new PackedTexts();
  readonly #lengths = new Uint32Array(65_536);

  /** The texts of a chunk's column, null where missing. */
  read(chunk: Chunk, index: number): (string | null)[] {
    const vector = stringVector(chunk, index);
    this.#texts.clear();
    this.#texts.append(vector, { from: 0, to: vector.rows }, { into: this.#lengths, at: 0 });
    const { bytes } = this.#texts;
    const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    return Array.from({ length: vector.rows }, (_, row) => {
      const end = at + this.#lengths[row]!;
      const text = isPresent(vector.validity, row) ? packed.toString("utf8", at, end) : null;
      at = end;
      return text;
    });
  }
}

/** The rows of `[from, to)` without a value, counted from `from`. */
export function missingRows(validity: Uint8Array | null, from: number, to: number): number[] {
  const missing: number[] = [];
  if (validity === null) return missing;
  for (let row = from; row < to; row++) {
    if (!isPresent(validity, row)) missing.push(row - from);
  }
  return missing;
}

/** A string column of a chunk, as DuckDB holds it. */
export interface StringVector {
  readonly rows: number;
  readonly validity: Uint8Array | null;
  readonly data: Uint8Array;
  readonly words: Uint32Array;
}

export function stringVector(chunk: Chunk, index: number): StringVector {
  const { data, validity } = chunk.vector(index, STRING_BYTES);
  const words = new Uint32Array(data.buffer, data.byteOffset, chunk.rowCount * STRING_WORDS);
  return { rows: chunk.rowCount, validity, data, words };
}

/**
 * Texts one after the other.
 *
 * Reading a long string of DuckDB costs a call into native code. The long strings of a vector mostly lie one after the other
 * in memory, because DuckDB writes them so, and such a run is fetched by one call; where they do not, each is fetched alone.
 */
export class PackedTexts {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 65_536) {
    this.#bytes = new Uint8Array(capacity + SLACK_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes of all texts. */
  get length(): number {
    return this.#length;
  }

  get view(): DataView {
    return this.#view;
  }

  /** The texts; valid until more are appended. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Appends the texts of rows `[from, to)`; their lengths, 0 for a missing one, go to `lengths` from `at` on. */
  append(
    vector: StringVector,
    rows: { from: number; to: number },
    lengths: { into: Uint32Array; at: number },
  ): void {
    const { words, validity } = vector;
    const { into } = lengths;
    const shift = lengths.at - rows.from;
    let total = 0;
    for (let row = rows.from; row < rows.to; row++) {
      const length = isPresent(validity, row) ? words[row * STRING_WORDS]! : 0;
      into[row + shift] = length;
      total += length;
    }
    this.#reserve(total);
    for (let row = rows.from; row < rows.to; ) {
      const run = findRun(words, into, { row, to: rows.to, shift });
      const fetched =
        run.bytes === 0
          ? vector.data
          : bytesAtPointer(vector.data, run.firstLong * STRING_BYTES + 8, run.bytes);
      if (run.onlyLong) {
        this.#bytes.set(fetched, this.#length);
        this.#length += run.bytes;
      } else {
        this.#appendMixed(words, fetched, { lengths: into, from: row, to: run.end, shift });
      }
      row = run.end;
    }
  }

  #appendMixed(
    words: Uint32Array,
    fetched: Uint8Array,
    rows: { lengths: Uint32Array; from: number; to: number; shift: number },
  ): void {
    const target = this.#view;
    const source = new DataView(fetched.buffer, fetched.byteOffset, fetched.byteLength);
    let at = this.#length;
    let taken = 0;
    for (let row = rows.from; row < rows.to; row++) {
      const length = rows.lengths[row + rows.shift]!;
      if (length <= INLINE_BYTES) {
        const first = row * STRING_WORDS + 1;
        target.setUint32(at, words[first]!, true);
        target.setUint32(at + 4, words[first + 1]!, true);
        target.setUint32(at + 8, words[first + 2]!, true);
      } else {
        if (length > LONG_COPY_BYTES) this.#bytes.set(fetched.subarray(taken, taken + length), at);
        else copyShort(source, target, { from: taken, to: at, length });
        taken += length;
      }
      at += length;
    }
    this.#length = at;
  }

  #reserve(more: number): void {
    const needed = this.#length + more + SLACK_BYTES;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function copyShort(
  source: DataView,
  target: DataView,
  copy: { from: number; to: number; length: number },
): void {
  const { from, to, length } = copy;
  let done = 0;
  for (; done + 4 <= length; done += 4) target.setInt32(to + done, source.getInt32(from + done, true), true);
  for (; done < length; done++) target.setUint8(to + done, source.getUint8(from + done));
}

interface Run {
  /** The row after the last. */
  readonly end: number;
  readonly firstLong: number;
  /** Of its long strings together; they are adjacent in memory, in row order. */
  readonly bytes: number;
  readonly onlyLong: boolean;
}

/** The longest stretch of rows from `row` on whose long strings lie one after the other. */
function findRun(
  words: Uint32Array,
  lengths: Uint32Array,
  rows: { row: number; to: number; shift: number },
): Run {
  let firstLong = -1;
  let bytes = 0;
  let expected = 0;
  let row = rows.row;
  let onlyLong = true;
  for (; row < rows.to; row++) {
    const length = lengths[row + rows.shift]!;
    if (length <= INLINE_BYTES) {
      if (length > 0) onlyLong = false;
      continue;
    }
    const address = words[row * STRING_WORDS + 3]! * TWO_TO_32 + words[row * STRING_WORDS + 2]!;
    if (firstLong < 0) firstLong = row;
    else if (address !== expected) break;
    expected = address + length;
    bytes += length;
  }
  return { end: row, firstLong, bytes, onlyLong: onlyLong && firstLong >= 0 };
}
