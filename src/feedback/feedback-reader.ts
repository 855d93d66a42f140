import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { SlipwayError } from "../kernel/index.ts";
import { listSegments, readSegments, type SegmentInfo } from "../storage/index.ts";
import { decodeFeedback } from "./feedback-frame.ts";
import type { FeedbackItem } from "./feedback-item.ts";
import { FEEDBACK_LOG } from "./feedback-memory.ts";

/** A feedback that was taken. */
export interface Feedback extends FeedbackItem {
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

export interface FeedbackFilter {
  /** Epoch milliseconds; feedback received at or after it. */
  readonly since?: number;
  /** Feedback about this prediction: an instance of it, or all of them. */
  readonly predictionId?: string;
  readonly name?: string;
}

/**
 * The newest feedback that passes a filter, newest first; a value and its corrections are all there. Segments that were
 * last written before what is looked for are not read.
 *
 * @throws STORAGE_LOG_DAMAGED, FEEDBACK_BAD_FRAME unless `onDamage` is given
 */
export async function newestFeedback(
  directory: string,
  request: {
    readonly filter: FeedbackFilter;
    readonly limit: number;
    readonly onDamage?: (error: SlipwayError) => void;
  },
): Promise<Feedback[]> {
  const { filter, limit, onDamage } = request;
  const passes = passing(filter);
  let newest: Feedback[] = [];
  for (const { segment, incarnation, writtenAt } of await segmentsNewestFirst(directory)) {
    const oldest = newest.length < limit ? Number.NEGATIVE_INFINITY : newest.at(-1)!.receivedAt;
    if (writtenAt < Math.max(oldest, filter.since ?? oldest)) break;
    const found: Feedback[] = [];
    for await (const { segment: read, frame } of readSegments(directory, {
      prefix: FEEDBACK_LOG,
      incarnation,
      from: { segment, offset: 0 },
      ...(onDamage === undefined ? {} : { onDamage }),
    })) {
      if (read !== segment) break;
      const { receivedAt, items } = decodeFeedback(frame);
      for (const item of items) if (passes(item, receivedAt)) found.push({ ...item, receivedAt });
    }
    // Stable: of one moment, what was written last comes first.
    newest = [...found.reverse(), ...newest].sort((a, b) => b.receivedAt - a.receivedAt).slice(0, limit);
  }
  return newest;
}

function passing({
  since,
  predictionId,
  name,
}: FeedbackFilter): (item: FeedbackItem, receivedAt: number) => boolean {
  const whole = predictionId !== undefined && !predictionId.includes(".");
  return (item, receivedAt) =>
    receivedAt >= (since ?? receivedAt) &&
    item.name === (name ?? item.name) &&
    (predictionId === undefined ||
      (whole
        ? item.predictionId.split(".")[0] === predictionId
        : withIndex(item.predictionId) === predictionId));
}

function withIndex(predictionId: string): string {
  return predictionId.includes(".") ? predictionId : `${predictionId}.0`;
}

async function segmentsNewestFirst(
  directory: string,
): Promise<readonly (SegmentInfo & { readonly writtenAt: number })[]> {
  const segments = await Promise.all(
    (await listSegments(directory, { prefix: FEEDBACK_LOG })).map(async (info) => ({
      ...info,
      // Rounded up: file systems keep times coarser than the clock.
      writtenAt: Math.ceil((await stat(join(directory, info.segment))).mtimeMs) + 1,
    })),
  );
  return segments.sort((a, b) => b.writtenAt - a.writtenAt);
}
