/** Classes of sizes, each four times as large as the one before; the last one is open. */
const CLASSES = 14;
/** The first requests of a process take a hundred times as long as the later ones: the estimate falls fast, and rises slowly. */
const FALLING = 0.3;
const RISING = 0.05;

/** How long a version takes to answer a request, learnt from those it answered, by the size of the request. */
export class ServicePace {
  /** Milliseconds; NaN where no request of this size has been answered. */
  readonly #estimates = new Float64Array(CLASSES).fill(Number.NaN);

  /** @param bytes of the request, at least 0 */
  observe(bytes: number, milliseconds: number): void {
    const at = classOf(bytes);
    const estimate = this.#estimates[at]!;
    if (Number.isNaN(estimate)) this.#estimates[at] = milliseconds;
    else this.#estimates[at] = smoothed(estimate, milliseconds);
  }

  /** Milliseconds; 0 when nothing has been answered yet. */
  estimate(bytes: number): number {
    const at = classOf(bytes);
    for (let distance = 0; distance < CLASSES; distance++) {
      const smaller = this.#estimates[at - distance];
      // A request that is larger takes longer in proportion, one that is smaller at most as long.
      if (smaller !== undefined && !Number.isNaN(smaller)) return smaller * (1 << (2 * distance));
      const larger = this.#estimates[at + distance];
      if (larger !== undefined && !Number.isNaN(larger)) return larger;
    }
    return 0;
  }
}

/** A mean that follows what gets smaller faster than what gets larger. */
export function smoothed(mean: number, value: number): number {
  return mean + (value - mean) * (value < mean ? FALLING : RISING);
}

/** 0 below 256 bytes. */
function classOf(bytes: number): number {
  return Math.max(0, Math.min(CLASSES - 1, (31 - Math.clz32(bytes) - 6) >> 1));
}
