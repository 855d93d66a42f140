import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Clock, entropy, type SlipwayError } from "../kernel/index.ts";
import { syncDirectorySync } from "./durable-files.ts";
import { storageErrors } from "./errors.ts";
import { fileError, isNoRoom, isSystemError } from "./file-errors.ts";
import {
  encodeHeader,
  FRAME_HEADER_BYTES,
  headerBytesOf,
  MAX_FRAME_BYTES,
  parseSegmentFileName,
  sealFrame,
  segmentFileName,
} from "./segment-format.ts";

const INITIAL_BUFFER_BYTES = 256 * 1024;
const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024;

export interface SegmentWriterOptions {
  readonly directory: string;
  /** The log's name in file names: a-z, 0-9, _ */
  readonly prefix: string;
  /** Names this life of this writer, unique for ever: a-z, 0-9, _, at most 64; logs read best when they sort by time. */
  readonly incarnation: string;
  readonly clock: Clock;
  /** A segment is closed by the flush that makes it at least this long. Default 64 MiB. */
  readonly maxSegmentBytes?: number;
  /** A segment that was begun so many milliseconds ago is closed by the next flush. Default: only its length closes it. */
  readonly maxSegmentMs?: number;
  /** `fsync`: a flush returns only when its frames would survive a loss of power. Default `os`: they survive the process. */
  readonly durability?: "os" | "fsync";
}

/**
 * Appends frames to a log: `append` any number of frames, then `flushSync` once; what was appended before a flush that
 * returned has been handed to the operating system. One write per flush, no copy but the one into the buffer.
 */
export interface SegmentWriter {
  readonly directory: string;
  readonly incarnation: string;
  /** Number of the segment that the next appended frame goes to. */
  readonly segmentNumber: number;
  /** File name of the segment that the next appended frame goes to. */
  readonly segment: string;
  /** Offset in that segment at which the next appended frame will begin. */
  readonly offset: number;
  /** Bytes appended and not flushed. */
  readonly pendingBytes: number;
  /**
   * Appends a frame made of `parts` in a row and returns its offset in the current segment, true if the flush succeeds.
   * @throws STORAGE_BAD_FRAME when it is empty or longer than 16 MiB; nothing is appended then
   */
  append(...parts: readonly Uint8Array[]): number;
  /**
   * Writes what was appended.
   * @throws STORAGE_LOG_FULL, STORAGE_LOG_UNWRITABLE: `details.framesWritten` of the frames appended since the last
   *   flush, the first ones, are in the log; the others are not and are forgotten. The writer stays usable.
   */
  flushSync(): void;
  /** Forgets what was appended since the last flush. */
  discard(): void;
  /** Flushes and closes; an incarnation that never wrote a frame leaves no file. @throws as `flushSync` */
  close(): void;
}

/**
 * Opens a new log segment. A full disk is not an error here but at the flushes.
 *
 * @throws STORAGE_BAD_NAME, STORAGE_IO
 */
export function openSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  return new FileSegmentWriter(options);
}

