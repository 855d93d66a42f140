import { type Clock, SlipwayError } from "../kernel/index.ts";
import { type PredictionId, parsePredictionId } from "../serving/index.ts";
import { MAX_FRAME_BYTES, openSegmentWriter, type SegmentWriter, storageErrors } from "../storage/index.ts";
import { feedbackErrors } from "./errors.ts";
import { encodeFeedback, type FeedbackFrame } from "./feedback-frame.ts";
import { checkFeedbackItem, type FeedbackItem, feedbackKey } from "./feedback-item.ts";
import { FEEDBACK_LOG, FeedbackMemory, type Remembered, valueText } from "./feedback-memory.ts";

export interface FeedbackIntakeOptions {
  /** Where the segments of the feedback log go; created when missing. */
  readonly directory: string;
  readonly clock: Clock;
  /** Names this life of the worker: that of its prediction log. */
  readonly incarnation: string;
  /** False for an id that no worker known here can have made. */
  readonly mayBeKnown: (id: PredictionId) => Promise<boolean>;
  /** `fsync`: a feedback is acknowledged only when it would survive a loss of power. Default `os`. */
  readonly durability?: "os" | "fsync";
  /** Most items of one request. Default 10,000. */
  readonly maxItems?: number;
  /** So many items are remembered, to tell repeated ones from new ones. Default 100,000. */
  readonly memory?: number;
  /** Default 8 MiB. */
  readonly maxSegmentBytes?: number;
}

/**
 * What became of one item.
 *
 * - `accepted`: it is in the log
 * - `corrected`: it is in the log, and the same thing had another value before, which is kept too
 * - `duplicate`: the same thing had the same value before; nothing was written
 * - `refused`: it is no feedback
 */
export type FeedbackOutcome =
  | {
      readonly outcome: "accepted" | "corrected" | "duplicate";
      readonly predictionId: string;
      readonly name: string;
      /** True when no prediction of this id is in reach: it was made elsewhere, is no longer kept, or never was. */
      readonly unmatched: boolean;
    }
  | { readonly outcome: "refused"; readonly error: SlipwayError };

export interface FeedbackCounts {
  readonly accepted: number;
  readonly corrected: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly unmatched: number;
}

const DEFAULT_MAX_ITEMS = 10_000;
const DEFAULT_MEMORY = 100_000;
const SEGMENT_BYTES = 8 * 1024 * 1024;

type Kept = Exclude<FeedbackOutcome, { outcome: "refused" }>;

interface Before {
  readonly key: string;
  readonly value: Remembered | undefined;
}

/** One request that waits for the end of the turn. */
interface Request {
  /** Whether it has a frame in the group; one of nothing but repetitions has none. */
  readonly written: boolean;
  /** What was remembered before it, in order. */
  readonly before: readonly Before[];
  readonly resolve: () => void;
  readonly reject: (error: SlipwayError) => void;
}

/** Takes feedback: what it has acknowledged has been handed to the operating system. */
export class FeedbackIntake {
  readonly maxItems: number;
  readonly #options: FeedbackIntakeOptions;
  readonly #writer: SegmentWriter;
  readonly #memory: FeedbackMemory;
  #group: Request[] = [];
  #counts = { accepted: 0, corrected: 0, duplicate: 0, refused: 0, unmatched: 0 };

