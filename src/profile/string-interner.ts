import { hashBytes, viewOf } from "./hashing.ts";

const FIRST_SLOTS = 1024;
const FIRST_BYTES = 16_384;

/** Numbers different byte strings 0, 1, 2, … in the order in which they are first seen. They may take 4 GiB together. */
export class StringInterner {
  #slots = new Int32Array(FIRST_SLOTS).fill(-1);
  #hashes = new Int32Array(FIRST_SLOTS / 2);
  #starts = new Uint32Array(FIRST_SLOTS / 2 + 1);
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the bytes `[start, end)` of `text`. */
  intern(text: DataView, start: number, end: number): number {
    const hash = hashBytes(text, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let code = this.#slots[slot]!; code >= 0; code = this.#slots[slot]!) {
      const sameLength = this.#starts[code + 1]! - this.#starts[code]! === end - start;
      if (this.#hashes[code] === hash && sameLength && this.#equals(code, text, start)) return code;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#size;
    return this.#append(hash, new Uint8Array(text.buffer, text.byteOffset + start, end - start));
  }

  hashOf(code: number): number {
    return this.#hashes[code]!;
  }

  bytesOf(code: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[code]!, this.#starts[code + 1]!);
  }

  textOf(code: number): string {
    const start = this.#starts[code]!;
    return Buffer.from(this.#bytes.buffer, start, this.#starts[code + 1]! - start).toString("utf8");
  }

  /** Whether the text of a code stands at `at` of `text`, which is long enough. */
  #equals(code: number, text: DataView, at: number): boolean {
    const own = this.#view;
    const end = this.#starts[code + 1]!;
    let other = at;
    let mine = this.#starts[code]!;
    for (; mine + 4 <= end; mine += 4, other += 4) {
      if (text.getInt32(other, true) !== own.getInt32(mine, true)) return false;
    }
    for (; mine < end; mine++, other++) {
      if (text.getUint8(other) !== own.getUint8(mine)) return false;
    }
    return true;
  }

  #append(hash: number, text: Uint8Array): number {
    const code = this.#size++;
    const start = this.#starts[code]!;
    if (start + text.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, start + text.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    this.#bytes.set(text, start);
    this.#hashes[code] = hash;
    this.#starts[code + 1] = start + text.length;
    if (this.#size * 2 >= this.#slots.length) this.#rehash();
    return code;
  }

  #rehash(): void {
    const capacity = this.#slots.length * 2;
    const hashes = new Int32Array(capacity / 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const starts = new Uint32Array(capacity / 2 + 1);
    starts.set(this.#starts);
    this.#starts = starts;
    this.#slots = new Int32Array(capacity).fill(-1);
    for (let code = 0; code < this.#size; code++) {
      let slot = hashes[code]! & (capacity - 1);
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & (capacity - 1);
      this.#slots[slot] = code;
    }
  }
}
