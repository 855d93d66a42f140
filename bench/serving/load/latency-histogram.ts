const STEPS_PER_MS = 100;
const LONGEST_MS = 4_000;
const STEPS = LONGEST_MS * STEPS_PER_MS;

/** Latencies in steps of 10 µs; what takes longer than 4 s counts as 4 s. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(STEPS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(milliseconds: number): void {
    const step = Math.floor(milliseconds * STEPS_PER_MS);
    this.#counts[step < 0 ? 0 : step < STEPS ? step : STEPS - 1]!++;
    this.#total++;
  }

  /** @returns milliseconds, rounded up to a step; NaN when nothing was added */
  quantile(share: number): number {
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      seen += this.#counts[step]!;
      if (seen > 0 && seen >= share * this.#total) return (step + 1) / STEPS_PER_MS;
    }
    return Number.NaN;
  }
}
