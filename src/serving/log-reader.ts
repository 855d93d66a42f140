import type { Digest, SlipwayError } from "../kernel/index.ts";
import { type LogFrame, listSegments, readSegments, type SegmentInfo } from "../storage/index.ts";
import { servingErrors } from "./errors.ts";
import {
  bundleOf,
  decodePrediction,
  isMadeBy,
  KIND_PREDICTION,
  type PredictionFrame,
  peekFrame,
} from "./prediction-frame.ts";
import { parsePredictionId } from "./prediction-id.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

export interface LogFilter {
  /** Epoch milliseconds; predictions at or after it. */
  readonly since?: number;
  /** Epoch milliseconds; predictions before it. */
  readonly until?: number;
  readonly model?: string;
}

/** One life of a worker: its segments in the order of writing. */
interface Incarnation {
  readonly name: string;
  readonly segments: readonly SegmentInfo[];
}

/**
 * The logged requests that pass the filter, worker by worker and in the order of their ids. Whole segments before
 * `since` or after `until` are not read.
 *
 * @throws SERVING_BAD_FRAME, STORAGE_LOG_DAMAGED unless `onDamage` is given: reading goes on behind the damage then
 */
export async function* readPredictionLog(
  directory: string,
  filter: LogFilter = {},
  onDamage?: (error: SlipwayError) => void,
): AsyncGenerator<PredictionFrame, void, undefined> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, model } = filter;
  for (const incarnation of await incarnationsIn(directory)) {
    const start =
      since === Number.NEGATIVE_INFINITY
        ? 0
        : await lastSegmentStarting(directory, incarnation, ({ time }) => time <= since);
    for await (const { frame } of framesFrom(directory, incarnation, { start, onDamage })) {
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
 * The logged request of a prediction id, reading one segment and the first frames of a few others.
 *
 * @throws SERVING_BAD_PREDICTION_ID, SERVING_NO_PREDICTION, STORAGE_LOG_DAMAGED
 */
export async function findPrediction(directory: string, text: string): Promise<PredictionFrame> {
  const id = parsePredictionId(text);
  for (const incarnation of await incarnationsIn(directory)) {
    if (!isMadeBy(incarnation.name, id.incarnationTail)) continue;
    const start = await lastSegmentStarting(
      directory,
      incarnation,
      ({ sequence }) => sequence <= id.sequence,
    );
    for await (const { frame } of framesFrom(directory, incarnation, { start })) {
      const { kind, sequence, time } = peekFrame(frame);
      if (kind !== KIND_PREDICTION || sequence < id.sequence) continue;
      if (sequence > id.sequence || time !== id.time) break;
      const prediction = decodePrediction(frame);
      if (id.instance !== undefined && id.instance >= prediction.instances) break;
      return prediction;
    }
  }
  throw servingErrors.SERVING_NO_PREDICTION.error(`the prediction log holds no prediction ${text}`, {
    details: { id: text },
    hint: "It may have been answered by another installation, or its segment may have been removed.",
  });
}

/** The bundles that logged predictions were made by; frames that cannot be read name none. */
export async function loggedBundles(directory: string): Promise<Set<Digest>> {
  const bundles = new Set<Digest>();
  const skip = (): void => undefined;
  for await (const { frame } of readSegments(directory, { prefix: PREDICTION_LOG, onDamage: skip })) {
    const bundle = bundleOf(frame);
    if (bundle !== undefined) bundles.add(bundle);
  }
  return bundles;
}

async function incarnationsIn(directory: string): Promise<Incarnation[]> {
  const segments = await listSegments(directory, { prefix: PREDICTION_LOG });
  return Array.from(
    Map.groupBy(segments, ({ incarnation }) => incarnation),
    ([name, ofIt]) => ({ name, segments: ofIt }),
  );
}

/**
 * The place of the last segment whose first frame passes `isBefore`, or 0. Sequences and, but for a clock set back,
 * times grow from segment to segment.
 */
async function lastSegmentStarting(
  directory: string,
  incarnation: Incarnation,
  isBefore: (first: { sequence: number; time: number }) => boolean,
): Promise<number> {
  let low = 0;
  let high = incarnation.segments.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const first = await firstFrame(directory, incarnation, middle);
    if (first !== undefined && isBefore(first)) low = middle;
    else high = middle;
  }
  return low;
}

async function firstFrame(
  directory: string,
  incarnation: Incarnation,
  start: number,
): Promise<{ sequence: number; time: number } | undefined> {
  for await (const { frame, segment } of framesFrom(directory, incarnation, {
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
  directory: string,
  incarnation: Incarnation,
  { start, onDamage }: { start: number; onDamage?: ((error: SlipwayError) => void) | undefined },
): AsyncGenerator<LogFrame, void, undefined> {
  const segment = incarnation.segments[start]?.segment;
  return readSegments(directory, {
    prefix: PREDICTION_LOG,
    incarnation: incarnation.name,
    ...(segment === undefined ? {} : { from: { segment, offset: 0 } }),
    ...(onDamage === undefined ? {} : { onDamage }),
  });
}
