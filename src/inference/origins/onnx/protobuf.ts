import { badFile } from "../origin-model.ts";

const bad = (what: string) => badFile("onnx", what);

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** One field of a message: where its value lies, read when it is asked for. */
interface Field {
  readonly number: number;
  readonly wire: number;
  /** Where its tag begins. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/**
 * One message in the wire format of Protocol Buffers. It reads what it is asked for by field number and skips the rest,
 * as the format wants it.
 */
export class ProtoMessage {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fields: ReadonlyMap<number, readonly Field[]>;
  readonly #what: string;

  /** @param what the message's name, for errors. @throws INFERENCE_BAD_MODEL_FILE */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#fields = this.#index();
  }

  has(number: number): boolean {
    return this.#fields.has(number);
  }

  message(number: number, what: string): ProtoMessage | undefined {
    return this.messages(number, what).at(-1);
  }

  messages(number: number, what: string): ProtoMessage[] {
    return this.#all(number, BYTES).map(
      ({ start, end }) => new ProtoMessage(this.#bytes.subarray(start, end), what),
    );
  }

  /** Every field in the order of the message: as it stands there, tag included, and its value alone. */
  fields(): { readonly number: number; readonly raw: Uint8Array; readonly value: Uint8Array }[] {
    return Array.from(this.#fields.values())
      .flat()
      .sort((a, b) => a.from - b.from)
      .map(({ number, from, start, end }) => ({
        number,
        raw: this.#bytes.subarray(from, end),
        value: this.#bytes.subarray(start, end),
      }));
  }

  bytes(number: number): Uint8Array {
    const field = this.#all(number, BYTES).at(-1);
    return field === undefined ? new Uint8Array(0) : this.#bytes.subarray(field.start, field.end);
  }

  text(number: number): string {
    return this.texts(number).at(-1) ?? "";
  }

  texts(number: number): string[] {
    return this.#all(number, BYTES).map(({ start, end }) => {
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
          this.#bytes.subarray(start, end),
        );
      } catch (cause) {
        throw badFile("onnx", `field ${number} of ${this.#what} is not UTF-8`, cause);
      }
    });
  }

  /** The last value given; 0 without one, as the format has it. */
  integer(number: number): number {
    return this.integers(number).at(-1) ?? 0;
  }

  /** Signed 64-bit integers; beyond 2^53 the last digits are lost. */
  integers(number: number): number[] {
    const values: number[] = [];
    for (const { wire, start, end } of this.#fields.get(number) ?? []) {
      if (wire !== VARINT && wire !== BYTES) throw this.#wrongWire(number);
      for (let at = start; at < end; ) {
        const { value, next } = this.#varint(at, end);
        values.push(Number(BigInt.asIntN(64, value)));
        at = next;
      }
    }
    return values;
  }

  float(number: number): number {
    return this.floats(number).at(-1) ?? 0;
  }

  floats(number: number): number[] {
    return this.#fixed(number, { wire: FIXED32, width: 4, read: (at) => this.#view.getFloat32(at, true) });
  }

  doubles(number: number): number[] {
    return this.#fixed(number, { wire: FIXED64, width: 8, read: (at) => this.#view.getFloat64(at, true) });
  }

  /** Packed into one field, or one field each. */
  #fixed(
    number: number,
    kind: { readonly wire: number; readonly width: number; readonly read: (at: number) => number },
  ): number[] {
    const values: number[] = [];
    for (const { wire, start, end } of this.#fields.get(number) ?? []) {
      if ((wire !== kind.wire && wire !== BYTES) || (end - start) % kind.width !== 0)
        throw this.#wrongWire(number);
      for (let at = start; at < end; at += kind.width) values.push(kind.read(at));
    }
    return values;
  }

  #all(number: number, wire: number): readonly Field[] {
    const fields = this.#fields.get(number) ?? [];
    if (fields.some((field) => field.wire !== wire)) throw this.#wrongWire(number);
    return fields;
  }

  #index(): Map<number, Field[]> {
    const fields = new Map<number, Field[]>();
    const { length } = this.#bytes;
    for (let at = 0; at < length; ) {
      const { value: tag, next } = this.#varint(at, length);
      const number = Number(tag >> 3n);
      const wire = Number(tag & 7n);
      if (number === 0 || number > 0x1fffffff) throw bad(`${this.#what} has a field numbered ${number}`);
      const { start, end } = this.#extent(wire, next);
      if (end > length) throw bad(`${this.#what} ends in the middle of field ${number}`);
      const known = fields.get(number);
      const field = { number, wire, from: at, start, end };
      if (known === undefined) fields.set(number, [field]);
      else known.push(field);
      at = end;
    }
    return fields;
  }

  #extent(wire: number, at: number): { readonly start: number; readonly end: number } {
    switch (wire) {
      case VARINT:
        return { start: at, end: this.#varint(at, this.#bytes.length).next };
      case FIXED64:
        return { start: at, end: at + 8 };
      case FIXED32:
        return { start: at, end: at + 4 };
      case BYTES: {
        const { value, next } = this.#varint(at, this.#bytes.length);
        return { start: next, end: next + Number(value) };
      }
      default:
        throw bad(`${this.#what} has a field of the unknown wire type ${wire}`);
    }
  }

  #varint(from: number, end: number): { readonly value: bigint; readonly next: number } {
    let value = 0n;
    for (let at = from; at < end && at < from + 10; at++) {
      const byte = this.#bytes[at]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
      if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + 1 };
    }
    throw bad(`${this.#what} ends in the middle of a number`);
  }

  #wrongWire(number: number): Error {
    return bad(`field ${number} of ${this.#what} is of the wrong type`);
  }
}
