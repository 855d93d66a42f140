import type { Digest } from "../kernel/index.ts";
import type { ColumnProfile, Profile } from "../profile/index.ts";
import { blockDigest } from "./canonical-column.ts";
import { type ScannedColumns, type ScanTask, scanColumns } from "./scan-columns.ts";
import { ScanThread } from "./scan-thread.ts";
import type { SchemaColumn, SnapshotBlock } from "./snapshot.ts";

export interface ScanOptions {
  readonly signal?: AbortSignal;
  readonly onRows?: (rows: number) => void;
}

/** Below these starting a thread costs more than it saves. */
const ROWS_WORTH_THREADS = 300_000;
const BYTES_WORTH_THREADS = 16 << 20;

/** Computes the blocks and the profile of rows, on several threads when there is enough to do, with the same result. */
export class RowScanner {
  readonly #threads: ScanThread[] = [];

  /** @param sources how much there will be to scan, roughly: threads are started at once, so that they are ready when needed */
  constructor(sources: { readonly threads: number; readonly columns: number; readonly bytes: number }) {
    const threads = sources.bytes < BYTES_WORTH_THREADS ? 1 : Math.min(sources.threads, sources.columns);
    for (let i = 1; i < threads; i++) this.#threads.push(new ScanThread());
  }

  async scan(task: ScanTask, options: ScanOptions): Promise<{ blocks: SnapshotBlock[]; profile: Profile }> {
    const { signal } = options;
    const threads = task.rowCount < ROWS_WORTH_THREADS ? [] : this.#threads;
    const shares = shareColumns(task.schema, threads.length + 1);
    const done = new Float64Array(shares.length);
    const report = (share: number) => (rows: number) => {
      signal?.throwIfAborted();
      done[share] = rows;
      options.onRows?.(Math.min(...done));
    };
    const scanned = await allOrFirstError(
      shares.map((columns, share) => {
        const own = { ...task, schema: columns.map((index) => task.schema[index]!) };
        const thread = threads[share - 1];
        return thread === undefined ? scanColumns(own, report(share)) : thread.scan(own, report(share));
      }),
    );
    return join(task.schema, shares, scanned);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}

/** Gives the columns that cost most away first, each to the thread with the least to do. */
function shareColumns(schema: readonly SchemaColumn[], threads: number): number[][] {
  const costs = { image: 4, text: 4, category: 4, timestamp: 2, int: 2, float: 2, bool: 1 };
  const shares = Array.from({ length: threads }, () => ({ cost: 0, columns: [] as number[] }));
  const byCost = schema
    .map((_, index) => index)
    .sort((a, b) => costs[schema[b]!.type] - costs[schema[a]!.type]);
  for (const index of byCost) {
    const least = shares.reduce((best, share) => (share.cost < best.cost ? share : best));
    least.columns.push(index);
    least.cost += costs[schema[index]!.type];
  }
  return shares.map(({ columns }) => columns.sort((a, b) => a - b));
}

function join(
  schema: readonly SchemaColumn[],
  shares: readonly (readonly number[])[],
  scanned: readonly ScannedColumns[],
): { blocks: SnapshotBlock[]; profile: Profile } {
  const digests: (readonly Digest[])[] = [];
  const profiles: ColumnProfile[] = [];
  for (const [share, columns] of shares.entries()) {
    for (const [position, index] of columns.entries()) {
      digests[index] = scanned[share]!.digests[position]!;
      profiles[index] = scanned[share]!.profiles[position]!;
    }
  }
  const blockRows = scanned[0]!.blockRows;
  const blocks = blockRows.map((rows, block) => ({
    rows,
    digest: blockDigest(
      rows,
      schema.map((_, index) => digests[index]![block]!),
    ),
  }));
  const rowCount = blockRows.reduce((sum, rows) => sum + rows, 0);
  return { blocks, profile: { format: "slipway.profile/1", rowCount, columns: profiles } };
}

/** Like Promise.all, but settles only when all have, so that nothing still reads files that are about to go. */
async function allOrFirstError<Result>(promises: readonly Promise<Result>[]): Promise<Result[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}
