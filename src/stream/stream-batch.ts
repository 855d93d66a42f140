import type { JsonValue } from "../kernel/index.ts";
import type { LogMark, LogMarks } from "../storage/index.ts";
import { streamErrors } from "./errors.ts";

type JsonRecord = Readonly<Record<string, JsonValue>>;

/** A model with window features was asked about a record. */
export interface RowHappened {
  readonly kind: "row";
  readonly model: string;
  /** With `.i` for one instance of several. */
  readonly predictionId: string;
  /** When the row happened, as the prediction took it; null: it has no time. */
  readonly timeMs: number | null;
  readonly record: JsonRecord;
}

/** Something became known about a row. Only the first value of each name is an event; corrections are none. */
export interface LabelArrived {
  readonly kind: "label";
  readonly model: string;
  readonly predictionId: string;
  readonly timeMs: number | null;
  readonly record: JsonRecord;
  /** What it is about. */
  readonly name: string;
  /** When it became known. */
  readonly atMs: number;
  /** This label, and the others of the row as far as windows still wait for more. */
  readonly labels: JsonRecord;
  /** The names of all labels of the row that came before. */
  readonly earlier: readonly string[];
  /** Whether windows wait for other labels of the same row. */
  readonly more: boolean;
}

export type StreamEvent = RowHappened | LabelArrived;

/** How far the logs have been sequenced. */
export interface SourceMarks {
  readonly predictions: LogMarks;
  readonly feedback: LogMarks;
}

/** Events that were appended at once, and how far the logs had been read after them. */
export interface StreamBatch {
  /** The number of the first event; events are numbered 1, 2, … */
  readonly first: number;
  /** When it was written, epoch milliseconds. */
  readonly writtenAt: number;
  readonly events: readonly StreamEvent[];
  /** What has changed since the batch before, or everything where `whole`. */
  readonly marks: SourceMarks;
  /** True for the first batch of a segment, from which reading may begin. */
  readonly whole: boolean;
}

/**
 * A frame of the stream is a batch, so that events and the marks behind them are written together or not at all. All
 * numbers are little-endian.
 *
 *     u8 kind = 1 | u8 layout = 1 | u16 1 when whole | u32 events n | f64 first | f64 epoch ms | JSON: { events, marks }
 */
const KIND_BATCH = 1;
const LAYOUT = 1;
const HEADER_BYTES = 24;

export function encodeBatch({ first, writtenAt, events, marks, whole }: StreamBatch): Buffer {
  const body = JSON.stringify({
    events,
    marks: { predictions: marksList(marks.predictions), feedback: marksList(marks.feedback) },
  });
  const frame = Buffer.alloc(HEADER_BYTES + Buffer.byteLength(body));
  frame.writeUInt8(KIND_BATCH, 0);
  frame.writeUInt8(LAYOUT, 1);
  frame.writeUInt16LE(whole ? 1 : 0, 2);
  frame.writeUInt32LE(events.length, 4);
  frame.writeDoubleLE(first, 8);
  frame.writeDoubleLE(writtenAt, 16);
  frame.write(body, HEADER_BYTES);
  return frame;
}

/** The numbers of a batch's events, without reading them. @throws STREAM_BAD_BATCH */
export function peekBatch(frame: Buffer): { readonly first: number; readonly count: number } {
  if (frame.length < HEADER_BYTES || frame.readUInt8(0) !== KIND_BATCH || frame.readUInt8(1) !== LAYOUT)
    throw badBatch("it is no batch of a layout that this version reads");
  return { first: frame.readDoubleLE(8), count: frame.readUInt32LE(4) };
}

/** @throws STREAM_BAD_BATCH */
export function decodeBatch(frame: Buffer): StreamBatch {
  const { first, count } = peekBatch(frame);
  // The checksum of its frame says that these are the bytes that were written by `encodeBatch`.
  const { events, marks } = JSON.parse(frame.toString("utf8", HEADER_BYTES)) as {
    readonly events: readonly StreamEvent[];
    readonly marks: Readonly<Record<"predictions" | "feedback", readonly MarkEntry[]>>;
  };
  if (events.length !== count) throw badBatch(`it holds ${events.length} events, its header says ${count}`);
  return {
    first,
    writtenAt: frame.readDoubleLE(16),
    events,
    marks: { predictions: marksOf(marks.predictions), feedback: marksOf(marks.feedback) },
    whole: frame.readUInt16LE(2) === 1,
  };
}

type MarkEntry = readonly [incarnation: string, number: number, offset: number];

function marksList(marks: LogMarks): MarkEntry[] {
  return Array.from(marks, ([incarnation, { number, offset }]) => [incarnation, number, offset]);
}

function marksOf(list: readonly MarkEntry[]): Map<string, LogMark> {
  return new Map(list.map(([incarnation, number, offset]) => [incarnation, { number, offset }]));
}

function badBatch(fault: string): Error {
  return streamErrors.STREAM_BAD_BATCH.error(`bad frame in the stream: ${fault}`, { details: { fault } });
}
