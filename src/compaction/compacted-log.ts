import { join } from "node:path";
import { entropy, SlipwayError } from "../kernel/index.ts";
import {
  COMPACTED,
  type CompactedFile,
  type Compaction,
  decodePrediction,
  incarnationTail,
  type LogFilter,
  type PredictionFrame,
  type PredictionId,
  readCompactions,
} from "../serving/index.ts";
import { compactionErrors } from "./errors.ts";
import { frameOfRow } from "./frame-row.ts";
import { FRAME_COLUMNS, rowOfValues, selectFrom } from "./log-tables.ts";
import { sqlText } from "./sql-text.ts";
import type { TableEngine } from "./table-engine.ts";

const READ_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Reads the compacted part of a prediction log. The table engine is loaded by the first read that needs it; workers never
 * read this.
 */
export class CompactedLog {
  readonly #directory: string;
  #engine: Promise<TableEngine> | undefined;

  /** @param directory of the prediction log */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The requests that pass a filter, by the compactions they were in, models and workers, those of one worker in the order
   * of their ids.
   *
   * @throws COMPACTION_FILE_DAMAGED unless `onDamage` is given: reading goes on with the next file then
   */
  async *read(
    filter: LogFilter = {},
    options: {
      readonly compactions?: readonly Compaction[];
      readonly onDamage?: ((error: SlipwayError) => void) | undefined;
    } = {},
  ): AsyncGenerator<PredictionFrame, void, undefined> {
    const compactions = options.compactions ?? (await readCompactions(this.#directory));
    for (const file of compactions.flatMap(({ files }) => files)) {
      if (!mayPass(file, filter)) continue;
      try {
        yield* this.#framesOf(file, conditionOf(filter));
      } catch (thrown) {
        if (options.onDamage === undefined || !compactionErrors.COMPACTION_FILE_DAMAGED.is(thrown))
          throw thrown;
        options.onDamage(thrown);
      }
    }
  }

  /** The request of an id, whether it has that instance or not. @throws COMPACTION_FILE_DAMAGED */
  async find(id: PredictionId): Promise<PredictionFrame | undefined> {
    for (const { files } of await readCompactions(this.#directory)) {
      for (const file of files) {
        const worker = file.workers.find(
          ({ incarnation, first, last }) =>
            incarnationTail(incarnation) === id.incarnationTail &&
            first <= id.sequence &&
            id.sequence <= last,
        );
        if (worker === undefined || id.time < file.firstTime || id.time > file.lastTime) continue;
        const where = ` WHERE sequence = ${id.sequence} AND incarnation = ${sqlText(worker.incarnation)}`;
        for await (const frame of this.#framesOf(file, where)) if (frame.time === id.time) return frame;
      }
    }
    return undefined;
  }

  async close(): Promise<void> {
    await (await this.#engine)?.close();
    this.#engine = undefined;
  }

  async *#framesOf(file: CompactedFile, where: string): AsyncGenerator<PredictionFrame, void, undefined> {
    const path = join(this.#directory, COMPACTED, file.path);
    const engine = await this.#opened();
    try {
      for await (const values of engine.rows(selectFrom(path, FRAME_COLUMNS, where), FRAME_COLUMNS))
        yield decodePrediction(frameOfRow(rowOfValues(values)));
    } catch (thrown) {
      if (thrown instanceof SlipwayError) throw thrown;
      throw compactionErrors.COMPACTION_FILE_DAMAGED.error(
        `the compacted prediction log ${path} cannot be read: ${thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown)}`,
        { details: { path }, hint: "Restore the file from a backup.", cause: thrown },
      );
    }
  }

  #opened(): Promise<TableEngine> {
    this.#engine ??= import("./table-engine.ts").then(({ TableEngine }) =>
      TableEngine.open({
        scratch: join(this.#directory, COMPACTED, `scratch-${entropy(4).toString("hex")}`),
        memoryBytes: READ_MEMORY_BYTES,
      }),
    );
    return this.#engine;
  }
}

function mayPass(file: CompactedFile, { since, until, model }: LogFilter): boolean {
  return (
    (model === undefined || file.model === model) &&
    (since === undefined || file.lastTime >= since) &&
    (until === undefined || file.firstTime < until)
  );
}

function conditionOf({ since, until }: LogFilter): string {
  const conditions = [
    ...(since === undefined ? [] : [`time >= make_timestamp(${Math.ceil(since) * 1000})`]),
    ...(until === undefined ? [] : [`time < make_timestamp(${Math.ceil(until) * 1000})`]),
  ];
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}
