import { type Digest, parseDigest, shortDigest } from "../kernel/index.ts";
import type { Queryable } from "../storage/index.ts";
import { change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { checkActor, checkName } from "./names.ts";
import { selectRecordings, selectSnapshots, selectTags } from "./queries.ts";
import { upsertSnapshot } from "./store.ts";
import type { SnapshotRecord } from "./version.ts";

export interface NewSnapshot {
  readonly dataset: string;
  /** The snapshot's identity. */
  readonly digest: Digest;
  /** The blob that holds its manifest. */
  readonly manifestBlob: Digest;
  readonly rowCount: number;
  readonly actor: string;
  readonly reason?: string;
}

export function snapshotRecords(context: RegistryContext) {
  return {
    /**
     * Records that a dataset now reads so. The newest snapshot recorded again changes nothing; an older one becomes the
     * newest again. True when something changed.
     *
     * @throws REGISTRY_BAD_NAME, REGISTRY_BAD_RECORD
     */
    async recordSnapshot(snapshot: NewSnapshot): Promise<boolean> {
      const { digest, manifestBlob, rowCount } = snapshot;
      const dataset = checkName("dataset", snapshot.dataset);
      const actor = checkActor(snapshot.actor);
      if (!Number.isSafeInteger(rowCount) || rowCount < 0) {
        throw registryErrors.REGISTRY_BAD_RECORD.error(`a snapshot cannot have ${rowCount} rows`, {
          details: { field: "rowCount" },
        });
      }
      return await change(context, async ({ db, at, note }) => {
        const [newest] = await selectSnapshots(db, { dataset, limit: 1 });
        if (newest?.digest === digest && newest.manifestBlob === manifestBlob) return false;
        await upsertSnapshot(db, { dataset, digest, manifestBlob, rowCount, recordedAt: at, actor });
        const details = { dataset, snapshot: digest, manifest: manifestBlob, rows: rowCount };
        await note({
          actor,
          action: "snapshot.recorded",
          model: null,
          reason: snapshot.reason ?? null,
          details,
        });
        return true;
      });
    },

    /** Newest first. */
    async snapshots(dataset?: string): Promise<SnapshotRecord[]> {
      return await selectSnapshots(context.database.kysely, { dataset });
    },

    /**
     * @param reference a tag, a digest, the beginning of one, or `latest`
     * @throws REGISTRY_UNKNOWN_SNAPSHOT, REGISTRY_AMBIGUOUS
     */
    async snapshot(dataset: string, reference: string): Promise<SnapshotRecord> {
      return await findSnapshot(context.database.kysely, dataset, reference);
    },

    /**
     * The snapshot that was the newest of a dataset at a time.
     *
     * @param at epoch milliseconds
     * @throws REGISTRY_UNKNOWN_SNAPSHOT when there was none, or it has been removed since
     */
    async snapshotAsOf(dataset: string, at: number): Promise<SnapshotRecord> {
      return await context.database.read(async (db) => {
        const when = new Date(at).toISOString();
        const recorded = (await newestAt(db, at, dataset)).get(dataset);
        if (recorded === undefined) {
          throw registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.error(
            `no snapshot of dataset "${dataset}" was recorded by ${when}`,
            { details: { dataset, at: when }, hint: "`slipway data log` lists the snapshots there are." },
          );
        }
        const [found] = await selectSnapshots(db, { dataset, prefix: recorded.digest, limit: 1 });
        if (found !== undefined) return { ...found, recordedAt: recorded.recordedAt };
        throw registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.error(
          `snapshot ${shortDigest(recorded.digest)} of dataset "${dataset}", the newest at ${when}, has been removed by garbage collection`,
          { details: { dataset, snapshot: recorded.digest, at: when } },
        );
      });
    },
  };
}

/** @throws REGISTRY_UNKNOWN_SNAPSHOT, REGISTRY_AMBIGUOUS */
export async function findSnapshot(
  db: Queryable,
  dataset: string,
  reference: string,
): Promise<SnapshotRecord> {
  const [tag] = await selectTags(db, { dataset, name: reference });
  const prefix = reference === "latest" ? "" : (tag?.digest ?? reference.toLowerCase());
  const limit = reference === "latest" ? 1 : 2;
  const [found, another] = await selectSnapshots(db, { dataset, prefix, limit });
  if (found === undefined) {
    const message =
      reference === "latest"
        ? `no snapshot of dataset "${dataset}" is recorded`
        : `dataset "${dataset}" has no snapshot ${reference}`;
    throw registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.error(message, {
      details: { dataset, snapshot: reference },
      hint: "`slipway data log` lists the snapshots there are.",
    });
  }
  if (another !== undefined) {
    throw registryErrors.REGISTRY_AMBIGUOUS.error(
      `several snapshots of dataset "${dataset}" begin with ${reference || "nothing"}: give more digits`,
      { details: { dataset, snapshot: reference } },
    );
  }
  return found;
}

const PAGE = 500;

/**
 * What was the newest snapshot at a time, by dataset; the snapshots themselves may have gone since.
 *
 * @param dataset look no further than for this one
 */
export async function newestAt(
  db: Queryable,
  at: number,
  dataset?: string,
): Promise<Map<string, { digest: Digest; recordedAt: number }>> {
  const newest = new Map<string, { digest: Digest; recordedAt: number }>();
  for (let before: number | undefined; ; ) {
    const page = await selectRecordings(db, { until: at, before, limit: PAGE });
    for (const entry of page) {
      const { dataset: recorded, snapshot } = entry.details;
      if (typeof recorded !== "string" || typeof snapshot !== "string" || newest.has(recorded)) continue;
      newest.set(recorded, { digest: parseDigest(snapshot), recordedAt: entry.at });
    }
    if (page.length < PAGE || (dataset !== undefined && newest.has(dataset))) return newest;
    before = page.at(-1)?.sequence;
  }
}
