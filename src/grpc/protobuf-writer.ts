const INITIAL_BYTES = 4_096;
/** Memory that a large message made larger than this is not kept. */
const LARGEST_KEPT_BYTES = 1024 * 1024;

/** Writes the fields of a protobuf message into memory that grows as needed and is used again for the next message. */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #end = 0;

  /** Begins a message; one that was not finished is forgotten. */
  begin(): void {
    if (this.#bytes.length > LARGEST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#end = 0;
  }

  /** A text; nothing for an empty one, as proto3 has it. */
  text(field: number, text: string): void {
    if (text !== "") this.#text(field, text);
  }

  /** An element of a repeated field of texts, which may be empty. */
  element(field: number, bytes: Uint8Array): void {
    this.#reserve(10 + bytes.length);
    this.#head(field, bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A packed field of whole numbers from 0 to 2⁵³. */
  numbers(field: number, numbers: readonly number[]): void {
    if (numbers.length === 0) return;
    this.message(field, () => {
      this.#reserve(numbers.length * 10);
      for (let i = 0; i < numbers.length; i++) this.#varint(numbers[i]!);
    });
  }

  /** A message within: what `write` writes. */
  message(field: number, write: () => void): void {
    this.#reserve(10);
    this.#bytes[this.#end++] = (field << 3) | 2;
    const start = ++this.#end;
    write();
    const length = this.#end - start;
    if (length >= 0x80) {
      // One byte is kept free for the length; longer messages move.
      const more = Math.ceil(Math.log2(length + 1) / 7) - 1;
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#end);
      this.#end = start - 1;
      this.#varint(length);
      this.#end = start + more + length;
    } else this.#bytes[start - 1] = length;
  }

  /** The message, in memory of its own. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#end));
  }

  #text(field: number, text: string): void {
    this.#reserve(10 + text.length * 3);
    const start = this.#end;
    this.#head(field, text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        this.#end = start;
        this.element(field, Buffer.from(text));
        return;
      }
      this.#bytes[this.#end++] = unit;
    }
  }

  #head(field: number, length: number): void {
    this.#bytes[this.#end++] = (field << 3) | 2;
    this.#varint(length);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#end++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
