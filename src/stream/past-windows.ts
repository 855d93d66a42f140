import { WindowState } from "../features/index.ts";
import type { WindowSubject } from "./live-windows.ts";
import { ModelWindows } from "./model-windows.ts";
import type { StreamEvent } from "./stream-batch.ts";
import { StreamFollower } from "./stream-follower.ts";

/** The windows of one version as they were behind an event, made again from the bundle's past and the stream. */
export class PastWindows {
  readonly #directory: string;
  readonly #subject: WindowSubject;
  #past: Past;

  /** @param directory of the stream */
  constructor(directory: string, subject: WindowSubject) {
    this.#directory = directory;
    this.#subject = subject;
    this.#past = this.#begin();
  }

  /**
   * The windows behind an event. Going forward costs what lies between; going back begins anew.
   *
   * @returns undefined when the stream does not hold all events up to this one
   * @throws FEATURES_BAD_WINDOWS, STREAM_*, STORAGE_*
   */
  async at(sequence: number): Promise<ModelWindows | undefined> {
    if (this.#past.windows.sequence > sequence) {
      await this.close();
      this.#past = this.#begin();
    }
    const past = this.#past;
    while (past.windows.sequence < sequence) {
      if (past.at === past.events.length) {
        const batch = await past.batches.next();
        if (batch.done || (past.windows.sequence === 0 && batch.value.first !== 1)) return undefined;
        past.events = batch.value.events;
        past.at = 0;
        continue;
      }
      const { windows } = past;
      const until = Math.min(past.events.length, past.at + sequence - windows.sequence);
      const events = past.events.slice(past.at, until);
      windows.apply(windows.sequence + 1, events);
      past.at = until;
    }
    return past.windows;
  }

  /** To be called when nothing more is asked. */
  async close(): Promise<void> {
    await this.#past.batches.return();
  }

  #begin(): Past {
    const { program, seed } = this.#subject;
    const state = seed === undefined ? new WindowState(program) : WindowState.fromBytes(program, seed);
    return {
      windows: new ModelWindows(this.#subject, { state, sequence: 0 }),
      batches: new StreamFollower(this.#directory).read(),
      events: [],
      at: 0,
    };
  }
}

interface Past {
  readonly windows: ModelWindows;
  readonly batches: ReturnType<StreamFollower["read"]>;
  /** Of the batch that is being applied, and how many of them were. */
  events: readonly StreamEvent[];
  at: number;
}
