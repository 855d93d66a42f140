import { type CollectedWindow, KeyedWindow } from "./keyed-window.ts";
import type { RowEvent, WindowEvent } from "./window-event.ts";
import type { WindowStatistic } from "./window-spec.ts";
import { readWindowState, writeWindowState } from "./window-state-bytes.ts";

/** What a state is made for: its windows, and where the derived values of a row go. */
export interface WindowPlaces {
  readonly windows: readonly CollectedWindow[];
  readonly columns: readonly {
    /** Among the derived columns of the kernel. */
    readonly place: number;
    /** Among `windows`. */
    readonly window: number;
    readonly statistic: WindowStatistic;
  }[];
}

/**
 * The past, as far as windows can still see it. The same events in the same order give the same values, bit for bit,
 * whatever is read, removed, written or restored between them.
 *
 * Rows are seen by rows that come after them in the stream; a row sees an item when it is known by the row's time or by
 * the time of a newer row before it, and within the newest ⌊over ÷ pane⌋ panes. Time goes as far as the newest row:
 * what that row cannot see any more has expired for all that come later, however old they are themselves.
 *
 * Memory: a few numbers for each pane and key with items in it, and for each item that is not known yet.
 */
export class WindowState {
  readonly places: WindowPlaces;
  readonly #windows: readonly KeyedWindow[];
  #watermarkMs = Number.NEGATIVE_INFINITY;
  #coveredMs = Number.NEGATIVE_INFINITY;

  constructor(places: WindowPlaces) {
    this.places = places;
    this.#windows = places.windows.map((collected) => new KeyedWindow(collected));
  }

  /**
   * @param bytes what `toBytes` of a state with the same windows gave
   * @throws FEATURES_BAD_WINDOWS
   */
  static fromBytes(places: WindowPlaces, bytes: Uint8Array): WindowState {
    const state = new WindowState(places);
    const { watermarkMs, coveredMs } = readWindowState(bytes, state.#windows);
    state.#coveredMs = coveredMs;
    state.#advance(watermarkMs);
    return state;
  }

  /** The time of the newest row; −∞ before the first. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Up to which time all rows and what is known of them are here already; −∞ where that was never said. */
  get coveredMs(): number {
    return this.#coveredMs;
  }

  /** How many keys are kept, over all windows. */
  get keyCount(): number {
    return this.#windows.reduce((count, window) => count + window.size, 0);
  }

  /** The next event of the stream. Those of rows that are covered are here already and change nothing. */
  apply(event: WindowEvent): void {
    const { timeMs, keys, values } = event;
    if (timeMs === null || timeMs <= this.#coveredMs) return;
    if (event.kind === "row" && timeMs > this.#watermarkMs) this.#advance(timeMs);
    const atMs = event.kind === "label" ? event.atMs : timeMs;
    for (const [at, window] of this.#windows.entries()) {
      const key = keys[at] ?? null;
      const value = values[at] ?? null;
      if (key === null || value === null) continue;
      window.put(key, Math.max(atMs, timeMs + window.collected.spec.knownAfterMs), value);
    }
  }

  /** Writes what the windows say to a row into the places of its derived values; NaN is missing. */
  read({ timeMs, keys }: Pick<RowEvent, "timeMs" | "keys">, into: Float64Array): void {
    let looked = -1;
    for (const { place, window, statistic } of this.places.columns) {
      const key = keys[window] ?? null;
      if (timeMs === null || key === null) {
        into[place] = Number.NaN;
        continue;
      }
      const panes = this.#windows[window]!;
      if (looked !== window) panes.look(key, timeMs);
      looked = window;
      into[place] = panes.statistic(statistic, timeMs);
    }
  }

  /** All rows up to the newest one are here: their events will not be applied again. */
  cover(): void {
    this.#coveredMs = this.#watermarkMs;
  }

  /** Removes what no row will see any more. It is done now and then without being asked. */
  expire(): void {
    for (const window of this.#windows) window.sweep();
  }

  /** The same bytes for the same events in the same order. */
  toBytes(): Uint8Array {
    return writeWindowState(this.#windows, { watermarkMs: this.#watermarkMs, coveredMs: this.#coveredMs });
  }

  #advance(timeMs: number): void {
    this.#watermarkMs = timeMs;
    for (const window of this.#windows) window.advance(timeMs);
  }
}
