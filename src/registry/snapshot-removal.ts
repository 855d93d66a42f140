import type { Queryable } from "../storage/index.ts";
import { change, type RegistryContext } from "./change.ts";
import { checkActor } from "./names.ts";
import { selectSnapshots, selectTags, selectVersionSnapshots } from "./queries.ts";
import { newestAt } from "./snapshot-records.ts";
import { deleteSnapshot } from "./store.ts";
import type { SnapshotRecord } from "./version.ts";

export interface UnusedSnapshots {
  readonly unused: readonly SnapshotRecord[];
  readonly kept: readonly SnapshotRecord[];
}

export function snapshotRemoval(context: RegistryContext) {
  return {
    /**
     * Which snapshots nothing needs: neither the newest of their dataset now or at any time since `since`, nor tagged,
     * nor what a version was built from.
     *
     * @param since epoch milliseconds
     */
    async unusedSnapshots(since: number): Promise<UnusedSnapshots> {
      return await context.database.read((db) => divide(db, since));
    },

    /** Forgets the unused snapshots; their rows lie in blobs until those are collected. */
    async removeUnusedSnapshots(wanted: {
      readonly since: number;
      readonly actor: string;
    }): Promise<UnusedSnapshots> {
      const actor = checkActor(wanted.actor);
      return await change(context, async ({ db, note }) => {
        const divided = await divide(db, wanted.since);
        for (const snapshot of divided.unused) await deleteSnapshot(db, snapshot);
        if (divided.unused.length > 0) {
          const snapshots = divided.unused.map(({ dataset, digest }) => `${dataset}@${digest}`);
          await note({
            actor,
            action: "snapshots.removed",
            model: null,
            reason: null,
            details: { snapshots },
          });
        }
        return divided;
      });
    },

    /** Writes to the journal that blobs were deleted. */
    async noteRemovedBlobs(removed: {
      readonly blobs: number;
      readonly bytes: number;
      readonly actor: string;
    }): Promise<void> {
      const { actor, ...details } = removed;
      await change(context, ({ note }) =>
        note({ actor: checkActor(actor), action: "blobs.removed", model: null, reason: null, details }),
      );
    },
  };
}

async function divide(db: Queryable, since: number): Promise<UnusedSnapshots> {
  const key = (dataset: string | null, digest: string | null): string => `${dataset}@${digest}`;
  const snapshots = await selectSnapshots(db, {});
  const needed = new Set<string>();
  const seen = new Set<string>();
  for (const { dataset, digest, recordedAt } of snapshots) {
    // They come newest first.
    if (recordedAt >= since || !seen.has(dataset)) needed.add(key(dataset, digest));
    seen.add(dataset);
  }
  for (const [dataset, { digest }] of await newestAt(db, since)) needed.add(key(dataset, digest));
  for (const { dataset, digest } of await selectTags(db)) needed.add(key(dataset, digest));
  for (const { dataset, snapshot } of await selectVersionSnapshots(db)) needed.add(key(dataset, snapshot));
  const isNeeded = ({ dataset, digest }: SnapshotRecord): boolean => needed.has(key(dataset, digest));
  return {
    unused: snapshots.filter((snapshot) => !isNeeded(snapshot)),
    kept: snapshots.filter(isNeeded),
  };
}
