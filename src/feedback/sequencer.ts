import { targetName } from "../features/index.ts";
import type { Clock, Digest, SlipwayError } from "../kernel/index.ts";
import {
  type CompactedReader,
  PREDICTION_LOG,
  type PredictionFrame,
  PredictionPlaces,
  parsePredictionId,
  readInput,
  SealedGroups,
  servingErrors,
} from "../serving/index.ts";
import { type LogMark, LogTail, type TailedFrame } from "../storage/index.ts";
import {
  type LabelArrived,
  type RowHappened,
  type SourceMarks,
  type StreamEvent,
  StreamWriter,
} from "../stream/index.ts";
import { feedbackErrors } from "./errors.ts";
import { decodeFeedback } from "./feedback-frame.ts";
import type { FeedbackItem } from "./feedback-item.ts";
import { FEEDBACK_LOG } from "./feedback-memory.ts";
import type { LabelMemory } from "./label-memory.ts";
import { mergeSources, type Source, type Sourced } from "./merge-sources.ts";
import type { PartialLabels } from "./partial-labels.ts";
import { hasInstance, instanceId, recordsOf, timeOf } from "./predicted-rows.ts";
import { emptyMarks, type Marks, readSequencedPast, type SequencedPast } from "./sequenced-past.ts";

export interface SequencerOptions {
  readonly predictionLog: string;
  readonly feedbackLog: string;
  /** Finds predictions that have been compacted. */
  readonly compacted?: Pick<CompactedReader, "find">;
  /** Where the stream goes; created when missing. */
  readonly stream: string;
  readonly clock: Clock;
  readonly durability: "os" | "fsync";
  /** The names of the labels that the windows of a bundle take together. */
  readonly labelsOf: (bundle: Digest) => Promise<readonly string[]>;
  /** Called before each batch with the number of the last event; what it throws ends the step before it is written. */
  readonly beforeBatch?: (sequence: number) => void;
  /** Told of what could not be read, behind which reading goes on. */
  readonly onDamage?: (error: SlipwayError) => void;
  /** What lies before these marks is known to hold nothing for the stream. */
  readonly floor?: SourceMarks;
  readonly maxSegmentBytes?: number;
}

export interface SequencerCounts {
  readonly rows: number;
  readonly labels: number;
  /** Feedback about predictions that are not in the log. */
  readonly unmatched: number;
  /** Repeated and corrected feedback: only the first value of each name is an event. */
  readonly repeated: number;
  /** Predictions whose record has been forgotten or is damaged. */
  readonly unreadable: number;
  /** Rows and labels that say they are of a later day than the one on which they were logged. */
  readonly future: number;
}

/**
 * Windows forget what the newest row cannot see. A row with a time that is not yet would make them forget everything, so
 * that it is no event; a clock may be wrong by as much as this.
 */
const MOST_AHEAD_MS = 86_400_000;
/** A batch is written when it has so many events or about so many bytes. */
const BATCH_EVENTS = 2_000;
const BATCH_BYTES = 512 * 1024;
const MOST_OTHER_NAMES = 100;
/** What was read without giving an event is noted when it is so much: reading it again is all that could happen. */
const NOTED_AFTER_FRAMES = 100_000;

/** What is taken from the logs at once: a group of predictions, or a request with feedback. */
interface Taken extends Sourced {
  readonly mark: { readonly log: keyof SourceMarks; readonly incarnation: string; readonly end: LogMark };
  readonly predictions: readonly PredictionFrame[];
  readonly items: readonly FeedbackItem[];
}

/**
 * Makes one stream of what the workers logged: rows as models with windows were asked about them, and labels as they
 * became known, each with the record it is about. A batch of events carries how far the logs were read for it, so that
 * after a kill at any moment reading goes on exactly behind the last batch.
 *
 * The order: step by step, and within a step by the time of logging in milliseconds, predictions before feedback,
 * then by worker, then as the worker logged them.
 */
