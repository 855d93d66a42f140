/** Writes messages in the wire format of Protocol Buffers: what is needed to change an ONNX graph and no more. */

const VARINT = 0;
const BYTES = 2;

/** @param value a whole number from 0 to 2^31 − 1 */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  bytes.push(left);
  return Buffer.from(bytes);
}

export function integerField(number: number, value: number): Buffer {
  return Buffer.concat([varint((number << 3) | VARINT), varint(value)]);
}

/** A text, bytes, or a message that has been written. */
export function bytesField(number: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint((number << 3) | BYTES), varint(bytes.length), bytes]);
}
