import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  logSizes,
  planRetention,
  removeAbandoned,
  removeCompacted,
  removeFiles,
  summarise,
} from "../compaction/index.ts";
import { type Clock, SlipwayError, sleep } from "../kernel/index.ts";
import type { Registry } from "../registry/index.ts";
import { listRawSegments, readCompactions } from "../serving/index.ts";
import type { SegmentInfo } from "../storage/index.ts";
import { isoTime } from "./control-context.ts";
import type { LogPolicies } from "./log-policies.ts";
import type { LogUse } from "./log-use.ts";
import { runJob } from "./runner.ts";
import type { StateDirectory } from "./state-directory.ts";
import { existingIncarnations } from "./worker-status.ts";

export interface LogKeepingOptions {
  readonly state: StateDirectory;
  readonly registry: Pick<Registry, "notePortable">;
  readonly clock: Clock;
  readonly use: LogUse;
  readonly settings: { readonly logSegmentMs: number; readonly logMaxBytes: number; readonly actor: string };
  readonly policies: () => Promise<LogPolicies>;
  /** How long each segment was when everything in it had been sequenced; see `sequence`. */
  readonly sequenced: () => ReadonlyMap<string, number>;
  /** Told of what goes wrong; it is tried again after a while. */
  readonly onProblem: (problem: string) => void;
}

/** So much of what has ended is compacted at once, and before its age demands it. */
const BATCH_BYTES = 256 * 1024 * 1024;
const MOST_PAUSE_MS = 5_000;
const RETRY_MS = 60_000;
/** What belongs to no process is left alone for so long: somebody may be about to say that it is his. */
const ORPHAN_MS = 10_000;

/**
 * Compacts what the workers have logged, and removes what is older than it is to be kept or takes more room than there is
 * for it, until the signal fires.
 */
export async function keepLog(options: LogKeepingOptions, signal: AbortSignal): Promise<void> {
  const { settings, onProblem } = options;
  const pauseMs = Math.min(MOST_PAUSE_MS, settings.logSegmentMs / 4);
  while (!signal.aborted) {
    let pause = pauseMs;
    try {
      await compact(options, signal);
      await remove(options);
    } catch (thrown) {
      if (signal.aborted) return;
      onProblem(`keeping the prediction log: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      if (!(thrown instanceof SlipwayError) || !thrown.retryable) pause = RETRY_MS;
    }
    await sleep(pause, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason;
    });
  }
}

interface Ended extends SegmentInfo {
  readonly writtenAt: number;
}

async function compact(options: LogKeepingOptions, signal: AbortSignal): Promise<void> {
  const { state, clock, use, settings } = options;
  const ended = await endedSegments(options);
  const bytes = ended.reduce((sum, segment) => sum + segment.bytes, 0);
  const isDue =
    bytes >= BATCH_BYTES / 2 || ended.some(({ writtenAt }) => clock() - writtenAt >= settings.logSegmentMs);
  if (!isDue) return;
  let room = BATCH_BYTES;
  const batch = ended.filter((segment, at) => {
    room -= segment.bytes;
    return at === 0 || room >= 0;
  });
  await use.compact(() =>
    runJob(
      { kind: "compact-log", log: state.log, segments: batch.map(({ segment }) => segment) },
      { blobs: state.blobs, onEvent: () => undefined, signal },
    ),
  );
}

/** What is written no more and has been sequenced, in the order of the names. */
async function endedSegments({ state, clock, sequenced }: LogKeepingOptions): Promise<Ended[]> {
  const { segments } = await listRawSegments(state.log);
  const existing = existingIncarnations(state.workers);
  const read = sequenced();
  const ended: Ended[] = [];
  for (const [at, info] of segments.entries()) {
    if (read.get(info.segment) !== info.bytes) continue;
    const writtenAt = (await stat(join(state.log, info.segment))).mtimeMs;
    const isFollowed = segments[at + 1]?.incarnation === info.incarnation;
    const isOrphan = !existing.has(info.incarnation) && clock() - writtenAt >= ORPHAN_MS;
    if (isFollowed || isOrphan) ended.push({ ...info, writtenAt });
  }
  return ended;
}

/** Segments that have been compacted, and files that are too old or too many. Waits for another time while somebody reads. */
async function remove(options: LogKeepingOptions): Promise<void> {
  const { state, clock, use, registry, settings } = options;
  const { keepDays } = await options.policies();
  await use.remove(async () => {
    await removeCompacted(state.log);
    const { rawBytes } = await logSizes(state.log);
    const removals = planRetention(
      await readCompactions(state.log),
      { keepDays, maxBytes: settings.logMaxBytes, rawBytes },
      clock(),
    );
    if (removals.length > 0) await removeFiles(state.log, removals);
    await removeAbandoned(state.log, clock);
    for (const { model, reason, from, to, ...counts } of summarise(removals)) {
      await registry.notePortable({
        action: "log.removed",
        model,
        actor: settings.actor,
        reason: reason === "age" ? "older than the model's log is kept" : "no more room for the log",
        details: { ...counts, from: isoTime(from), to: isoTime(to) },
      });
    }
  });
}
