/** What a campaign has counted so far. */
export class Tally {
  readonly #statuses = new Map<string, number>();
  #closed = 0;

  count(status: number | string): void {
    const key = String(status);
    this.#statuses.set(key, (this.#statuses.get(key) ?? 0) + 1);
  }

  /** A connection that the server closed after bytes that were no request. */
  countClosed(): void {
    this.#closed++;
  }

  get closed(): number {
    return this.#closed;
  }

  /** `200 × 12,345, 400 × 23,456`: by what, in order. */
  text(): string {
    return [...this.#statuses]
      .sort(([left], [right]) => left.localeCompare(right, "en", { numeric: true }))
      .map(([status, count]) => `${status} × ${count.toLocaleString("en")}`)
      .join(", ");
  }
}
