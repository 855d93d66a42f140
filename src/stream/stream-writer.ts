import { type Clock, encodeBase32, entropy } from "../kernel/index.ts";
import { type LogMark, type LogMarks, openSegmentWriter, type SegmentWriter } from "../storage/index.ts";
import { encodeBatch, type SourceMarks, type StreamEvent } from "./stream-batch.ts";

/** The log's name in the file names of its segments. */
export const STREAM_LOG = "stream";

const SEGMENT_BYTES = 16 * 1024 * 1024;
const SEQUENCE_DIGITS = 10;
const RANDOM_DIGITS = 4;

export interface StreamWriterOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** `fsync`: batches survive a loss of power. */
  readonly durability: "os" | "fsync";
  /** The number of the last event there is; 0 in an empty stream. */
  readonly sequence: number;
  /** How far the logs have been sequenced by then. */
  readonly marks: SourceMarks;
  /** Default 16 MiB. */
  readonly maxSegmentBytes?: number;
}

/** Appends batches to the stream. There is one at a time in an installation. */
export class StreamWriter {
  readonly #clock: Clock;
  readonly #writer: SegmentWriter;
  readonly #marks: { predictions: Map<string, LogMark>; feedback: Map<string, LogMark> };
  #sequence: number;
  #segment = "";

  constructor(options: StreamWriterOptions) {
    const { directory, clock, durability, sequence, marks, maxSegmentBytes = SEGMENT_BYTES } = options;
    this.#clock = clock;
    this.#sequence = sequence;
    this.#marks = { predictions: new Map(marks.predictions), feedback: new Map(marks.feedback) };
    this.#writer = openSegmentWriter({
      directory,
      prefix: STREAM_LOG,
      // Named by what it begins with, so that segments sort in the order of their events whatever clocks say.
      incarnation:
        encodeBase32(BigInt(sequence + 1), SEQUENCE_DIGITS) +
        encodeBase32(BigInt(entropy(4).readUInt32LE() & 0xfffff), RANDOM_DIGITS),
      clock,
      durability,
      maxSegmentBytes,
    });
  }

  /** The number of the last event. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * @param changed how far logs have been read that were read further
   * @throws STORAGE_LOG_FULL, STORAGE_LOG_UNWRITABLE: nothing has been appended then
   */
  append(events: readonly StreamEvent[], changed: SourceMarks): void {
    const before = { ...this.#marks };
    const marks = {
      predictions: withMarks(before.predictions, changed.predictions),
      feedback: withMarks(before.feedback, changed.feedback),
    };
    const whole = this.#writer.segment !== this.#segment;
    const batch = {
      first: this.#sequence + 1,
      writtenAt: this.#clock(),
      events,
      marks: whole ? marks : changed,
      whole,
    };
    this.#writer.append(encodeBatch(batch));
    const segment = this.#writer.segment;
    this.#writer.flushSync();
    this.#segment = segment;
    this.#sequence += events.length;
    this.#marks.predictions = marks.predictions;
    this.#marks.feedback = marks.feedback;
  }

  close(): void {
    this.#writer.close();
  }
}

function withMarks(marks: LogMarks, changed: LogMarks): Map<string, LogMark> {
  return new Map([...marks, ...changed]);
}
