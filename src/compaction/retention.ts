import type { CompactedFile, Compaction } from "../serving/index.ts";

/** How long the log is kept, and how much of it. */
export interface RetentionPolicy {
  /** Days that predictions of a model are kept, by its name; others are kept until there is no room. */
  readonly keepDays: ReadonlyMap<string, number>;
  /** Most bytes of segments and Parquet files together; undefined for no bound. */
  readonly maxBytes: number | undefined;
  /** Bytes of segments that have not been compacted: they count, but only files can go. */
  readonly rawBytes: number;
}

export interface Removal {
  readonly compaction: number;
  readonly file: CompactedFile;
  readonly reason: "age" | "room";
}

const DAY_MS = 86_400_000;

/**
 * Which files go: those whose every prediction is older than its model keeps them, then the oldest until the rest fits.
 * Whole files only, in the order in which they go.
 *
 * @param now epoch milliseconds
 */
export function planRetention(
  compactions: readonly Compaction[],
  policy: RetentionPolicy,
  now: number,
): Removal[] {
  const files = compactions
    .flatMap(({ number, files }) => files.map((file) => ({ compaction: number, file })))
    .sort(
      (a, b) =>
        a.file.lastTime - b.file.lastTime ||
        a.compaction - b.compaction ||
        (a.file.path < b.file.path ? -1 : 1),
    );
  const isOld = ({ model, lastTime }: CompactedFile): boolean =>
    lastTime < now - (policy.keepDays.get(model) ?? Number.POSITIVE_INFINITY) * DAY_MS;
  const removals: Removal[] = files
    .filter(({ file }) => isOld(file))
    .map((found) => ({ ...found, reason: "age" }));
  let bytes =
    policy.rawBytes +
    compactions.reduce((sum, { seals }) => sum + seals.bytes, 0) +
    files.reduce((sum, { file }) => sum + (isOld(file) ? 0 : file.bytes), 0);
  for (const found of files) {
    if (bytes <= (policy.maxBytes ?? Number.POSITIVE_INFINITY)) break;
    if (isOld(found.file)) continue;
    removals.push({ ...found, reason: "room" });
    bytes -= found.file.bytes;
  }
  return removals;
}

/** The record of a compaction without files that go; undefined when nothing is left of it. */
export function withoutFiles(record: Compaction, removed: ReadonlySet<string>): Compaction | undefined {
  const files = record.files.filter(({ path }) => !removed.has(path));
  return files.length === 0 ? undefined : { ...record, files };
}

/** What was removed, model by model, as the journal says it. */
export interface RemovedPredictions {
  readonly model: string;
  readonly reason: Removal["reason"];
  readonly files: number;
  readonly predictions: number;
  readonly bytes: number;
  /** The times of the first and the last of them, epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

export function summarise(removals: readonly Removal[]): RemovedPredictions[] {
  const groups = Map.groupBy(removals, ({ file, reason }) => `${file.model} ${reason}`);
  return Array.from(groups.values(), (group) => ({
    model: group[0]!.file.model,
    reason: group[0]!.reason,
    files: group.length,
    predictions: group.reduce((sum, { file }) => sum + file.predictions, 0),
    bytes: group.reduce((sum, { file }) => sum + file.bytes, 0),
    from: group.reduce((first, { file }) => Math.min(first, file.firstTime), Number.POSITIVE_INFINITY),
    to: group.reduce((last, { file }) => Math.max(last, file.lastTime), Number.NEGATIVE_INFINITY),
  }));
}