export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #writer: StreamWriter;
  readonly #predictions: LogTail;
  readonly #feedback: LogTail;
  readonly #groups = new Map<string, SealedGroups>();
  readonly #places: PredictionPlaces;
  readonly #memory: LabelMemory;
  /** What is known of predictions that wait for other labels, by id. */
  readonly #partial: PartialLabels;
  readonly #counts = { rows: 0, labels: 0, unmatched: 0, repeated: 0, unreadable: 0, future: 0 };
  #events: StreamEvent[] = [];
  #bytes = 0;
  #changed: Marks = emptyMarks();
  #framesSinceNote = 0;

  private constructor(options: SequencerOptions, past: SequencedPast) {
    const { predictionLog, feedbackLog, stream, onDamage } = options;
    const damage = onDamage === undefined ? {} : { onDamage };
    this.#options = options;
    this.#memory = past.memory;
    this.#partial = past.partial;
    this.#places = new PredictionPlaces(predictionLog, options.compacted);
    this.#predictions = new LogTail({
      directory: predictionLog,
      prefix: PREDICTION_LOG,
      from: past.marks.predictions,
      ...damage,
    });
    this.#feedback = new LogTail({
      directory: feedbackLog,
      prefix: FEEDBACK_LOG,
      from: past.marks.feedback,
      ...damage,
    });
    this.#writer = new StreamWriter({
      directory: stream,
      clock: options.clock,
      durability: options.durability,
      sequence: past.sequence,
      marks: past.marks,
      ...(options.maxSegmentBytes === undefined ? {} : { maxSegmentBytes: options.maxSegmentBytes }),
    });
  }

  /** Reads the stream there is, and goes on behind it. @throws STREAM_*, STORAGE_* */
  static async open(options: SequencerOptions): Promise<Sequencer> {
    const past = await readSequencedPast(options.stream);
    for (const log of ["predictions", "feedback"] as const) {
      for (const [incarnation, mark] of options.floor?.[log] ?? []) {
        const read = past.marks[log].get(incarnation);
        if (read === undefined || read.number < mark.number) past.marks[log].set(incarnation, mark);
      }
    }
    return new Sequencer(options, past);
  }

  /** The number of the last event. */
  get sequence(): number {
    return this.#writer.sequence;
  }

  /** Segments of the prediction log that hold something which has not been read. To be asked between two steps. */
  waitingSegments(): readonly string[] {
    return this.#predictions.waiting().map(({ segment }) => segment);
  }

  get counts(): SequencerCounts {
    return this.#counts;
  }

  /**
   * Appends what has been logged since, up to where the logs ended when it began, and answers how many events that were.
   *
   * @throws STORAGE_LOG_FULL, STORAGE_LOG_UNWRITABLE: this sequencer must not be used any more; another one, opened on
   *   the same stream, loses nothing
   */
  async step(): Promise<number> {
    const before = this.#writer.sequence;
    // Feedback first: the predictions it is about are in the log by now.
    const feedback = this.#feedback.readEach();
    const predictions = this.#predictions.readEach();
    const sources: Source<Taken>[] = [
      ...Array.from(predictions, ([incarnation, frames]) => ({
        rank: `predictions ${incarnation}`,
        items: this.#groupsOf(incarnation, frames),
      })),
      ...Array.from(feedback, ([incarnation, frames]) => ({
        rank: `requests ${incarnation}`,
        items: this.#feedbackOf(incarnation, frames),
      })),
    ];
    for await (const taken of mergeSources(sources)) {
      for (const frame of taken.predictions) this.#addRows(frame);
      for (const item of taken.items) await this.#addLabel(item, taken.time);
      const { log, incarnation, end } = taken.mark;
      this.#changed[log].set(incarnation, end);
      this.#framesSinceNote++;
      if (this.#events.length >= BATCH_EVENTS || this.#bytes >= BATCH_BYTES) this.#flush();
    }
    if (this.#events.length > 0 || this.#framesSinceNote >= NOTED_AFTER_FRAMES) this.#flush();
    return this.#writer.sequence - before;
  }

  close(): void {
    this.#writer.close();
  }

  async *#groupsOf(
    incarnation: string,
    frames: AsyncIterable<TailedFrame>,
  ): AsyncGenerator<Taken, void, undefined> {
    const groups = this.#groups.get(incarnation) ?? new SealedGroups();
    this.#groups.set(incarnation, groups);
    let time = 0;
    for await (const frame of frames) {
      const group = this.#readable(() => groups.take(frame));
      if (group === undefined) continue;
      time = group.time ?? time;
      const mark = { log: "predictions", incarnation, end: group.end } as const;
      yield { time, mark, predictions: group.predictions, items: [] };
    }
  }

  async *#feedbackOf(
    incarnation: string,
    frames: AsyncIterable<TailedFrame>,
  ): AsyncGenerator<Taken, void, undefined> {
    for await (const { frame, number, end } of frames) {
      const decoded = this.#readable(() => decodeFeedback(frame));
      if (decoded === undefined) continue;
      const mark = { log: "feedback", incarnation, end: { number, offset: end } } as const;
      yield { time: decoded.receivedAt, mark, predictions: [], items: decoded.items };
    }
  }

  /** A frame that is whole but of no known layout was written by another version; the others are read all the same. */
  #readable<Value>(decode: () => Value): Value | undefined {
    try {
      return decode();
    } catch (thrown) {
      if (!servingErrors.SERVING_BAD_FRAME.is(thrown) && !feedbackErrors.FEEDBACK_BAD_FRAME.is(thrown))
        throw thrown;
      this.#options.onDamage?.(thrown);
      return undefined;
    }
  }

  #addRows(frame: PredictionFrame): void {
    // That something was recommended is nothing that happened.
    if (frame.payload?.intact === true && readInput(frame.payload.input)?.recommend !== undefined) return;
    const records = recordsOf(frame);
    if (records === undefined) {
      this.#counts.unreadable += frame.instances;
      return;
    }
    for (const [instance, record] of records.entries()) {
      const timeMs = timeOf(frame, instance);
      if (timeMs !== null && timeMs > frame.time + MOST_AHEAD_MS) {
        this.#counts.future++;
        continue;
      }
      this.#add({
        kind: "row",
        model: frame.model,
        predictionId: instanceId(frame, instance),
        timeMs,
        record,
      });
      this.#counts.rows++;
    }
  }

  async #addLabel({ predictionId, name, value, at }: FeedbackItem, receivedAt: number): Promise<void> {
    // Nobody will ever know: that is no item of any window.
    if (value === null) return;
    const id = parsePredictionId(predictionId);
    const frame = await this.#places.find(id);
    if (frame === undefined || !hasInstance(frame, id.instance)) {
      this.#counts.unmatched++;
      return;
    }
    if (frame.windows === undefined) return;
    const timeMs = timeOf(frame, id.instance ?? 0);
    if (Math.max(at, timeMs ?? at) > receivedAt + MOST_AHEAD_MS) {
      this.#counts.future++;
      return;
    }
    const wanted = await this.#options.labelsOf(frame.bundle);
    // Windows of later versions may look at what those of this one do not; but not at any number of names.
    const isKnown = wanted.includes(name) || name === targetName;
    if (!isKnown && this.#memory.nameCount(id) >= MOST_OTHER_NAMES) return;
    const earlier = this.#memory.add(id, name);
    if (earlier === undefined) {
      this.#counts.repeated++;
      return;
    }
    const instance = id.instance ?? 0;
    const record = recordsOf(frame)?.[instance];
    if (record === undefined) {
      this.#counts.unreadable++;
      return;
    }
    const own = instanceId(frame, instance);
    const labels = { ...this.#partial.get(own), [name]: value };
    const more = wanted.includes(name) && wanted.some((other) => !Object.hasOwn(labels, other));
    this.#partial.set(own, more ? labels : undefined);
    this.#add({
      kind: "label",
      model: frame.model,
      predictionId: own,
      timeMs,
      record,
      name,
      atMs: at,
      labels,
      earlier,
      more,
    });
    this.#counts.labels++;
  }

  #add(event: RowHappened | LabelArrived): void {
    this.#events.push(event);
    this.#bytes += JSON.stringify(event.record).length + 200;
  }

  #flush(): void {
    this.#options.beforeBatch?.(this.#writer.sequence);
    this.#writer.append(this.#events, this.#changed);
    this.#events = [];
    this.#bytes = 0;
    this.#changed = emptyMarks();
    this.#framesSinceNote = 0;
  }
}
