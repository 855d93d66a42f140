import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SlipwayError } from "../kernel/index.ts";
import { storageErrors } from "./errors.ts";
import { fileError, isSystemError } from "./file-errors.ts";
import {
  badName,
  decodeHeader,
  FRAME_HEADER_BYTES,
  findFrame,
  MAX_FRAME_BYTES,
  MAX_HEADER_BYTES,
  parseSegmentFileName,
  readFrameLength,
  type SegmentHeader,
  type SegmentName,
} from "./segment-format.ts";

const CHUNK_BYTES = 1 << 20;

/** Where a frame begins: `segment` is a file name in the log's directory, `offset` in bytes. */
export interface LogPosition {
  readonly segment: string;
  readonly offset: number;
}

export interface LogFrame extends LogPosition {
  /** The body; a view that stays valid. */
  readonly frame: Buffer;
}

export interface SegmentInfo extends SegmentName {
  readonly segment: string;
  readonly bytes: number;
}

/** The end of a segment whose writer was killed within a write, or is writing now: no frame in it was acknowledged. */
export interface TornTail extends LogPosition {
  readonly bytes: number;
}

export interface ReadOptions {
  /** Only the log of this name. */
  readonly prefix?: string;
  /** Only segments of this writer. */
  readonly incarnation?: string;
  /** Names of segments that are left out. */
  readonly except?: ReadonlySet<string>;
  /** Begin at this frame; segments whose names sort before it are left out. */
  readonly from?: LogPosition;
  readonly onTornTail?: (tail: TornTail) => void;
  /** Given, reading goes on at the next whole frame after damage; otherwise the error is thrown. */
  readonly onDamage?: (error: SlipwayError) => void;
}

/** The segments of a log in the order of their names: by incarnation, then number. A missing directory has none. */
export async function listSegments(
  directory: string,
  options: Pick<ReadOptions, "prefix" | "incarnation" | "except"> = {},
): Promise<SegmentInfo[]> {
  const segments: SegmentInfo[] = [];
  for (const segment of (await namesIn(directory)).sort()) {
    const name = parseSegmentFileName(segment);
    if (name === undefined || options.except?.has(segment)) continue;
    if (options.prefix !== undefined && options.prefix !== name.prefix) continue;
    if (options.incarnation !== undefined && options.incarnation !== name.incarnation) continue;
    const bytes = await sizeOf(join(directory, segment));
    if (bytes !== undefined) segments.push({ ...name, segment, bytes });
  }
  return segments;
}

/**
 * Every frame of a log, in the order of `listSegments` and within a segment as written. Segments that are being
 * written are read up to where they ended when their turn came.
 *
 * @throws STORAGE_LOG_DAMAGED (unless `onDamage` is given), STORAGE_LOG_UNSUPPORTED, STORAGE_IO
 */
export async function* readSegments(
  directory: string,
  options: ReadOptions = {},
): AsyncGenerator<LogFrame, void, undefined> {
  const from = options.from;
  for (const { segment } of await listSegments(directory, options)) {
    if (from !== undefined && segment < from.segment) continue;
    const start = from?.segment === segment ? from.offset : 0;
    const path = join(directory, segment);
    try {
      await using handle = await open(path, "r");
      yield* readSegment({ handle, path, segment, start, options });
    } catch (thrown) {
      // Its writer closed without having written a frame, or it was removed for its age, since the names were listed.
      if (isSystemError(thrown, "ENOENT")) continue;
      throw fileError(thrown, "read the log segment", path);
    }
  }
}

/**
 * The one frame that begins at a position.
 *
 * @throws STORAGE_LOG_NO_FRAME when the segment does not exist or ends before, STORAGE_LOG_DAMAGED when the bytes there
 *   are no whole frame, STORAGE_BAD_NAME
 */
export async function readFrameAt(directory: string, position: LogPosition): Promise<Buffer> {
  const { segment, offset } = position;
  if (parseSegmentFileName(segment) === undefined) throw badName(segment);
  const path = join(directory, segment);
  try {
    await using handle = await open(path, "r");
    const header = await readHeader(handle, path);
    if (header === "torn") throw noFrame(path, offset);
    if (header === "damaged")
      throw damaged({ path, offset: 0, end: undefined, what: "its header is no header" });
    if (offset < header.bytes) throw noFrame(path, offset);
    const start = await readAt(handle, offset, FRAME_HEADER_BYTES);
    if (start.length < FRAME_HEADER_BYTES) throw noFrame(path, offset);
    const length = start.readUInt32LE();
    const bytes = await readAt(handle, offset, FRAME_HEADER_BYTES + Math.min(length, MAX_FRAME_BYTES));
    const found = readFrameLength({ bytes, offset: 0, seed: header.seed });
    if (typeof found !== "number")
      throw damaged({ path, offset, end: undefined, what: "no whole frame begins there" });
    return bytes.subarray(FRAME_HEADER_BYTES);
  } catch (thrown) {
    if (isSystemError(thrown, "ENOENT")) throw noFrame(path, offset);
    throw fileError(thrown, "read the log segment", path);
  }
}

