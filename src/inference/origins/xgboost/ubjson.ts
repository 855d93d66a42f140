import { badFile } from "../origin-model.ts";

/** A value of Universal Binary JSON; a list of numbers of one type is a typed array. */
export type UbjValue =
  | null
  | boolean
  | number
  | string
  | NumberList
  | readonly UbjValue[]
  | { readonly [key: string]: UbjValue };

export type NumberList = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

const DEEPEST = 64;

const bad = (what: string) => badFile("xgboost-ubj", what);
const code = (marker: string): number => marker.charCodeAt(0);
const CLOSE_LIST = code("]");
const CLOSE_OBJECT = code("}");
const COUNT = code("#");
const TYPE = code("$");
const NO_OP = code("N");

/**
 * Reads Universal Binary JSON (draft 12, big-endian) as XGBoost writes it.
 *
 * @throws INFERENCE_BAD_MODEL_FILE
 */
export function parseUbjson(bytes: Uint8Array): UbjValue {
  const reader = new UbjReader(bytes);
  const value = reader.value(reader.marker(), 0);
  reader.expectEnd();
  return value;
}

class UbjReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  expectEnd(): void {
    if (this.#at !== this.#bytes.length)
      throw bad(`${this.#bytes.length - this.#at} bytes follow after its end`);
  }

  /** The next byte that means something. */
  marker(): number {
    while (this.#peek() === NO_OP) this.#at++;
    const marker = this.#peek();
    this.#at++;
    return marker;
  }

  value(marker: number, depth: number): UbjValue {
    if (depth > DEEPEST) throw bad(`it nests deeper than ${DEEPEST} levels`);
    switch (String.fromCharCode(marker)) {
      case "Z":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      case "C":
        return String.fromCharCode(this.#number("U"));
      case "S":
      case "H":
        return this.#text(this.#length());
      case "[":
        return this.#list(depth);
      case "{":
        return this.#object(depth);
      default:
        return this.#number(String.fromCharCode(marker));
    }
  }

  #peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw bad(`it ends after ${this.#bytes.length} bytes, in the middle of a value`);
    return byte;
  }

  #take(count: number): number {
    const at = this.#at;
    if (!(count <= this.#bytes.length - at))
      throw bad(`at byte ${at} it asks for ${count} bytes, ${this.#bytes.length - at} are left`);
    this.#at += count;
    return at;
  }

  #number(type: string): number {
    const view = this.#view;
    switch (type) {
      case "i":
        return view.getInt8(this.#take(1));
      case "U":
        return view.getUint8(this.#take(1));
      case "I":
        return view.getInt16(this.#take(2));
      case "l":
        return view.getInt32(this.#take(4));
      case "L":
        return Number(view.getBigInt64(this.#take(8)));
      case "d":
        return view.getFloat32(this.#take(4));
      case "D":
        return view.getFloat64(this.#take(8));
      default:
        throw bad(`byte ${this.#at - 1} begins no value`);
    }
  }

  #length(): number {
    const length = this.#number(String.fromCharCode(this.marker()));
    if (!(Number.isSafeInteger(length) && length >= 0)) throw bad(`byte ${this.#at}: a length is ${length}`);
    return length;
  }

  #text(length: number): string {
    const at = this.#take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(at, at + length),
      );
    } catch (cause) {
      throw badFile("xgboost-ubj", `the text at byte ${at} is not UTF-8`, cause);
    }
  }

  /** What stands between the opening of a container and its first member. */
  #optimisation(): { readonly type: number | undefined; readonly count: number | undefined } {
    let type: number | undefined;
    let count: number | undefined;
    if (this.#peek() === TYPE) {
      this.#at++;
      type = this.marker();
    }
    if (this.#peek() === COUNT) {
      this.#at++;
      count = this.#length();
    }
    if (type !== undefined && count === undefined)
      throw bad(`byte ${this.#at}: a container has a type and no count`);
    return { type, count };
  }

  #list(depth: number): UbjValue {
    const { type, count } = this.#optimisation();
    if (type !== undefined) return this.#typedList(type, count!, depth);
    const values: UbjValue[] = [];
    for (let i = 0; count === undefined || i < count; i++) {
      const marker = this.marker();
      if (count === undefined && marker === CLOSE_LIST) break;
      values.push(this.value(marker, depth + 1));
    }
    return values;
  }

  #typedList(type: number, count: number, depth: number): UbjValue {
    const at = this.#at;
    const view = this.#view;
    const name = String.fromCharCode(type);
    switch (name) {
      case "i":
        return Int8Array.from(bytesAt(this.#bytes, this.#take(count), count), (byte) => (byte << 24) >> 24);
      case "U":
        return bytesAt(this.#bytes, this.#take(count), count).slice();
      case "I":
        this.#take(2 * count);
        return Int16Array.from({ length: count }, (_, i) => view.getInt16(at + 2 * i));
      case "l":
        this.#take(4 * count);
        return Int32Array.from({ length: count }, (_, i) => view.getInt32(at + 4 * i));
      case "L":
        this.#take(8 * count);
        return Float64Array.from({ length: count }, (_, i) => Number(view.getBigInt64(at + 8 * i)));
      case "d":
        this.#take(4 * count);
        return Float32Array.from({ length: count }, (_, i) => view.getFloat32(at + 4 * i));
      case "D":
        this.#take(8 * count);
        return Float64Array.from({ length: count }, (_, i) => view.getFloat64(at + 8 * i));
      default: {
        // Every value of these types takes at least one byte, so that a count cannot ask for endless memory.
        if (!"SH[{C".includes(name)) throw bad(`byte ${at}: a list of the type "${name}" is not known`);
        return Array.from({ length: Math.min(count, this.#bytes.length - at + 1) }, () =>
          this.value(type, depth + 1),
        );
      }
    }
  }

  #object(depth: number): UbjValue {
    const { type, count } = this.#optimisation();
    const members = new Map<string, UbjValue>();
    for (let i = 0; count === undefined || i < count; i++) {
      while (this.#peek() === NO_OP) this.#at++;
      if (count === undefined && this.#peek() === CLOSE_OBJECT) {
        this.#at++;
        break;
      }
      const key = this.#text(this.#length());
      members.set(key, this.value(type ?? this.marker(), depth + 1));
    }
    return Object.fromEntries(members);
  }
}

function bytesAt(bytes: Uint8Array, at: number, count: number): Uint8Array {
  return bytes.subarray(at, at + count);
}
