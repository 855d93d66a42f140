import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeTensor,
  encodeDoubles,
  encodeTexts,
  isTensorType,
  type TensorElement,
  type TensorType,
} from "./tensor-bytes.ts";

const decode = (type: TensorType, bytes: Uint8Array, count: number) =>
  decodeTensor({ name: "x", type, count }, bytes);

function bytesOf(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

function text(value: string): Uint8Array {
  const body = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return bytesOf(length, body);
}

const typed: readonly (readonly [TensorType, (values: number[]) => ArrayBufferView, readonly number[]])[] = [
  ["UINT8", (values) => Uint8Array.from(values), [0, 255]],
  ["UINT16", (values) => Uint16Array.from(values), [0, 65_535]],
  ["UINT32", (values) => Uint32Array.from(values), [0, 4_294_967_295]],
  ["INT8", (values) => Int8Array.from(values), [-128, 127]],
  ["INT16", (values) => Int16Array.from(values), [-32_768, 32_767]],
  ["INT32", (values) => Int32Array.from(values), [-2_147_483_648, 2_147_483_647]],
  ["FP16", (values) => Float16Array.from(values), [1.5, -65_504, 2 ** -24]],
  ["FP32", (values) => Float32Array.from(values), [0.5, -3.25]],
  ["FP64", (values) => Float64Array.from(values), [0.1, -1e300, Number.NaN, Number.NEGATIVE_INFINITY]],
];

describe("tensors of bytes", () => {
  for (const [type, make, values] of typed) {
    it(`are read as ${type}`, () => {
      const view = make([...values]);
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      expect(decode(type, bytes, values.length)).toEqual(values);
      // Wherever they begin in the body.
      const shifted = bytesOf(Uint8Array.of(7), bytes).subarray(1);
      expect(decode(type, shifted, values.length)).toEqual(values);
    });
  }

  it("are read as BF16, the upper halves of floats", () => {
    expect(decode("BF16", Uint8Array.of(0x80, 0x3f, 0x20, 0xc0), 2)).toEqual([1, -2.5]);
  });

  it("keep the digits of 64-bit integers, as bigints where a double has not got them", () => {
    const view = BigInt64Array.of(5n, -(2n ** 53n) - 1n, 2n ** 62n);
    const expected: TensorElement[] = [5, -9_007_199_254_740_993n, 2 ** 62];
    expect(decode("INT64", new Uint8Array(view.buffer), 3)).toEqual(expected);
    const unsigned = BigUint64Array.of(2n ** 64n - 1n);
    expect(decode("UINT64", new Uint8Array(unsigned.buffer), 1)).toEqual([2n ** 64n - 1n]);
  });

  it("are read as texts with their lengths before them", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }), (values) => {
        const wellFormed = values.map((value) => value.toWellFormed());
        expect(decode("BYTES", bytesOf(...wellFormed.map(text)), values.length)).toEqual(wellFormed);
      }),
    );
    expect(decode("BOOL", Uint8Array.of(0, 1, 2), 3)).toEqual([false, true, true]);
  });

  it("are read as the texts that were written, however many are the same or nearly so", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 }),
      fc.string({ unit: "grapheme", maxLength: 100 }),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 400 }), (texts) => {
        expect(decode("BYTES", encodeTexts(texts), texts.length)).toEqual(
          texts.map((one) => one.toWellFormed()),
        );
      }),
    );
  });

  it("are refused when they are too short or too long, and never read past their end", () => {
    const type = fc.constantFrom<TensorType>("INT64", "FP32", "BYTES", "BOOL", "FP16");
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 40 }), fc.nat(20), (name, bytes, count) => {
        try {
          expect(decode(name, bytes, count)).toHaveLength(count);
        } catch (error) {
          expect(error).toMatchObject({ code: "WIRE_BAD_TENSOR", details: { field: "x" } });
        }
      }),
    );
    expect(() => decode("FP32", new Uint8Array(7), 2)).toThrow(
      'input "x" has 7 bytes; 2 elements of FP32 have 8',
    );
    expect(() => decode("BYTES", Uint8Array.of(255, 255, 255, 255, 65), 1)).toThrow("ends within element 0");
    expect(() => decode("BYTES", Uint8Array.of(1, 0, 0, 0, 0xff), 1)).toThrow("not UTF-8");
  });

  it("are written as doubles that read back the same", () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        expect(decode("FP64", encodeDoubles(values), values.length)).toEqual(values);
      }),
    );
  });

  it("have the datatypes of the protocol and no others", () => {
    expect(["FP64", "BYTES"].every(isTensorType)).toBe(true);
    expect(["fp64", "toString", "", undefined, 3].some(isTensorType)).toBe(false);
  });
});
