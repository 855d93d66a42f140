/** Weight of a new measurement in the running means. */
const WEIGHT = 0.1;

/** Every so many decisions, what seems slower is tried again. */
const TRY_AGAIN = 64;

/**
 * Whether calls that wait are to be run together: while that takes less time a call than running them one by one. Both are measured as they
 * happen, and the slower one is tried now and then.
 */
export class MergePolicy {
  #aloneMs: number | undefined;
  #mergedMs: number | undefined;
  #decisions = 0;

  /** Decides for calls of which at least two wait. */
  merges(): boolean {
    this.#decisions++;
    const tries = this.#decisions % TRY_AGAIN === 0;
    if (this.#aloneMs === undefined || this.#mergedMs === undefined) return !tries;
    return this.#mergedMs <= this.#aloneMs !== tries;
  }

  /** Takes in how long so many calls took that were run together. @param ms at least 0 */
  note(calls: number, ms: number): void {
    const each = ms / calls;
    if (calls === 1) this.#aloneMs = mean(this.#aloneMs, each);
    else this.#mergedMs = mean(this.#mergedMs, each);
  }
}

function mean(before: number | undefined, now: number): number {
  return before === undefined ? now : before + WEIGHT * (now - before);
}
