import { createReadStream } from "node:fs";
import { type Digest, isDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import { readFileIfPresent } from "./atomic-file.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";

/** However short a grace period is asked for: what a process has just written is about to be recorded. */
const LEAST_GRACE_MS = 60_000;
const LISTED_BLOBS = 1000;

interface FoundBlob {
  readonly digest: Digest;
  readonly bytes: number;
  readonly usedAt: number;
}

/** Garbage collection by reachability. */
export function garbageHandlers(context: ControlContext): Pick<ControlHandlers, "gc"> {
  return { gc: (input, call) => collectGarbage(context, input, call) };
}

async function collectGarbage(
  context: ControlContext,
  { dryRun, graceMs }: Parameters<ControlHandlers["gc"]>[0],
  call: OperationContext,
): Promise<OperationOutput<"gc">> {
  const { registry, blobs, clock } = context;
  const startedAt = clock();
  const since = await usedSince(context, startedAt - Math.max(graceMs, LEAST_GRACE_MS));
  // Listed before the roots are read: what is recorded from now on refers to blobs that are not listed, or are used anew.
  const found: FoundBlob[] = [];
  for await (const digest of blobs.list()) found.push({ digest, ...(await blobs.stat(digest)) });
  const { unused: snapshots, kept } = dryRun
    ? await registry.unusedSnapshots(since)
    : await registry.removeUnusedSnapshots({ since, actor: call.actor });
  const reachable = await reachableFrom(blobs, [
    ...kept.map(({ manifestBlob }) => manifestBlob),
    ...(await otherRoots(context, call)),
  ]);
  const unreachable = found.filter(({ digest }) => !reachable.has(digest));
  const removed: FoundBlob[] = [];
  for (const blob of unreachable.filter(({ usedAt }) => usedAt < since)) {
    call.signal.throwIfAborted();
    if (dryRun || (await blobs.deleteUnused(blob.digest, since)) !== undefined) removed.push(blob);
  }
  const total = sizeOf(removed);
  if (!dryRun && removed.length > 0) await registry.noteRemovedBlobs({ ...total, actor: call.actor });
  return {
    dryRun,
    usedSince: isoTime(since),
    snapshots: snapshots.map(({ dataset, digest, recordedAt }) => ({
      dataset,
      digest,
      addedAt: isoTime(recordedAt),
    })),
    blobs: removed
      .toSorted((a, b) => b.bytes - a.bytes || (a.digest < b.digest ? -1 : 1))
      .slice(0, LISTED_BLOBS)
      .map(({ digest, bytes, usedAt }) => ({ digest, bytes, usedAt: isoTime(usedAt) })),
    removed: total,
    kept: {
      blobs: found.length - total.blobs,
      bytes: sizeOf(found).bytes - total.bytes,
      recent: unreachable.length - removed.length,
    },
    durationMs: clock() - startedAt,
  };
}

function sizeOf(blobs: readonly FoundBlob[]): { blobs: number; bytes: number } {
  return { blobs: blobs.length, bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Runs that are not finished keep what has been used since the first of them began. */
async function usedSince({ registry }: ControlContext, graceBegan: number): Promise<number> {
  const unfinished = (await registry.runs()).filter(({ finishedAt }) => finishedAt === null);
  return Math.min(graceBegan, ...unfinished.map(({ createdAt }) => createdAt));
}

/** What versions, unfinished runs, routing and the prediction log name. */
async function otherRoots(context: ControlContext, call: OperationContext): Promise<Digest[]> {
  const { registry, state, closing, logUse } = context;
  const named: unknown[] = [await registry.routing(), readFileIfPresent(state.routing) ?? ""];
  for (const { name } of await registry.models()) named.push(await registry.versions(name));
  named.push((await registry.runs()).filter(({ finishedAt }) => finishedAt === null));
  const logged = await logUse.read(() =>
    runJob(
      { kind: "log-bundles", log: state.log },
      {
        blobs: state.blobs,
        questions: jobQuestions(context, call.actor),
        onEvent: call.onProgress,
        signal: AbortSignal.any([call.signal, closing]),
      },
    ),
  );
  return [...logged, ...digestsIn(JSON.stringify(named))];
}

/**
 * The blobs that can be reached from some: a blob that is a JSON object, such as the manifest of a snapshot or of a bundle,
 * refers to every blob whose digest stands in it.
 */
async function reachableFrom(blobs: BlobStore, roots: readonly Digest[]): Promise<Set<Digest>> {
  const reached = new Set<Digest>();
  const waiting = [...new Set(roots)];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (reached.has(digest) || !(await blobs.has(digest))) continue;
    reached.add(digest);
    if (!(await isJsonObject(blobs.path(digest)))) continue;
    const text = (await blobs.get(digest)).toString("utf8");
    waiting.push(...digestsIn(text));
  }
  return reached;
}

async function isJsonObject(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 0, encoding: "latin1" })) return chunk === "{";
  return false;
}

function digestsIn(text: string): Digest[] {
  return [...text.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)]
    .map(([found]) => found)
    .filter(isDigest);
}
