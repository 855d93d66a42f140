import { isUtf8 } from "node:buffer";
import { wireErrors } from "./errors.ts";

/**
 * Tensors as bytes, as the binary tensor extension of the Open Inference Protocol V2 and gRPC's raw contents have them:
 * little-endian, row-major, without padding. BOOL is one byte; an element of BYTES is a u32 length and so many bytes.
 */
export const tensorTypes = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  BF16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: undefined,
} as const satisfies Readonly<Record<string, number | undefined>>;

export type TensorType = keyof typeof tensorTypes;

export function isTensorType(name: unknown): name is TensorType {
  return typeof name === "string" && Object.hasOwn(tensorTypes, name);
}

/** An element: a bigint only where a double cannot hold the integer. */
export type TensorElement = number | bigint | boolean | string;

/**
 * @param count how many elements the tensor's shape asks for
 * @throws WIRE_BAD_TENSOR when the bytes are not those of so many elements, or an element of BYTES is not UTF-8
 */
export function decodeTensor(
  tensor: { readonly name: string; readonly type: TensorType; readonly count: number },
  bytes: Uint8Array,
): TensorElement[] {
  const { name, type, count } = tensor;
  if (type === "BYTES") return decodeTexts(bytes, { name, count });
  const width = tensorTypes[type];
  if (bytes.length !== count * width) {
    throw badTensor(name, `has ${bytes.length} bytes; ${count} elements of ${type} have ${count * width}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = readers[type];
  const elements: TensorElement[] = [];
  for (let at = 0; at < count; at++) elements.push(read(view, at * width));
  return elements;
}

const readers: Readonly<
  Record<Exclude<TensorType, "BYTES">, (view: DataView, offset: number) => TensorElement>
> = {
  BOOL: (view, offset) => view.getUint8(offset) !== 0,
  UINT8: (view, offset) => view.getUint8(offset),
  UINT16: (view, offset) => view.getUint16(offset, true),
  UINT32: (view, offset) => view.getUint32(offset, true),
  UINT64: (view, offset) => {
    const high = view.getUint32(offset + 4, true);
    return high < EXACT_HIGH
      ? high * 0x1_0000_0000 + view.getUint32(offset, true)
      : exactOrBig(view.getBigUint64(offset, true));
  },
  INT8: (view, offset) => view.getInt8(offset),
  INT16: (view, offset) => view.getInt16(offset, true),
  INT32: (view, offset) => view.getInt32(offset, true),
  INT64: (view, offset) => {
    const high = view.getInt32(offset + 4, true);
    return high < EXACT_HIGH && high >= -EXACT_HIGH
      ? high * 0x1_0000_0000 + view.getUint32(offset, true)
      : exactOrBig(view.getBigInt64(offset, true));
  },
  FP16: (view, offset) => view.getFloat16(offset, true),
  BF16: (view, offset) => bfloat16(view.getUint16(offset, true)),
  FP32: (view, offset) => view.getFloat32(offset, true),
  FP64: (view, offset) => view.getFloat64(offset, true),
};

/** Integers whose upper half is smaller than this are doubles; making a bigint of them would take ten times as long. */
const EXACT_HIGH = 2 ** 21;

const scratch = new DataView(new ArrayBuffer(4));

/** A bfloat16 is the upper half of a float32. */
function bfloat16(bits: number): number {
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}

export function exactOrBig(value: bigint): number | bigint {
  const double = Number(value);
  return BigInt(double) === value ? double : value;
}

function decodeTexts(given: Uint8Array, { name, count }: { name: string; count: number }): string[] {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
  const texts: string[] = [];
  const seen: (string | undefined)[] = new Array(Math.min(count + 1, SEEN_TEXTS)).fill(undefined);
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw badTensor(name, `ends within the length of element ${texts.length}`);
    const length = bytes.readUInt32LE(at);
    at += 4;
    const end = at + length;
    if (end > bytes.length) throw badTensor(name, `ends within element ${texts.length}`);
    const hash = hashOfAscii(bytes, at, end);
    if (hash === NOT_ASCII) texts.push(textOf(bytes.subarray(at, end), { name, at: texts.length }));
    else {
      // Texts of a tensor are often the same few; one that came lately is not made again.
      const place = hash % seen.length;
      const known = seen[place];
      if (known?.length === length && isSame(known, bytes, at)) texts.push(known);
      else {
        const text = bytes.toString("latin1", at, end);
        seen[place] = text;
        texts.push(text);
      }
    }
    at = end;
  }
  if (texts.length !== count)
    throw badTensor(name, `holds ${texts.length} elements of BYTES, its shape asks for ${count}`);
  return texts;
}

const SEEN_TEXTS = 256;
const LONGEST_HASHED = 64;
const NOT_ASCII = -1;

/** `NOT_ASCII` also for longer ones, which are read faster in another way. */
function hashOfAscii(bytes: Buffer, from: number, end: number): number {
  if (end - from > LONGEST_HASHED) return NOT_ASCII;
  let hash = end - from;
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return NOT_ASCII;
    hash = (Math.imul(hash, 31) + byte) & 0x3fff_ffff;
  }
  return hash;
}

/** @param from where in the bytes as many characters stand */
function isSame(text: string, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

/** @throws WIRE_BAD_TENSOR */
export function textOf(bytes: Uint8Array, of: { readonly name: string; readonly at: number }): string {
  if (!isUtf8(bytes)) throw badTensor(of.name, `holds an element (${of.at}) that is not UTF-8 text`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

/** Doubles as the bytes of an FP64 tensor. */
export function encodeDoubles(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 8);
  for (let at = 0; at < values.length; at++) bytes.writeDoubleLE(values[at]!, at * 8);
  return bytes;
}

function badTensor(name: string, problem: string): Error {
  return wireErrors.WIRE_BAD_TENSOR.error(`input "${name.slice(0, 200)}" ${problem}`, {
    details: { field: name.slice(0, 200) },
  });
}

/** INT64. */
export function encodeIntegers(values: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(values.length * 8));
  for (let at = 0; at < values.length; at++) bytes.setBigInt64(at * 8, BigInt(values[at]!), true);
  return new Uint8Array(bytes.buffer);
}

/** BYTES. */
export function encodeTexts(texts: readonly string[]): Uint8Array {
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}
