import { featuresErrors, type WindowProgram, type WindowState } from "../features/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { StreamEvent } from "./stream-batch.ts";

type InputRecord = Readonly<Record<string, unknown>>;

/** The windows of one version of a model: their state follows the stream. */
export class ModelWindows {
  readonly model: string;
  readonly bundle: Digest;
  readonly program: WindowProgram;
  /** What the windows said to the record that was last resolved, by place among the derived columns. */
  readonly values: Float64Array;
  #state: WindowState;
  #sequence: number;
  #skipped = 0;

  constructor(
    subject: {
      readonly model: string;
      readonly bundle: Digest;
      readonly program: WindowProgram;
      /** Number of derived columns. */
      readonly derived: number;
    },
    past: { readonly state: WindowState; readonly sequence: number },
  ) {
    this.model = subject.model;
    this.bundle = subject.bundle;
    this.program = subject.program;
    this.values = new Float64Array(subject.derived);
    this.#state = past.state;
    this.#sequence = past.sequence;
  }

  /** The number of the last event of the stream that was applied. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Events that could not be applied because they lack a field of these windows or have one of another type. */
  get skipped(): number {
    return this.#skipped;
  }

  /** How many keys are kept. */
  get keyCount(): number {
    return this.#state.keyCount;
  }

  /** Applies events numbered from `first` on; those that were applied already are passed over. */
  apply(first: number, events: readonly StreamEvent[]): void {
    for (let at = Math.max(0, this.#sequence + 1 - first); at < events.length; at++) {
      const event = events[at]!;
      if (event.model === this.model) this.#applyOne(event);
      this.#sequence = first + at;
    }
  }

  /**
   * Looks at the windows for a record and fills `values`.
   *
   * @returns when the row happened, NaN where its time is missing
   * @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD
   */
  resolve(record: InputRecord): number {
    const row = this.program.rowEvent(record);
    this.#state.read(row, this.values);
    return row.timeMs ?? Number.NaN;
  }

  toBytes(): Uint8Array {
    return this.#state.toBytes();
  }

  #applyOne(event: StreamEvent): void {
    const { time } = this.program;
    const record =
      event.timeMs === null ? event.record : withTime(event.record, { time, timeMs: event.timeMs });
    try {
      if (event.kind === "row") this.#state.apply(this.program.rowEvent(record));
      else {
        const { labels, name: arrived, earlier, atMs } = event;
        const label = this.program.labelEvent(record, { labels, arrived, earlier, atMs });
        if (label !== undefined) this.#state.apply(label);
      }
    } catch (thrown) {
      // Another version was asked, which reads other columns, or a label is of another type: both are no items here.
      if (!isUnfit(thrown)) throw thrown;
      this.#skipped++;
    }
  }
}

/** A record that does not say when it happened, happens at `timeMs`; one that says null has no time. */
export function withTime(
  record: InputRecord,
  { time, timeMs }: { readonly time: string; readonly timeMs: number },
): InputRecord {
  return record[time] === undefined ? { ...record, [time]: timeMs } : record;
}

function isUnfit(thrown: unknown): boolean {
  return featuresErrors.FEATURES_MISSING_FIELD.is(thrown) || featuresErrors.FEATURES_BAD_FIELD.is(thrown);
}
