import { crc32 } from "node:zlib";
import { storageErrors } from "./errors.ts";

/**
 * The bytes of a log segment: a header, then frames until the end of the file. All integers are little-endian.
 *
 *     header  8 "SLIPWLOG" | u16 format = 1 | u16 length i of the incarnation | u32 segment number
 *             | f64 creation time, epoch ms | u32 random seed | i bytes incarnation (ASCII) | u32 CRC-32 of all before
 *     frame   u32 length n of the body, 1 ≤ n ≤ 16 MiB | u32 CRC-32 of the body, started from n xor seed | n bytes body
 *
 * CRC-32 is zlib's. Starting it from n makes it cover the length too; the seed makes stale blocks of another segment,
 * and frames that a client may have hidden inside a payload, no frames of this one.
 */
export const SEGMENT_FORMAT = 1;
export const FRAME_HEADER_BYTES = 8;
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const MAGIC = Buffer.from("SLIPWLOG", "latin1");
const FIXED_HEADER_BYTES = 28;
const SEGMENT_NAME = /^([a-z0-9_]{1,40})-([a-z0-9_]{1,64})-(\d{8})\.seg$/;

export interface SegmentName {
  /** Which log: `predictions`. */
  readonly prefix: string;
  /** Which life of which writer: one process never appends to another's file. */
  readonly incarnation: string;
  /** 1, 2, … within one incarnation. */
  readonly number: number;
}

export interface SegmentHeader {
  readonly incarnation: string;
  readonly number: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Random 32 bits that every checksum of this segment starts from. */
  readonly seed: number;
  /** Where the first frame begins. */
  readonly bytes: number;
}

/** `predictions-01jd3k…-00000001.seg`; names sort by prefix, incarnation, number. @throws STORAGE_BAD_NAME */
export function segmentFileName(name: SegmentName): string {
  const text = `${name.prefix}-${name.incarnation}-${String(name.number).padStart(8, "0")}.seg`;
  if (!SEGMENT_NAME.test(text)) throw badName(text);
  return text;
}

/** The parts of a segment's file name, or undefined when it is not one. */
export function parseSegmentFileName(file: string): SegmentName | undefined {
  const match = SEGMENT_NAME.exec(file);
  return match ? { prefix: match[1]!, incarnation: match[2]!, number: Number(match[3]) } : undefined;
}

export function badName(text: string): Error {
  return storageErrors.STORAGE_BAD_NAME.error(
    `"${text.slice(0, 200)}" is no segment's name: it must read <prefix>-<incarnation>-<8 digits>.seg with a-z, 0-9 and _`,
    { details: { name: text.slice(0, 200) } },
  );
}

export function headerBytesOf(incarnation: string): number {
  return FIXED_HEADER_BYTES + incarnation.length + 4;
}

export function encodeHeader(header: Omit<SegmentHeader, "bytes">): Buffer {
  const bytes = Buffer.alloc(headerBytesOf(header.incarnation));
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(SEGMENT_FORMAT, 8);
  bytes.writeUInt16LE(header.incarnation.length, 10);
  bytes.writeUInt32LE(header.number, 12);
  bytes.writeDoubleLE(header.createdAt, 16);
  bytes.writeUInt32LE(header.seed, 24);
  bytes.write(header.incarnation, FIXED_HEADER_BYTES, "latin1");
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

/**
 * Reads the header at the start of `bytes`.
 *
 * - `torn`: the file ends before its header does, so that no frame was ever written to it
 * - `damaged`: these are not the bytes of a header
 *
 * @throws STORAGE_LOG_UNSUPPORTED
 */
export function decodeHeader(bytes: Buffer, path: string): SegmentHeader | "torn" | "damaged" {
  const known = Math.min(bytes.length, MAGIC.length);
  if (!bytes.subarray(0, known).equals(MAGIC.subarray(0, known))) return "damaged";
  if (bytes.length < FIXED_HEADER_BYTES) return "torn";
  const format = bytes.readUInt16LE(8);
  if (format > SEGMENT_FORMAT) {
    throw storageErrors.STORAGE_LOG_UNSUPPORTED.error(
      `${path} is a log segment of format ${format}; this version reads format ${SEGMENT_FORMAT}`,
      { details: { path, format }, hint: "Read it with the version that wrote it, or a newer one." },
    );
  }
  const end = FIXED_HEADER_BYTES + bytes.readUInt16LE(10) + 4;
  if (bytes.length < end) return end > FIXED_HEADER_BYTES + 64 + 4 ? "damaged" : "torn";
  if (format === 0 || bytes.readUInt32LE(end - 4) !== crc32(bytes.subarray(0, end - 4))) return "damaged";
  return {
    incarnation: bytes.toString("latin1", FIXED_HEADER_BYTES, end - 4),
    number: bytes.readUInt32LE(12),
    createdAt: bytes.readDoubleLE(16),
    seed: bytes.readUInt32LE(24),
    bytes: end,
  };
}

/** The longest header there is. */
export const MAX_HEADER_BYTES = FIXED_HEADER_BYTES + 64 + 4;

/** A frame's place: `offset` of its length in `bytes`, the `seed` of its segment. */
export interface FramePlace {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly seed: number;
}

/** Writes length and checksum at the start of `frame`, whose body already stands behind them. */
export function sealFrame(frame: Buffer, seed: number): void {
  const length = frame.length - FRAME_HEADER_BYTES;
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEADER_BYTES), (length ^ seed) >>> 0), 4);
}

/**
 * The length of the body of the frame at a place, or why there is none:
 *
 * - `short`: the bytes end before the frame does
 * - `bad`: the length is none a frame may have, or the checksum is another one
 */
export function readFrameLength({ bytes, offset, seed }: FramePlace): number | "short" | "bad" {
  if (bytes.length - offset < FRAME_HEADER_BYTES) return "short";
  const length = bytes.readUInt32LE(offset);
  if (!isFrameLength(length)) return "bad";
  const start = offset + FRAME_HEADER_BYTES;
  if (bytes.length - start < length) return "short";
  return crc32(bytes.subarray(start, start + length), (length ^ seed) >>> 0) ===
    bytes.readUInt32LE(offset + 4)
    ? length
    : "bad";
}

/** Above this length a frame is only looked at where another plausible length or the end of the bytes follows it. */
const CHEAP_BYTES = 64 * 1024;

/** Where the first whole frame at or after a place begins, or undefined. */
export function findFrame({ bytes, offset: from, seed }: FramePlace): number | undefined {
  for (let offset = from; offset + FRAME_HEADER_BYTES < bytes.length; offset++) {
    const length = bytes.readUInt32LE(offset);
    if (!isFrameLength(length)) continue;
    const end = offset + FRAME_HEADER_BYTES + length;
    if (end > bytes.length) continue;
    const plausible =
      length <= CHEAP_BYTES || end + 4 > bytes.length || isFrameLength(bytes.readUInt32LE(end));
    if (plausible && typeof readFrameLength({ bytes, offset, seed }) === "number") return offset;
  }
  return undefined;
}

function isFrameLength(length: number): boolean {
  return length > 0 && length <= MAX_FRAME_BYTES;
}
