import { LogTail } from "../storage/index.ts";
import { decodeFeedback } from "./feedback-frame.ts";
import { type FeedbackItem, feedbackKey } from "./feedback-item.ts";

/** The log's name in the file names of its segments. */
export const FEEDBACK_LOG = "feedback";

/** Of each writer only so many of its newest segments are looked at. */
const SEGMENTS_LOOKED_AT = 2;

export interface FeedbackMemoryOptions {
  readonly directory: string;
  /** Whose own feedback is remembered as it is taken and need not be read. */
  readonly incarnation: string;
  /** Most items remembered. */
  readonly capacity: number;
}

/** The value that something had last. */
export interface Remembered {
  /** Values are the same when these texts are. */
  readonly text: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/**
 * The last values that were given, by key: what this worker took, and what it reads of the other workers' segments.
 * Since feedback is in the log before it is acknowledged, whoever repeats something after its answer finds it here,
 * whichever worker he asks, as long as no more than the capacity came between.
 */
export class FeedbackMemory {
  readonly #values = new Map<string, Remembered>();
  readonly #capacity: number;
  readonly #tail: LogTail;
  #reading: Promise<void> = Promise.resolve();

  constructor({ directory, incarnation, capacity }: FeedbackMemoryOptions) {
    this.#capacity = capacity;
    this.#tail = new LogTail({
      directory,
      prefix: FEEDBACK_LOG,
      except: (other) => other === incarnation,
      // The damage is reported by whoever reads the log for its own sake.
      onDamage: () => undefined,
    });
  }

  /** Reads what other workers have taken since. */
  catchUp(): Promise<void> {
    const reading = this.#reading.then(() => this.#read());
    // A failed attempt is its caller's; the next one is not to fail for it.
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  /** Undefined when none is remembered. */
  get(key: string): Remembered | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Remembered): void {
    // Deleted first, so that it becomes the newest in the map's order.
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#capacity) return;
    const oldest = this.#values.keys().next();
    if (!oldest.done) this.#values.delete(oldest.value);
  }

  /** Puts back what was remembered before. */
  restore(key: string, value: Remembered | undefined): void {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  async #read(): Promise<void> {
    const newest = new Map<string, number>();
    for (const { incarnation, number } of this.#tail.waiting()) newest.set(incarnation, number);
    for (const [incarnation, number] of newest) {
      const first = number - SEGMENTS_LOOKED_AT + 1;
      if ((this.#tail.marks.get(incarnation)?.number ?? 0) < first)
        this.#tail.moveTo(incarnation, { number: first, offset: 0 });
    }
    for await (const { frame } of this.#tail.read()) {
      const { receivedAt, items } = decodeFeedback(frame);
      for (const item of items) {
        const key = feedbackKey(item);
        // Writers are read one after the other, not in the order of time.
        if ((this.get(key)?.receivedAt ?? receivedAt) <= receivedAt)
          this.set(key, { text: valueText(item), receivedAt });
      }
    }
  }
}

export function valueText({ value }: Pick<FeedbackItem, "value">): string {
  return JSON.stringify(value);
}
