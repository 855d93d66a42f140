import { type WindowProgram, WindowState } from "../features/index.ts";
import { type Clock, type Digest, sleep } from "../kernel/index.ts";
import { ModelWindows } from "./model-windows.ts";
import { readSequencerStatus } from "./sequencer-status.ts";
import { STREAM_START, StreamFollower, type StreamPlace } from "./stream-follower.ts";
import { readCheckpoint, writeCheckpoint } from "./window-checkpoint.ts";

export interface LiveWindowsOptions {
  /** Of the stream; without it states stay as bundles bring them. */
  readonly directory?: string;
  /** Where states are kept between lives of a worker; without it they are made anew from the stream. */
  readonly checkpoints?: string;
  /** The file in which the sequencer says how far it is; without it the states age from the beginning. */
  readonly sequencerStatus?: string;
  readonly clock: Clock;
  /** A state is kept when so many events have been applied since it was last. Default 20,000. */
  readonly checkpointEvery?: number;
}

export interface WindowSubject {
  readonly model: string;
  readonly bundle: Digest;
  readonly program: WindowProgram;
  /** Number of derived columns. */
  readonly derived: number;
  /** The past that the bundle brings along, as `WindowState` writes it. */
  readonly seed: Uint8Array | undefined;
}

const POLL_MS = 25;
const CHECKPOINT_EVERY = 20_000;

interface Followed {
  readonly windows: ModelWindows;
  /** Behind which event the last checkpoint stands. */
  kept: number;
}

/**
 * The windows of the versions that a worker serves. All of them stand behind the same event of the stream, but while one
 * is being opened. While there are none, the stream is not read.
 */
export class LiveWindows {
  readonly #options: LiveWindowsOptions;
  readonly #followed = new Map<string, Followed>();
  #follower: StreamFollower | undefined;
  #polling: Promise<number> = Promise.resolve(0);
  #problem: string | undefined;
  /** At this time the states were known to hold everything that had been logged. */
  #currentAt: number;

  constructor(options: LiveWindowsOptions) {
    this.#options = options;
    this.#currentAt = options.clock();
  }

  /** The number of the last event applied; 0 while there are no windows. */
  get sequence(): number {
    return this.#follower?.sequence ?? 0;
  }

  /** How long ago the states held everything that had been logged, in milliseconds; 0 while there are no windows. */
  get ageMs(): number {
    return this.#followed.size === 0 ? 0 : Math.max(0, this.#options.clock() - this.#currentAt);
  }

  /** Why the stream cannot be followed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The versions whose windows are followed. */
  list(): readonly ModelWindows[] {
    return Array.from(this.#followed.values(), ({ windows }) => windows);
  }

  /**
   * The windows of one version, after every event that the others have seen: made from its last checkpoint, or from what
   * its bundle brings and the whole stream. From then on they follow the stream.
   *
   * @throws FEATURES_BAD_WINDOWS when the bundle's past is not of these windows, STREAM_GAP, STORAGE_*
   */
  async open(subject: WindowSubject): Promise<ModelWindows> {
    await this.poll();
    const key = keyOf(subject);
    const known = this.#followed.get(key);
    if (known !== undefined) return known.windows;
    const { state, place } = this.#past(subject);
    const windows = new ModelWindows(subject, { state, sequence: place.sequence });
    const { directory } = this.#options;
    if (directory !== undefined && this.#follower !== undefined) {
      const follower = new StreamFollower(directory, place);
      // The others move on meanwhile; at the last turn of this loop nobody is between them and these.
      while (follower.sequence < this.sequence) {
        for await (const { first, events } of follower.read()) {
          windows.apply(first, events);
          if (follower.sequence >= this.sequence) break;
        }
      }
    } else if (directory !== undefined) this.#follower = new StreamFollower(directory, place);
    this.#followed.set(key, { windows, kept: place.sequence });
    await this.poll();
    return windows;
  }

  /** Forgets the windows of versions that are not served any more. */
  retain(served: ReadonlySet<ModelWindows>): void {
    for (const [key, { windows }] of this.#followed) if (!served.has(windows)) this.#followed.delete(key);
    if (this.#followed.size === 0) this.#follower = undefined;
  }

  /** Applies what has been appended to the stream since, and answers how many events that was. */
  poll(): Promise<number> {
    const polling = this.#polling.then(() => this.#poll());
    this.#polling = polling.catch(() => 0);
    return polling;
  }

  /** Polls until the signal fires. What goes wrong is a problem to show; the states stay as they are then. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.poll();
        this.#problem = undefined;
        this.#noteAge();
        this.#keepStates(this.#options.checkpointEvery ?? CHECKPOINT_EVERY);
      } catch (thrown) {
        this.#problem = thrown instanceof Error ? thrown.message : String(thrown);
      }
      await sleep(POLL_MS, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
  }

  /** Keeps the states for the next life, those that have changed. */
  close(): void {
    this.#keepStates(1);
  }

  async #poll(): Promise<number> {
    if (this.#follower === undefined) return 0;
    let count = 0;
    for await (const { first, events } of this.#follower.read()) {
      for (const { windows } of this.#followed.values()) windows.apply(first, events);
      count += events.length;
    }
    return count;
  }

  #past(subject: WindowSubject): { readonly state: WindowState; readonly place: StreamPlace } {
    const { program, seed } = subject;
    const { checkpoints } = this.#options;
    const checkpoint = checkpoints === undefined ? undefined : readCheckpoint(checkpoints, subject);
    // One that is ahead of the other windows cannot join them.
    const most = this.#follower?.sequence ?? Number.POSITIVE_INFINITY;
    if (checkpoint !== undefined && checkpoint.place.sequence <= most)
      return { state: WindowState.fromBytes(program, checkpoint.state), place: checkpoint.place };
    const state = seed === undefined ? new WindowState(program) : WindowState.fromBytes(program, seed);
    return { state, place: STREAM_START };
  }

  #noteAge(): void {
    const { sequencerStatus: path } = this.#options;
    const status = path === undefined ? undefined : readSequencerStatus(path);
    if (status !== undefined && status.sequence <= this.sequence)
      this.#currentAt = Math.max(this.#currentAt, status.readAt);
  }

  #keepStates(every: number): void {
    const { checkpoints } = this.#options;
    if (checkpoints === undefined || this.#follower === undefined) return;
    const { sequence, marks } = this.#follower.place;
    for (const followed of this.#followed.values()) {
      const { windows, kept } = followed;
      // While a batch is on its way from the follower to the windows, the two do not belong together.
      if (windows.sequence - kept < every || windows.sequence !== sequence) continue;
      const other = readCheckpoint(checkpoints, windows)?.place.sequence ?? 0;
      // Another worker may have kept it just now.
      if (windows.sequence - other >= every) {
        writeCheckpoint(checkpoints, windows, { place: { sequence, marks }, state: windows.toBytes() });
      }
      followed.kept = Math.max(other, windows.sequence);
    }
  }
}

function keyOf({ model, bundle }: Pick<WindowSubject, "model" | "bundle">): string {
  return `${model} ${bundle}`;
}
