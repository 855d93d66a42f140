import { assertNever } from "../../kernel/index.ts";
import type { WindowSpec, WindowStatistic } from "./window-spec.ts";

/** One window and everything that is asked of it. */
export interface CollectedWindow {
  readonly spec: WindowSpec;
  /** In the order of `windowStatistics`. */
  readonly statistics: readonly WindowStatistic[];
}

/**
 * What a window keeps of one key. `panes` holds rows of `width` numbers by rising pane: the number of the pane, the count
 * of its items, then what the statistics need. `pending` holds pairs of when and what: items that are not known yet, by
 * when they will be, those of one moment in the order in which they came.
 */
export interface Cell {
  readonly panes: readonly number[];
  readonly pending: readonly number[];
}

interface LiveCell {
  readonly panes: number[];
  pending: number[];
  /** Where `pending` begins: what stands before it has become known. */
  head: number;
}

const PANE = 0;
const COUNT = 1;
const MS_PER_HOUR = 3_600_000;

/**
 * The panes of one window, by key. Sums are those of each pane in the order of its items, the panes added oldest first.
 * What has expired is not seen any more, whenever it may be removed.
 */
export class KeyedWindow {
  readonly collected: CollectedWindow;
  readonly width: number;
  readonly #cells = new Map<string, LiveCell>();
  readonly #paneMs: number;
  readonly #paneCount: number;
  /** Places within the row of a pane; −1 where no statistic needs the number. */
  readonly #sum: number;
  readonly #minimum: number;
  readonly #maximum: number;
  readonly #last: number;
  readonly #empty: readonly number[];
  readonly #total: number[];
  readonly #newest: number[];
  #watermarkMs = Number.NEGATIVE_INFINITY;
  #sweptPane = Number.NEGATIVE_INFINITY;

  constructor(collected: CollectedWindow) {
    this.collected = collected;
    this.#paneMs = collected.spec.paneMs;
    this.#paneCount = Math.floor(collected.spec.overMs / this.#paneMs);
    const empty = [0, 0];
    const place = (initial: number, ...needing: readonly WindowStatistic[]): number =>
      collected.statistics.some((statistic) => needing.includes(statistic)) ? empty.push(initial) - 1 : -1;
    this.#sum = place(0, "sum", "mean");
    this.#minimum = place(Number.POSITIVE_INFINITY, "minimum");
    this.#maximum = place(Number.NEGATIVE_INFINITY, "maximum");
    this.#last = place(Number.NEGATIVE_INFINITY, "hoursSinceLast");
    this.#empty = empty;
    this.#total = [...empty];
    this.#newest = [...empty];
    this.width = empty.length;
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#cells.size;
  }

