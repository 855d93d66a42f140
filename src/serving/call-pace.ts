import { smoothed } from "./service-pace.ts";

/** A call that took this many times as long as one alone does has waited for others. */
const WAITED = 1.5;
const SMOOTHING = 0.1;
/** A pause that is longer than so many times what was expected is one of the machine's. */
const LARGEST_STEP = 4;

/**
 * How fast a version that may work on several calls at once answers them. How many those are is nowhere written; it shows
 * once calls have to wait for each other: from then on the time between two answers is known.
 */
export class CallPace {
  #open = 0;
  #aloneMs = 0;
  /** Between two answers while calls wait; 0 as long as none has waited. */
  #betweenMs = 0;
  #busySince = 0;
  #lastEnd = 0;

  /** Calls that are not answered. */
  get open(): number {
    return this.#open;
  }

  /** How long a call takes that waits for no other; 0 when nothing has been answered yet. */
  get serviceMs(): number {
    return this.#aloneMs;
  }

  /** How long a call that is begun now would wait for others. */
  get waitMs(): number {
    return Math.max(0, this.#open * this.#betweenMs - this.#aloneMs);
  }

  /** Begins a call; what this gives is to be called when it ends. */
  begin(startedAt: number): (endedAt: number) => void {
    const alone = this.#open === 0;
    if (alone) this.#busySince = startedAt;
    this.#open++;
    return (endedAt) => {
      this.#open--;
      const tookMs = endedAt - startedAt;
      if (this.#aloneMs === 0) this.#aloneMs = tookMs;
      else if (alone || tookMs < this.#aloneMs) this.#aloneMs = smoothed(this.#aloneMs, tookMs);
      if (tookMs > this.#aloneMs * WAITED) this.#learn(endedAt - Math.max(this.#lastEnd, this.#busySince));
      this.#lastEnd = endedAt;
    };
  }

  #learn(betweenMs: number): void {
    const former = this.#betweenMs;
    this.#betweenMs =
      former === 0 ? betweenMs : former + (Math.min(betweenMs, former * LARGEST_STEP) - former) * SMOOTHING;
  }
}
