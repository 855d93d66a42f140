import { readdir, rename, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Clock } from "../kernel/index.ts";
import {
  COMPACTED,
  type Compaction,
  compactedSegments,
  compactionName,
  PREDICTION_LOG,
  readCompactions,
} from "../serving/index.ts";
import { fileError, isSystemError, listSegments, syncDirectory, syncFile } from "../storage/index.ts";
import { type Removal, withoutFiles } from "./retention.ts";

/** What a process that died on the way has left is removed when nobody can be writing it any more. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Removes the segments that are in a compaction. Nobody may be reading the log. @returns how many they were */
export async function removeCompacted(directory: string): Promise<number> {
  const compacted = compactedSegments(await readCompactions(directory));
  const segments = await listSegments(directory, { prefix: PREDICTION_LOG });
  const removed = segments.filter(({ segment }) => compacted.has(segment));
  for (const { segment } of removed) await remove(join(directory, segment));
  if (removed.length > 0) await syncDirectory(directory);
  return removed.length;
}

/**
 * Carries out what `planRetention` says: the records first, so that what is removed half-way is read by nobody. Nobody may
 * be reading the log.
 */
export async function removeFiles(directory: string, removals: readonly Removal[]): Promise<void> {
  const root = join(directory, COMPACTED);
  const removed = new Set(removals.map(({ file }) => file.path));
  const touched = new Set(removals.map(({ compaction }) => compaction));
  const present = new Set(
    (await listSegments(directory, { prefix: PREDICTION_LOG })).map(({ segment }) => segment),
  );
  for (const record of await readCompactions(directory)) {
    if (!touched.has(record.number) && record.files.length > 0) continue;
    const rest = withoutFiles(record, removed);
    // A record stays while a segment that it names could be taken for one that was not compacted.
    const isNeeded = record.segments.some((segment) => present.has(segment));
    if (rest === undefined && !isNeeded) {
      await remove(join(root, compactionName(record.number)));
      await remove(join(root, record.seals.path));
    } else await replaceRecord(root, rest ?? { ...record, files: [] });
  }
  await syncDirectory(root);
  for (const path of removed) await remove(join(root, path));
  await removeEmptyFolders(join(root, "predictions"));
}

/** Removes what no record names and nobody is writing any more. */
export async function removeAbandoned(directory: string, clock: Clock): Promise<number> {
  const root = join(directory, COMPACTED);
  const records = await readCompactions(directory);
  const named = new Set(
    records.flatMap(({ files, seals, number }) => [
      seals.path,
      compactionName(number),
      ...files.map(({ path }) => path),
    ]),
  );
  let removed = 0;
  for (const path of await filesIn(root)) {
    if (named.has(path)) continue;
    const info = await stat(join(root, path)).catch(unlessMissing);
    if (info === undefined || clock() - info.mtimeMs < ABANDONED_AFTER_MS) continue;
    await remove(join(root, path));
    removed++;
  }
  return removed;
}

/** How much room a log takes, in bytes. */
export async function logSizes(
  directory: string,
): Promise<{ readonly rawBytes: number; readonly rawSegments: number; readonly compactedBytes: number }> {
  const segments = await listSegments(directory, { prefix: PREDICTION_LOG });
  const records = await readCompactions(directory);
  return {
    rawBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    rawSegments: segments.length,
    compactedBytes: records.reduce(
      (sum, { seals, files }) => sum + seals.bytes + files.reduce((all, { bytes }) => all + bytes, 0),
      0,
    ),
  };
}

async function replaceRecord(root: string, record: Compaction): Promise<void> {
  const path = join(root, compactionName(record.number));
  const draft = `${path}.tmp`;
  await writeFile(draft, JSON.stringify(record, null, 1), { mode: 0o600 });
  await syncFile(draft);
  await rename(draft, path);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessMissing);
  return (entries ?? [])
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

/** Folders of hours that hold nothing any more, and those around them. */
async function removeEmptyFolders(folder: string): Promise<void> {
  for (const entry of (await readdir(folder, { withFileTypes: true }).catch(unlessMissing)) ?? [])
    if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name));
  if ((await readdir(folder).catch(unlessMissing))?.length === 0) await rmdir(folder).catch(unlessMissing);
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (thrown) {
    if (!isSystemError(thrown, "ENOENT")) throw fileError(thrown, "remove", path);
  }
}

function unlessMissing(thrown: unknown): undefined {
  if (!isSystemError(thrown, "ENOENT")) throw thrown;
  return undefined;
}
