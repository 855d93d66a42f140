import { readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { SlipwayError } from "../kernel/index.ts";
import { fileError, isSystemError } from "./file-errors.ts";
import { FRAME_HEADER_BYTES, parseSegmentFileName } from "./segment-format.ts";
import { type LogFrame, readSegment, type SegmentInfo } from "./segment-reader.ts";

/** How far one writer's segments have been read: `offset` is where the next frame begins. */
export interface LogMark {
  readonly number: number;
  readonly offset: number;
}

/** How far a log has been read, by incarnation. One that is not named has not been read at all. */
export type LogMarks = ReadonlyMap<string, LogMark>;

export interface TailedFrame extends LogFrame {
  readonly incarnation: string;
  /** Of the segment. */
  readonly number: number;
  /** Where the frame after it begins. */
  readonly end: number;
}

export interface LogTailOptions {
  readonly directory: string;
  /** The log's name. */
  readonly prefix: string;
  /** Where to begin. Default: at the beginning of every segment there is. */
  readonly from?: LogMarks;
  /** Incarnations that are left out. */
  readonly except?: (incarnation: string) => boolean;
  /** Told of damage, behind which reading goes on. Default: it is thrown. */
  readonly onDamage?: (error: SlipwayError) => void;
}

/** Follows a log that other processes write: every read goes on where the last one ended. */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #marks: Map<string, LogMark>;
  /** How long a segment was when it was read to its end: what is left of it is no whole frame, until it grows. */
  readonly #exhausted = new Map<string, number>();

  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#marks = new Map(options.from);
  }

  /** How far it has read. */
  get marks(): LogMarks {
    return this.#marks;
  }

  /** Begins elsewhere with one writer's segments. */
  moveTo(incarnation: string, mark: LogMark): void {
    this.#marks.set(incarnation, mark);
  }

  /**
   * Segments that hold something which has not been read, in the order of their names. Looked up in one go: many times a
   * second that costs a fraction of what the thread pool would.
   *
   * @throws STORAGE_IO
   */
  waiting(): SegmentInfo[] {
    const { directory, prefix, except } = this.#options;
    const waiting: SegmentInfo[] = [];
    for (const segment of namesIn(directory)) {
      const name = parseSegmentFileName(segment);
      if (name?.prefix !== prefix || except?.(name.incarnation)) continue;
      const mark = this.#marks.get(name.incarnation);
      // What has been read to its end and is followed by another segment need not be looked at again.
      if (mark !== undefined && name.number < mark.number) continue;
      const bytes = sizeOf(join(directory, segment));
      if (bytes === undefined || this.#exhausted.get(segment) === bytes) continue;
      if (mark?.number !== name.number || bytes > mark.offset) waiting.push({ ...name, segment, bytes });
    }
    return waiting.sort((a, b) => (a.segment < b.segment ? -1 : 1));
  }

  /**
   * The whole frames that were written since, writer by writer. A frame that is being written is left for the next
   * time; so is everything behind the last frame taken when the caller stops early.
   *
   * @throws STORAGE_LOG_DAMAGED unless `onDamage` is given, STORAGE_LOG_UNSUPPORTED, STORAGE_IO
   */
  async *read(): AsyncGenerator<TailedFrame, void, undefined> {
    for (const info of this.waiting()) yield* this.#readOn(info);
  }

  /** The same, to be read side by side: what was written since, for each writer that wrote. */
  readEach(): ReadonlyMap<string, AsyncGenerator<TailedFrame, void, undefined>> {
    const segments = Map.groupBy(this.waiting(), ({ incarnation }) => incarnation);
    return new Map(Array.from(segments, ([incarnation, ofIt]) => [incarnation, this.#readAll(ofIt)]));
  }

  async *#readAll(segments: readonly SegmentInfo[]): AsyncGenerator<TailedFrame, void, undefined> {
    for (const info of segments) yield* this.#readOn(info);
  }

  async *#readOn(info: SegmentInfo): AsyncGenerator<TailedFrame, void, undefined> {
    const { directory, onDamage } = this.#options;
    const { segment, incarnation, number } = info;
    const mark = this.#marks.get(incarnation);
    const start = mark?.number === number ? mark.offset : 0;
    const path = join(directory, segment);
    try {
      await using handle = await open(path, "r");
      const options = onDamage === undefined ? {} : { onDamage };
      for await (const found of readSegment({ handle, path, segment, start, options })) {
        const end = found.offset + FRAME_HEADER_BYTES + found.frame.length;
        this.#marks.set(incarnation, { number, offset: end });
        yield { ...found, incarnation, number, end };
      }
      this.#exhausted.set(segment, info.bytes);
    } catch (thrown) {
      // Its writer closed without having written a frame, or it was removed for its age, since the names were listed.
      if (!isSystemError(thrown, "ENOENT")) throw fileError(thrown, "read the log segment", path);
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (thrown) {
    if (isSystemError(thrown, "ENOENT")) return [];
    throw fileError(thrown, "list the log segments in", directory);
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size;
  } catch (thrown) {
    throw fileError(thrown, "look at the log segment", path);
  }
}
