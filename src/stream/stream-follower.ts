import { type LogMarks, LogTail } from "../storage/index.ts";
import { streamErrors } from "./errors.ts";
import { decodeBatch, peekBatch, type StreamBatch } from "./stream-batch.ts";
import { STREAM_LOG } from "./stream-writer.ts";

/** A place in the stream: behind which event, and where its segments have been read up to. */
export interface StreamPlace {
  readonly sequence: number;
  readonly marks: LogMarks;
}

export const STREAM_START: StreamPlace = { sequence: 0, marks: new Map() };

/** Reads the stream while it grows. */
export class StreamFollower {
  readonly #tail: LogTail;
  #sequence: number;

  constructor(directory: string, from: StreamPlace = STREAM_START) {
    this.#tail = new LogTail({ directory, prefix: STREAM_LOG, from: from.marks });
    this.#sequence = from.sequence;
  }

  /** Behind the last batch that was handed out. */
  get place(): StreamPlace {
    return { sequence: this.#sequence, marks: new Map(this.#tail.marks) };
  }

  get sequence(): number {
    return this.#sequence;
  }

  /**
   * The batches that were appended since, in order.
   *
   * @throws STREAM_GAP, STREAM_BAD_BATCH, STORAGE_LOG_DAMAGED, STORAGE_IO
   */
  async *read(): AsyncGenerator<StreamBatch, void, undefined> {
    for await (const { frame } of this.#tail.read()) {
      const { first, count } = peekBatch(frame);
      const last = first + count - 1;
      if (last <= this.#sequence && count > 0) continue;
      // A stream whose beginning is no longer kept is read from where it begins now.
      if (first > this.#sequence + 1 && this.#sequence > 0) throw gap(this.#sequence, first);
      const batch = decodeBatch(frame);
      this.#sequence = Math.max(this.#sequence, last);
      yield batch;
    }
  }
}

function gap(sequence: number, first: number): Error {
  return streamErrors.STREAM_GAP.error(
    `the stream goes on with event ${first}, but the last one read is ${sequence}`,
    { details: { sequence, first }, hint: "Restore the segments in between from a backup." },
  );
}