class FileSegmentWriter implements SegmentWriter {
  readonly directory: string;
  readonly incarnation: string;
  readonly #options: SegmentWriterOptions;
  readonly #maxSegmentBytes: number;
  #number: number;
  #fd: number | undefined;
  #seed = 0;
  /** When the open segment was begun. */
  #openedAt = 0;
  /** Bytes of the open segment that hold the header and whole frames. */
  #size: number;
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BUFFER_BYTES);
  #pending = 0;
  #pendingFrames = 0;
  #closed = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.directory = options.directory;
    this.incarnation = options.incarnation;
    this.#maxSegmentBytes = options.maxSegmentBytes ?? DEFAULT_SEGMENT_BYTES;
    segmentFileName({ prefix: options.prefix, incarnation: options.incarnation, number: 1 });
    this.#size = headerBytesOf(options.incarnation);
    try {
      mkdirSync(options.directory, { recursive: true });
      this.#number = nextNumber(options);
      this.#startSegment();
      this.#openSegment();
    } catch (thrown) {
      // On a full disk the writer opens all the same: every flush tries again, and its caller answers for it.
      if (!isNoRoom(thrown)) throw fileError(thrown, "open the log in", options.directory);
      this.#number ??= 1;
    }
  }

  get segmentNumber(): number {
    return this.#number;
  }

  get segment(): string {
    return segmentFileName({
      prefix: this.#options.prefix,
      incarnation: this.incarnation,
      number: this.#number,
    });
  }

  get offset(): number {
    return this.#size + this.#pending;
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  append(...parts: readonly Uint8Array[]): number {
    let length = 0;
    for (const part of parts) length += part.length;
    if (length === 0 || length > MAX_FRAME_BYTES) throw badFrame(length);
    const start = this.#pending;
    const end = start + FRAME_HEADER_BYTES + length;
    if (end > this.#buffer.length) this.#grow(end);
    let at = start + FRAME_HEADER_BYTES;
    for (const part of parts) {
      this.#buffer.set(part, at);
      at += part.length;
    }
    sealFrame(this.#buffer.subarray(start, end), this.#seed);
    this.#pending = end;
    this.#pendingFrames++;
    return this.#size + start;
  }

  flushSync(): void {
    if (this.#pending === 0) return;
    let written = 0;
    try {
      const fd = this.#fd ?? this.#openSegment();
      while (written < this.#pending) {
        // On a full disk a write stops short without an error; only the write after it says why.
        const count = writeSync(fd, this.#buffer, written, this.#pending - written);
        if (count === 0) throw new Error("the file system wrote no bytes and gave no reason");
        written += count;
      }
      if (this.#options.durability === "fsync") fdatasyncSync(fd);
    } catch (thrown) {
      // After a failed fsync nobody knows what reached the disk, so none of it counts.
      this.#recover(thrown, written === this.#pending ? 0 : written);
    }
    this.#size += this.#pending;
    this.#pending = 0;
    this.#pendingFrames = 0;
    if (this.#size >= this.#maxSegmentBytes || this.#isOld()) this.#rotate();
  }

  discard(): void {
    this.#pending = 0;
    this.#pendingFrames = 0;
  }

  #isOld(): boolean {
    const { maxSegmentMs, clock } = this.#options;
    return maxSegmentMs !== undefined && clock() - this.#openedAt >= maxSegmentMs;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.flushSync();
    } finally {
      this.#retire();
    }
  }

  /** Cuts the segment after its last whole frame, leaves it, forgets the frames that are not in it, and throws. */
  #recover(thrown: unknown, written: number): never {
    const { frames, bytes } = wholeFrames(this.#buffer.subarray(0, written));
    const lost = this.#pendingFrames - frames;
    const path = join(this.directory, this.segment);
    let cause = thrown;
    this.#pending = 0;
    this.#pendingFrames = 0;
    if (this.#fd !== undefined) {
      this.#size += bytes;
      try {
        ftruncateSync(this.#fd, this.#size);
      } catch (cutThrown) {
        // Readers take what is left for a torn tail; the segment is left for good either way.
        cause = new AggregateError([thrown, cutThrown], "the segment could be neither written nor cut");
      }
      this.#rotate();
    }
    throw unwritten({ cause, path, framesWritten: frames, framesLost: lost, full: isNoRoom(thrown) });
  }

  #rotate(): void {
    if (this.#retire()) this.#number++;
    this.#startSegment();
  }

  /** Closes the open segment, removing it when it holds no frame. True when a file of this number remains. */
  #retire(): boolean {
    if (this.#fd === undefined) return false;
    closeSync(this.#fd);
    this.#fd = undefined;
    return this.#size > headerBytesOf(this.incarnation) || !isRemoved(join(this.directory, this.segment));
  }

  #startSegment(): void {
    this.#seed = entropy(4).readUInt32LE();
    this.#size = headerBytesOf(this.incarnation);
  }

  #openSegment(): number {
    const path = join(this.directory, this.segment);
    const fd = openSync(path, "wx");
    try {
      this.#openedAt = this.#options.clock();
      const header = encodeHeader({
        incarnation: this.incarnation,
        number: this.#number,
        createdAt: this.#openedAt,
        seed: this.#seed,
      });
      for (let written = 0; written < header.length; ) written += writeSync(fd, header, written);
      if (this.#options.durability === "fsync") syncDirectorySync(this.directory);
    } catch (thrown) {
      closeSync(fd);
      if (!isRemoved(path)) this.#number++;
      throw thrown;
    }
    this.#fd = fd;
    return fd;
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#pending);
    this.#buffer = grown;
  }
}

/** Removes a file that holds no frame. False when that is impossible: it stays, its number is not used again. */
function isRemoved(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (thrown) {
    if (isSystemError(thrown)) return false;
    throw thrown;
  }
}

/** One after the highest number this incarnation has used. */
function nextNumber(options: SegmentWriterOptions): number {
  let highest = 0;
  for (const file of readdirSync(options.directory)) {
    const name = parseSegmentFileName(file);
    if (name?.prefix === options.prefix && name.incarnation === options.incarnation) {
      highest = Math.max(highest, name.number);
    }
  }
  return highest + 1;
}

/** How many whole frames stand at the start of `bytes`, all of them well-formed, and how long they are together. */
function wholeFrames(bytes: Buffer): { frames: number; bytes: number } {
  let frames = 0;
  let end = 0;
  while (end + FRAME_HEADER_BYTES <= bytes.length) {
    const next = end + FRAME_HEADER_BYTES + bytes.readUInt32LE(end);
    if (next > bytes.length) break;
    end = next;
    frames++;
  }
  return { frames, bytes: end };
}

function badFrame(length: number): SlipwayError {
  return storageErrors.STORAGE_BAD_FRAME.error(
    `a log frame of ${length} bytes cannot be written; it must have 1 to ${MAX_FRAME_BYTES}`,
    { details: { bytes: length, limit: MAX_FRAME_BYTES } },
  );
}

interface Unwritten {
  readonly cause: unknown;
  readonly path: string;
  readonly framesWritten: number;
  readonly framesLost: number;
  readonly full: boolean;
}

function unwritten({ cause, path, framesWritten, framesLost, full }: Unwritten): SlipwayError {
  const errno = isSystemError(cause) ? (cause.code ?? "") : "";
  const details = { path, errno, framesWritten, framesLost };
  const count = `${framesLost} of ${framesWritten + framesLost} frames could not be written to the log ${path}`;
  if (full) {
    return storageErrors.STORAGE_LOG_FULL.error(`${count}: no room on the disk (${errno})`, {
      details,
      cause,
      hint: "Free some space on the disk of the log; writing goes on by itself then.",
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storageErrors.STORAGE_LOG_UNWRITABLE.error(`${count}: ${reason}`, { details, cause });
}
