/** Classes of sizes, each four times as large as the one before; the last one is open. */
const CLASSES = 14;
/** The first requests of a process take a hundred times as long as the later ones: the estimate falls fast, and rises slowly. */
const FALLING = 0.3;
const RISING = 0.05;
/** Nothing is concluded from fewer: the first ones tell how long it takes to warm up. */
export const LEAST_OBSERVED = 16;
/** What takes more times as long than expected was interrupted: by the collector, or by another process. */
const LARGEST_STEP = 8;

/** How long a version takes to answer a request, learnt from those it answered, by the size of the request. */
export class ServicePace {
  /** Milliseconds. */
  readonly #estimates = new Float64Array(CLASSES);
  /** Requests of this size that have been answered, as far as they are counted. */
  readonly #observed = new Uint8Array(CLASSES);

  /** @param bytes of the request, at least 0 */
  observe(bytes: number, milliseconds: number): void {
    const at = classOf(bytes);
    const observed = this.#observed[at]!;
    this.#estimates[at] = observed === 0 ? milliseconds : smoothed(this.#estimates[at]!, milliseconds);
    if (observed < LEAST_OBSERVED) this.#observed[at] = observed + 1;
  }

  /** Milliseconds; 0 when too little has been answered yet. */
  estimate(bytes: number): number {
    const at = classOf(bytes);
    for (let distance = 0; distance < CLASSES; distance++) {
      const smaller = this.#known(at - distance);
      // A request that is larger takes longer in proportion, one that is smaller at most as long.
      if (smaller !== undefined) return smaller * (1 << (2 * distance));
      const larger = this.#known(at + distance);
      if (larger !== undefined) return larger;
    }
    return 0;
  }

  #known(at: number): number | undefined {
    return this.#observed[at] === LEAST_OBSERVED ? this.#estimates[at] : undefined;
  }
}

/** A mean that follows what gets smaller faster than what gets larger, and single large values hardly at all. */
export function smoothed(mean: number, value: number): number {
  if (value < mean) return mean + (value - mean) * FALLING;
  return mean + (Math.min(value, mean * LARGEST_STEP) - mean) * RISING;
}

/** 0 below 256 bytes. */
function classOf(bytes: number): number {
  return Math.max(0, Math.min(CLASSES - 1, (31 - Math.clz32(bytes) - 6) >> 1));
}
