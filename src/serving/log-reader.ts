import type { Digest, SlipwayError } from "../kernel/index.ts";
import { type LogFrame, readSegments, type SegmentInfo } from "../storage/index.ts";
import { type Compaction, compactedSegments, listRawSegments } from "./compactions.ts";
import { servingErrors } from "./errors.ts";
import {
  bundleOf,
  decodePrediction,
  isMadeBy,
  KIND_PREDICTION,
  type PredictionFrame,
  peekFrame,
} from "./prediction-frame.ts";
import { type PredictionId, parsePredictionId } from "./prediction-id.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

export interface LogFilter {
  /** Epoch milliseconds; predictions at or after it. */
  readonly since?: number;
  /** Epoch milliseconds; predictions before it. */
  readonly until?: number;
  readonly model?: string;
}

/** Reads what has been compacted of a prediction log. That takes the table engine, which workers must not load. */
export interface CompactedReader {
  readonly find: (id: PredictionId) => Promise<PredictionFrame | undefined>;
  readonly read: (
    filter: LogFilter,
    options: {
      readonly compactions: readonly Compaction[];
      readonly onDamage?: ((error: SlipwayError) => void) | undefined;
    },
  ) => AsyncIterable<PredictionFrame>;
}

export interface LogReadOptions {
  /** Given, reading goes on behind damage. */
  readonly onDamage?: ((error: SlipwayError) => void) | undefined;
  /** Without it only what has not been compacted is read. */
  readonly compacted?: CompactedReader | undefined;
}

/** One life of a worker: its segments in the order of writing. */
interface Incarnation {
  readonly name: string;
  readonly segments: readonly SegmentInfo[];
}

/**
 * The logged requests that pass the filter: what has been compacted, then what has not, worker by worker and in the order
 * of their ids. Whole segments before `since` or after `until` are not read.
 *
 * @throws SERVING_BAD_FRAME, STORAGE_LOG_DAMAGED, COMPACTION_FILE_DAMAGED unless `onDamage` is given
 */
export async function* readPredictionLog(
  directory: string,
  filter: LogFilter = {},
  { onDamage, compacted }: LogReadOptions = {},
): AsyncGenerator<PredictionFrame, void, undefined> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, model } = filter;
  const log = await openLog(directory);
  if (compacted !== undefined) yield* compacted.read(filter, { compactions: log.compactions, onDamage });
  for (const incarnation of log.incarnations) {
    const start =
      since === Number.NEGATIVE_INFINITY
        ? 0
        : await lastSegmentStarting(log, incarnation, ({ time }) => time <= since);
    for await (const { frame } of framesFrom(log, incarnation, { start, onDamage })) {
      let prediction: PredictionFrame;
      try {
        const { kind, time } = peekFrame(frame);
        if (kind !== KIND_PREDICTION || time < since) continue;
        if (time >= until) break;
        prediction = decodePrediction(frame);
      } catch (thrown) {
        if (onDamage === undefined || !servingErrors.SERVING_BAD_FRAME.is(thrown)) throw thrown;
        onDamage(thrown);
        continue;
      }
      if (model === undefined || prediction.model === model) yield prediction;
    }
  }
}

/**
 * The logged request of a prediction id, reading one segment and the first frames of a few others, or one Parquet file.
 *
 * @throws SERVING_BAD_PREDICTION_ID, SERVING_NO_PREDICTION, STORAGE_LOG_DAMAGED, COMPACTION_FILE_DAMAGED
 */
export async function findPrediction(
  directory: string,
  text: string,
  compacted?: Pick<CompactedReader, "find">,
): Promise<PredictionFrame> {
  const id = parsePredictionId(text);
  const found = (await findRaw(await openLog(directory), id)) ?? (await compacted?.find(id));
  if (found !== undefined && (id.instance === undefined || id.instance < found.instances)) return found;
  throw servingErrors.SERVING_NO_PREDICTION.error(`the prediction log holds no prediction ${text}`, {
    details: { id: text },
    hint: "It may have been answered by another installation, or removed because the log keeps only so much.",
  });
}

async function findRaw(log: OpenLog, id: PredictionId): Promise<PredictionFrame | undefined> {
  for (const incarnation of log.incarnations) {
    if (!isMadeBy(incarnation.name, id.incarnationTail)) continue;
    const start = await lastSegmentStarting(log, incarnation, ({ sequence }) => sequence <= id.sequence);
    for await (const { frame } of framesFrom(log, incarnation, { start })) {
      const { kind, sequence, time } = peekFrame(frame);
      if (kind !== KIND_PREDICTION || sequence < id.sequence) continue;
      if (sequence > id.sequence || time !== id.time) break;
      return decodePrediction(frame);
    }
  }
  return undefined;
}

/** The bundles that logged predictions were made by; frames that cannot be read name none. */
export async function loggedBundles(directory: string): Promise<Set<Digest>> {
  const { compactions, compacted: except } = await openLog(directory);
  const bundles = new Set(compactions.flatMap(({ files }) => files.flatMap((file) => file.bundles)));
  const skip = (): void => undefined;
  for await (const { frame } of readSegments(directory, { prefix: PREDICTION_LOG, except, onDamage: skip })) {
    const bundle = bundleOf(frame);
    if (bundle !== undefined) bundles.add(bundle);
  }
  return bundles;
}

/** A prediction log as it was listed. */
interface OpenLog {
  readonly directory: string;
  readonly compactions: readonly Compaction[];
  /** Names of segments that are in a compaction. */
  readonly compacted: ReadonlySet<string>;
  readonly incarnations: readonly Incarnation[];
}

async function openLog(directory: string): Promise<OpenLog> {
  const { segments, compactions } = await listRawSegments(directory);
  const incarnations = Array.from(
    Map.groupBy(segments, ({ incarnation }) => incarnation),
    ([name, ofIt]) => ({ name, segments: ofIt }),
  );
  return { directory, compactions, compacted: compactedSegments(compactions), incarnations };
}

/**
 * The place of the last segment whose first frame passes `isBefore`, or 0. Sequences and, but for a clock set back,
 * times grow from segment to segment.
 */
async function lastSegmentStarting(
  log: OpenLog,
  incarnation: Incarnation,
  isBefore: (first: { sequence: number; time: number }) => boolean,
): Promise<number> {
  let low = 0;
  let high = incarnation.segments.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const first = await firstFrame(log, incarnation, middle);
    if (first !== undefined && isBefore(first)) low = middle;
    else high = middle;
  }
  return low;
}

async function firstFrame(
  log: OpenLog,
  incarnation: Incarnation,
  start: number,
): Promise<{ sequence: number; time: number } | undefined> {
  for await (const { frame, segment } of framesFrom(log, incarnation, {
    start,
    onDamage: () => undefined,
  })) {
    // A segment without frames is the last one of its writer.
    if (segment !== incarnation.segments[start]?.segment) return undefined;
    const first = peekFrame(frame);
    if (first.kind === KIND_PREDICTION) return first;
  }
  return undefined;
}

function framesFrom(
  { directory, compacted: except }: OpenLog,
  incarnation: Incarnation,
  { start, onDamage }: { start: number; onDamage?: ((error: SlipwayError) => void) | undefined },
): AsyncGenerator<LogFrame, void, undefined> {
  const segment = incarnation.segments[start]?.segment;
  return readSegments(directory, {
    prefix: PREDICTION_LOG,
    incarnation: incarnation.name,
    except,
    ...(segment === undefined ? {} : { from: { segment, offset: 0 } }),
    ...(onDamage === undefined ? {} : { onDamage }),
  });
}