  /** Time has got as far as the newest row. */
  advance(watermarkMs: number): void {
    this.#watermarkMs = watermarkMs;
    const pane = this.#paneOf(watermarkMs);
    // Each key is looked at some eight times between its last item and its end.
    if (pane - this.#sweptPane >= Math.max(1, this.#paneCount >> 3)) this.sweep();
  }

  /** Adds an item; one that is older than what the newest row can see is nothing to anybody. */
  put(key: string, knownMs: number, value: number): void {
    const pane = this.#paneOf(knownMs);
    if (pane <= this.#paneOf(this.#watermarkMs) - this.#paneCount) return;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { panes: [], pending: [], head: 0 };
      this.#cells.set(key, cell);
    }
    if (knownMs > this.#watermarkMs) {
      insertPending(cell, knownMs, value);
      return;
    }
    this.#settle(cell);
    this.#addItem(cell.panes, this.#rowOf(cell.panes, pane), { knownMs, value });
  }

  /** What a row at `timeMs` sees of a key, for `statistic`. */
  look(key: string, timeMs: number): void {
    const total = this.#total;
    this.#clear(total);
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    this.#settle(cell);
    const until = this.#paneOf(timeMs);
    const from = Math.max(until, this.#paneOf(this.#watermarkMs)) - this.#paneCount + 1;
    const { panes, pending, head } = cell;
    const newest = this.#newest;
    this.#clear(newest);
    for (let at = 0; at < panes.length; at += this.width) {
      const pane = panes[at + PANE]!;
      if (pane < from || pane > until) continue;
      this.#addPane(total, newest);
      for (let place = 0; place < this.width; place++) newest[place] = panes[at + place]!;
    }
    // What comes after the newest row is in the newest pane or in later ones.
    for (let at = head; at < pending.length && pending[at]! <= timeMs; at += 2) {
      const knownMs = pending[at]!;
      const pane = this.#paneOf(knownMs);
      if (pane < from) continue;
      if (newest[COUNT] === 0 || newest[PANE] !== pane) {
        this.#addPane(total, newest);
        this.#clear(newest);
        newest[PANE] = pane;
      }
      this.#addItem(newest, 0, { knownMs, value: pending[at + 1]! });
    }
    this.#addPane(total, newest);
  }

  /** Of the items last looked at. NaN is missing. */
  statistic(statistic: WindowStatistic, timeMs: number): number {
    const total = this.#total;
    const count = total[COUNT]!;
    if (statistic === "count") return count;
    if (count === 0) return Number.NaN;
    switch (statistic) {
      case "sum":
        return finite(total[this.#sum]!);
      case "mean":
        return finite(total[this.#sum]! / count);
      case "minimum":
        return total[this.#minimum]!;
      case "maximum":
        return total[this.#maximum]!;
      case "hoursSinceLast":
        return Math.max(0, (timeMs - total[this.#last]!) / MS_PER_HOUR);
      default:
        return assertNever(statistic);
    }
  }

  /** Removes what no row will see any more. */
  sweep(): void {
    this.#sweptPane = this.#paneOf(this.#watermarkMs);
    for (const [key, cell] of this.#cells) {
      this.#settle(cell);
      if (cell.panes.length === 0 && cell.pending.length === cell.head) this.#cells.delete(key);
    }
  }

  /** Keys and what is kept of them, without what has expired, by code units of the keys. */
  cells(): [string, Cell][] {
    this.sweep();
    return [...this.#cells]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { panes, pending, head }]) => [key, { panes, pending: pending.slice(head) }]);
  }

  /** Puts back what `cells` gave. */
  restore(key: string, { panes, pending }: Cell): void {
    this.#cells.set(key, { panes: [...panes], pending: [...pending], head: 0 });
  }

  /** Moves what is known by now into its panes and drops the panes that have expired. */
  #settle(cell: LiveCell): void {
    const { panes, pending } = cell;
    while (cell.head < pending.length && pending[cell.head]! <= this.#watermarkMs) {
      const item = { knownMs: pending[cell.head]!, value: pending[cell.head + 1]! };
      this.#addItem(panes, this.#rowOf(panes, this.#paneOf(item.knownMs)), item);
      cell.head += 2;
    }
    if (cell.head > 0 && 2 * cell.head >= pending.length) {
      cell.pending = pending.slice(cell.head);
      cell.head = 0;
    }
    const expired = this.#paneOf(this.#watermarkMs) - this.#paneCount;
    let gone = 0;
    while (gone < panes.length && panes[gone + PANE]! <= expired) gone += this.width;
    if (gone > 0) panes.splice(0, gone);
  }

  /** Where the row of a pane begins, made when there is none. */
  #rowOf(panes: number[], pane: number): number {
    let at = panes.length - this.width;
    while (at >= 0 && panes[at + PANE]! > pane) at -= this.width;
    if (at >= 0 && panes[at + PANE] === pane) return at;
    at += this.width;
    panes.splice(at, 0, ...this.#empty);
    panes[at + PANE] = pane;
    return at;
  }

  #addItem(panes: number[], at: number, { knownMs, value }: { knownMs: number; value: number }): void {
    panes[at + COUNT]! += 1;
    if (this.#sum >= 0) panes[at + this.#sum]! += value;
    if (this.#minimum >= 0) lower(panes, at + this.#minimum, value);
    if (this.#maximum >= 0) raise(panes, at + this.#maximum, value);
    if (this.#last >= 0) raise(panes, at + this.#last, knownMs);
  }

  #addPane(total: number[], row: readonly number[]): void {
    total[COUNT]! += row[COUNT]!;
    if (this.#sum >= 0) total[this.#sum]! += row[this.#sum]!;
    if (this.#minimum >= 0) lower(total, this.#minimum, row[this.#minimum]!);
    if (this.#maximum >= 0) raise(total, this.#maximum, row[this.#maximum]!);
    if (this.#last >= 0) raise(total, this.#last, row[this.#last]!);
  }

  #clear(row: number[]): void {
    for (let place = 0; place < this.width; place++) row[place] = this.#empty[place]!;
  }

  #paneOf(timeMs: number): number {
    return Math.floor(timeMs / this.#paneMs);
  }
}

/** Behind those that will be known at the same moment. */
function insertPending({ pending, head }: LiveCell, knownMs: number, value: number): void {
  let at = pending.length;
  while (at > head && pending[at - 2]! > knownMs) at -= 2;
  if (at === pending.length) pending.push(knownMs, value);
  else pending.splice(at, 0, knownMs, value);
}

function lower(row: number[], at: number, value: number): void {
  if (value < row[at]!) row[at] = value;
}

function raise(row: number[], at: number, value: number): void {
  if (value > row[at]!) row[at] = value;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
