import { stat } from "node:fs/promises";
import type { Clock } from "../kernel/index.ts";
import { listSegments } from "../storage/index.ts";
import { readCompactions } from "./compactions.ts";
import { incarnationStart, incarnationTail, type PredictionId } from "./prediction-id.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

/** Clocks of the machines that share a log may differ by so much. */
const CLOCK_TOLERANCE_MS = 60_000;
/** File systems keep times this coarsely. */
const FILE_TIME_MS = 50;

/** Says of ids whether a worker whose segments are here can have made them, without reading a segment. */
export class KnownWorkers {
  readonly #directory: string;
  readonly #clock: Clock;
  /** When each of them started, by the tail of its incarnation. */
  readonly #started = new Map<string, number>();
  /** When the directory had last changed as it was listed. */
  #listedAt = Number.NaN;

  /** @param directory of the prediction log */
  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async mayHaveMade(id: PredictionId): Promise<boolean> {
    if (!this.#started.has(id.incarnationTail)) await this.#list();
    const started = this.#started.get(id.incarnationTail);
    if (started === undefined) return false;
    return id.time >= started - CLOCK_TOLERANCE_MS && id.time <= this.#clock() + CLOCK_TOLERANCE_MS;
  }

  async #list(): Promise<void> {
    const { mtimeMs } = await stat(this.#directory);
    if (mtimeMs === this.#listedAt) return;
    // Another name may appear within the same tick of the file system's clock.
    if (mtimeMs + FILE_TIME_MS < this.#clock()) this.#listedAt = mtimeMs;
    const segments = await listSegments(this.#directory, { prefix: PREDICTION_LOG });
    const compactions = await readCompactions(this.#directory);
    const workers = compactions.flatMap(({ files }) => files.flatMap((file) => file.workers));
    for (const { incarnation } of [...segments, ...workers])
      this.#started.set(incarnationTail(incarnation), incarnationStart(incarnation));
  }
}
