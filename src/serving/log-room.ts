import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../kernel/index.ts";
import { parseSegmentFileName } from "../storage/index.ts";

/** How often is looked whether there is room again. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Whether the segments of a prediction log take all the room that the log may have. Whoever keeps the log makes room in
 * time; where nobody does, it must not grow for ever.
 */
export class LogRoom {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #segment = "";
  #isFull = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param log its directory, and its name in the file names of its segments */
  constructor(log: { readonly directory: string; readonly prefix: string }, maxBytes: number, clock: Clock) {
    this.#directory = log.directory;
    this.#prefix = log.prefix;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** Looks when a new segment is begun, and now and then while there is no room. @param segment that is written next */
  isFull(segment: string): boolean {
    if (segment === this.#segment && !this.#isFull) return false;
    if (this.#isFull && this.#clock() - this.#lookedAt < LOOK_AGAIN_MS) return true;
    this.#segment = segment;
    this.#lookedAt = this.#clock();
    this.#isFull = this.#bytes() >= this.#maxBytes;
    return this.#isFull;
  }

  #bytes(): number {
    let bytes = 0;
    for (const name of readdirSync(this.#directory))
      if (parseSegmentFileName(name)?.prefix === this.#prefix)
        bytes += statSync(join(this.#directory, name), { throwIfNoEntry: false })?.size ?? 0;
    return bytes;
  }
}