  /** @throws STORAGE_IO when the directory cannot be used */
  constructor(options: FeedbackIntakeOptions) {
    const { directory, incarnation, clock, durability, maxSegmentBytes } = options;
    this.#options = options;
    this.maxItems = options.maxItems ?? DEFAULT_MAX_ITEMS;
    this.#writer = openSegmentWriter({
      directory,
      prefix: FEEDBACK_LOG,
      incarnation,
      clock,
      durability: durability ?? "os",
      maxSegmentBytes: maxSegmentBytes ?? SEGMENT_BYTES,
    });
    this.#memory = new FeedbackMemory({
      directory,
      incarnation,
      capacity: options.memory ?? DEFAULT_MEMORY,
    });
  }

  get counts(): FeedbackCounts {
    return this.#counts;
  }

  /**
   * Checks each item by itself and keeps those that are feedback, in one frame: all of them or, when it rejects, none.
   * Resolves when they are in the log.
   *
   * @throws FEEDBACK_NO_ITEMS, FEEDBACK_TOO_MANY_ITEMS, FEEDBACK_LOG_FULL, FEEDBACK_LOG_UNWRITABLE
   */
  async take(given: readonly unknown[]): Promise<readonly FeedbackOutcome[]> {
    if (given.length === 0) throw feedbackErrors.FEEDBACK_NO_ITEMS.error("the request holds no feedback");
    if (given.length > this.maxItems) throw tooMany(given.length, this.maxItems);
    const now = this.#options.clock();
    const checked = given.map((item) => checkOne(item, now));
    const items = checked.filter((item): item is FeedbackItem => !(item instanceof SlipwayError));
    const unmatched = items.length === 0 ? new Set<string>() : await this.#unmatched(items);
    if (items.length > 0) await this.#memory.catchUp();
    // From here to the end of the turn nothing else of this worker runs in between.
    const before: Before[] = [];
    const fresh: FeedbackItem[] = [];
    const receivedAt = this.#timeFor(items, now);
    const outcomes = checked.map((item): FeedbackOutcome => {
      if (item instanceof SlipwayError) return { outcome: "refused", error: item };
      const outcome = this.#remember(item, { receivedAt, before });
      if (outcome !== "duplicate") fresh.push(item);
      const { predictionId, name } = item;
      return { outcome, predictionId, name, unmatched: unmatched.has(predictionId) };
    });
    if (items.length > 0) await this.#commit({ receivedAt, items: fresh }, before);
    for (const outcome of outcomes) this.#count(outcome);
    return outcomes;
  }

  /** Writes what is left and closes the segment. */
  close(): void {
    this.#flush();
    this.#writer.close();
  }

  /** Now, but later than whatever is corrected, whose worker's clock may be a little ahead: the later value holds. */
  #timeFor(items: readonly FeedbackItem[], now: number): number {
    let time = Math.trunc(now);
    for (const item of items) {
      const last = this.#memory.get(feedbackKey(item));
      if (last !== undefined && last.text !== valueText(item)) time = Math.max(time, last.receivedAt + 1);
    }
    return time;
  }

  #remember(
    item: FeedbackItem,
    { receivedAt, before }: { readonly receivedAt: number; readonly before: Before[] },
  ): Kept["outcome"] {
    const key = feedbackKey(item);
    const text = valueText(item);
    const last = this.#memory.get(key);
    if (last?.text === text) return "duplicate";
    before.push({ key, value: last });
    this.#memory.set(key, { text, receivedAt });
    return last === undefined ? "accepted" : "corrected";
  }

  #commit(frame: FeedbackFrame, before: Request["before"]): Promise<void> {
    return new Promise((resolve, reject) => {
      const written = frame.items.length > 0;
      const bytes = encodeFeedback(frame);
      if (bytes.length > MAX_FRAME_BYTES) {
        this.#forget([{ before }]);
        reject(tooMany(frame.items.length, this.maxItems));
        return;
      }
      if (written) this.#writer.append(bytes);
      if (this.#group.length === 0) setImmediate(() => this.#flush());
      this.#group.push({ written, before, resolve, reject });
    });
  }

  #flush(): void {
    const group = this.#group;
    this.#group = [];
    try {
      this.#writer.flushSync();
      for (const { resolve } of group) resolve();
    } catch (thrown) {
      const whole = wholeRequests(group, thrown);
      this.#forget(group.slice(whole));
      for (const { resolve } of group.slice(0, whole)) resolve();
      for (const { reject } of group.slice(whole)) reject(refusal(thrown));
    }
  }

  /** What was not written after all must not make its repetition a duplicate. */
  #forget(requests: readonly Pick<Request, "before">[]): void {
    for (const { key, value } of requests.flatMap(({ before }) => before).toReversed())
      this.#memory.restore(key, value);
  }

  async #unmatched(items: readonly FeedbackItem[]): Promise<ReadonlySet<string>> {
    const unmatched = new Set<string>();
    for (const { predictionId } of items) {
      if (!(await this.#options.mayBeKnown(parsePredictionId(predictionId)))) unmatched.add(predictionId);
    }
    return unmatched;
  }

  #count(outcome: FeedbackOutcome): void {
    this.#counts[outcome.outcome]++;
    if (outcome.outcome !== "refused" && outcome.unmatched) this.#counts.unmatched++;
  }
}

function checkOne(item: unknown, now: number): FeedbackItem | SlipwayError {
  try {
    return checkFeedbackItem(item, now);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
}

/** How many requests from the first one on are wholly in the log although the flush failed. */
function wholeRequests(group: readonly Request[], thrown: unknown): number {
  const { framesWritten } = thrown instanceof SlipwayError ? thrown.details : {};
  let left = typeof framesWritten === "number" ? framesWritten : 0;
  const first = group.findIndex(({ written }) => written && left-- === 0);
  return first === -1 ? group.length : first;
}

function tooMany(items: number, limit: number): SlipwayError {
  return feedbackErrors.FEEDBACK_TOO_MANY_ITEMS.error(
    `the request holds ${items} items of feedback; at most ${limit} are taken at once`,
    { details: { items, limit }, hint: "Send them in several requests." },
  );
}

function refusal(thrown: unknown): SlipwayError {
  const details = thrown instanceof SlipwayError ? { cause: thrown.code } : {};
  if (storageErrors.STORAGE_LOG_FULL.is(thrown)) {
    return feedbackErrors.FEEDBACK_LOG_FULL.error(
      "the feedback could not be kept because the disk of the feedback log is full",
      { details, cause: thrown, hint: "Free space on that disk and send it again." },
    );
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return feedbackErrors.FEEDBACK_LOG_UNWRITABLE.error(`the feedback could not be kept: ${reason}`, {
    details,
    cause: thrown,
  });
}