export interface OpenSegment {
  readonly handle: FileHandle;
  readonly path: string;
  readonly segment: string;
  readonly start: number;
  readonly options: Pick<ReadOptions, "onTornTail" | "onDamage">;
}

/** The whole frames of one segment from `start` on, up to where it ended when this was called. */
export async function* readSegment(opened: OpenSegment): AsyncGenerator<LogFrame, void, undefined> {
  const { handle, path, segment, options } = opened;
  const end = (await handle.stat()).size;
  const header = await readHeader(handle, path);
  if (header === "torn") {
    if (end > 0) options.onTornTail?.({ segment, offset: 0, bytes: end });
    return;
  }
  if (header === "damaged") {
    report(damaged({ path, offset: 0, end, what: "its header is no header" }), options);
    return;
  }
  let offset = Math.max(opened.start, header.bytes);
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = offset;
  while (offset < end) {
    const at = offset - chunkStart;
    const length = readFrameLength({ bytes: chunk, offset: at, seed: header.seed });
    if (typeof length === "number") {
      const body = at + FRAME_HEADER_BYTES;
      yield { segment, offset, frame: chunk.subarray(body, body + length) };
      offset += FRAME_HEADER_BYTES + length;
    } else if (length === "short" && chunkStart + chunk.length < end) {
      const wanted = Math.min(end - offset, bytesToRead(chunk, at));
      chunk = await readAt(handle, offset, wanted);
      chunkStart = offset;
      // The file has become shorter than it was: its writer has cut a torn tail off.
      if (chunk.length < wanted) return;
    } else {
      const rest = await readAt(handle, offset, end - offset);
      const next = recover(rest, { length, path, segment, offset, seed: header.seed, options });
      if (next === undefined) return;
      chunk = rest;
      chunkStart = offset;
      offset += next;
    }
  }
}

/** A chunk, or as much more as the frame that begins at `at` needs. */
function bytesToRead(chunk: Buffer, at: number): number {
  if (chunk.length - at < FRAME_HEADER_BYTES) return CHUNK_BYTES;
  return Math.max(CHUNK_BYTES, FRAME_HEADER_BYTES + chunk.readUInt32LE(at));
}

interface Broken {
  readonly length: "short" | "bad";
  readonly path: string;
  readonly segment: string;
  readonly offset: number;
  readonly seed: number;
  readonly options: OpenSegment["options"];
}

/**
 * Decides what the bytes from a broken frame to the end of the file are. A writer that is killed leaves the beginning of
 * a frame, a loss of power leaves zeros: a torn tail. Everything else was written whole once and is damage.
 * Answers where in `rest` the next whole frame begins, if there is one.
 */
function recover(rest: Buffer, broken: Broken): number | undefined {
  const { path, segment, offset, options } = broken;
  const next = findFrame({ bytes: rest, offset: 1, seed: broken.seed });
  if (next === undefined && (broken.length === "short" || rest.every((byte) => byte === 0))) {
    options.onTornTail?.({ segment, offset, bytes: rest.length });
    return undefined;
  }
  const end = offset + (next ?? rest.length);
  report(damaged({ path, offset, end, what: "these bytes are no whole frame" }), options);
  return next;
}

function report(error: SlipwayError, options: OpenSegment["options"]): void {
  if (options.onDamage === undefined) throw error;
  options.onDamage(error);
}

async function readHeader(handle: FileHandle, path: string): Promise<SegmentHeader | "torn" | "damaged"> {
  return decodeHeader(await readAt(handle, 0, MAX_HEADER_BYTES), path);
}

/** Up to `length` bytes from `offset`; fewer only at the end of the file. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (isSystemError(thrown, "ENOENT")) return undefined;
    throw fileError(thrown, "look at the log segment", path);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (isSystemError(thrown, "ENOENT")) return [];
    throw fileError(thrown, "list the log segments in", directory);
  }
}

function noFrame(path: string, offset: number): SlipwayError {
  return storageErrors.STORAGE_LOG_NO_FRAME.error(`no log frame begins at byte ${offset} of ${path}`, {
    details: { path, offset },
  });
}

function damaged(found: {
  path: string;
  offset: number;
  end: number | undefined;
  what: string;
}): SlipwayError {
  const to = found.end === undefined ? "" : ` to ${found.end}`;
  return storageErrors.STORAGE_LOG_DAMAGED.error(
    `${found.path} is damaged from byte ${found.offset}${to}: ${found.what}`,
    {
      details: { path: found.path, offset: found.offset, end: found.end ?? null },
      hint: "Restore the segment from a backup; the frames outside this range can still be read.",
    },
  );
}
