import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../kernel/index.ts";
import { isSystemError, listSegments, type SegmentInfo, storageErrors } from "../storage/index.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

/**
 * What has been compacted lies in a folder of the prediction log:
 *
 *     compacted/compaction-<8 digits>.json                                             what went where: one record a compaction
 *     compacted/predictions/model=<model>/date=<day>/hour=<hour>/<8 digits>.parquet    a row for each logged request
 *     compacted/seals/<8 digits>.parquet                                               a row for each seal
 *
 * A record is the moment of truth: a segment that one names is read no more, a file that none names is not read yet.
 */
export const COMPACTED = "compacted";

const RECORD_NAME = /^compaction-(\d{8})\.json$/;

/** Names of the requests of one worker, from the first to the last. */
export interface SequenceRange {
  readonly incarnation: string;
  readonly first: number;
  readonly last: number;
}

/** A Parquet file of requests to one model within one hour. */
export interface CompactedFile {
  /** From the log's `compacted` folder on. */
  readonly path: string;
  readonly model: string;
  /** The hour in which they were logged, epoch milliseconds. */
  readonly hour: number;
  readonly requests: number;
  /** Instances of the requests. */
  readonly predictions: number;
  /** Those of which only the header was kept because the model's log is a sample. */
  readonly sampledOut: number;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly firstTime: number;
  readonly lastTime: number;
  readonly bundles: readonly Digest[];
  readonly workers: readonly SequenceRange[];
}

/** One compaction: the segments that were read, and what they have become. */
export interface Compaction {
  readonly format: "slipway.compaction/1";
  /** 1, 2, … */
  readonly number: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly segments: readonly string[];
  /** Of the segments. */
  readonly bytes: number;
  readonly files: readonly CompactedFile[];
  /** From the log's `compacted` folder on. */
  readonly seals: { readonly path: string; readonly seals: number; readonly bytes: number };
}

export function compactionName(number: number): string {
  return `compaction-${String(number).padStart(8, "0")}.json`;
}

/** The records of a log's compactions in their order; none where nothing was compacted. @throws STORAGE_LOG_DAMAGED, STORAGE_IO */
export async function readCompactions(directory: string): Promise<Compaction[]> {
  const folder = join(directory, COMPACTED);
  const names = (await namesIn(folder)).filter((name) => RECORD_NAME.test(name)).sort();
  const records: Compaction[] = [];
  for (const name of names) {
    const record = await readRecord(join(folder, name));
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** The segments of a prediction log that are in no compaction, in the order of their names, and the compactions. */
export async function listRawSegments(
  directory: string,
): Promise<{ readonly segments: readonly SegmentInfo[]; readonly compactions: readonly Compaction[] }> {
  // Listed first: what is compacted between the two is in a record then, and left out.
  const segments = await listSegments(directory, { prefix: PREDICTION_LOG });
  const compactions = await readCompactions(directory);
  const compacted = compactedSegments(compactions);
  return { segments: segments.filter(({ segment }) => !compacted.has(segment)), compactions };
}

export function compactedSegments(compactions: readonly Compaction[]): Set<string> {
  return new Set(compactions.flatMap(({ segments }) => segments));
}

async function readRecord(path: string): Promise<Compaction | undefined> {
  try {
    const record = JSON.parse(await readFile(path, "utf8")) as Compaction;
    if (record.format === "slipway.compaction/1") return record;
    throw storageErrors.STORAGE_LOG_UNSUPPORTED.error(
      `${path} is a record of compaction of the form ${JSON.stringify(record.format)}; this version reads "slipway.compaction/1"`,
      { details: { path }, hint: "Read it with the version that wrote it, or a newer one." },
    );
  } catch (thrown) {
    // Retention removes the record of what it has removed whole.
    if (isSystemError(thrown, "ENOENT")) return undefined;
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw storageErrors.STORAGE_LOG_DAMAGED.error(
      `${path} is damaged: it is not the record of a compaction`,
      {
        details: { path },
        hint: "Restore the file from a backup.",
        cause: thrown,
      },
    );
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (isSystemError(thrown, "ENOENT")) return [];
    throw thrown;
  }
}
