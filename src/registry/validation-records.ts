import type { Digest, JsonValue } from "../kernel/index.ts";
import { change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { jsonCopy } from "./json-copy.ts";
import { checkActor } from "./names.ts";
import { selectSnapshots, selectValidations } from "./queries.ts";
import { upsertValidation } from "./store.ts";
import type { SnapshotRecord } from "./version.ts";

/** The last validation of a snapshot: a record beside it, not part of it. */
export interface Validation {
  readonly dataset: string;
  readonly digest: Digest;
  readonly errors: number;
  readonly warnings: number;
  /** What was found, in the words of the datasets. */
  readonly report: JsonValue;
  readonly actor: string;
  /** Epoch milliseconds. */
  readonly validatedAt: number;
}

export function validationRecords(context: RegistryContext) {
  return {
    /** Keeps what validation found, instead of what it found before. @throws REGISTRY_UNKNOWN_SNAPSHOT */
    async recordValidation(
      found: Omit<Validation, "report" | "validatedAt"> & { readonly report: unknown },
    ): Promise<void> {
      const { dataset, digest, errors, warnings } = found;
      const actor = checkActor(found.actor);
      await change(context, async ({ db, at, note }) => {
        const [snapshot] = await selectSnapshots(db, { dataset, prefix: digest, limit: 1 });
        if (snapshot === undefined) {
          throw registryErrors.REGISTRY_UNKNOWN_SNAPSHOT.error(
            `dataset "${dataset}" has no snapshot ${digest}`,
            { details: { dataset, snapshot: digest } },
          );
        }
        await upsertValidation(db, { ...found, actor, report: jsonCopy(found.report), validatedAt: at });
        await note({
          actor,
          action: "snapshot.validated",
          model: null,
          reason: null,
          details: { dataset, snapshot: digest, errors, warnings },
        });
      });
    },

    /** The last validation of a snapshot, if there was one. */
    async validation(dataset: string, digest: Digest): Promise<Validation | undefined> {
      const [found] = await selectValidations(context.database.kysely, { dataset, digest });
      return found;
    },

    /**
     * What a snapshot is compared with for drift: the newest one recorded before it that validation did not refuse. Of a
     * snapshot that is not recorded, the newest of all these.
     */
    async snapshotBefore(dataset: string, digest: Digest): Promise<SnapshotRecord | undefined> {
      return await context.database.read(async (db) => {
        const refused = new Set(
          (await selectValidations(db, { dataset, refused: true })).map((found) => found.digest),
        );
        const snapshots = await selectSnapshots(db, { dataset });
        const at = snapshots.findIndex((snapshot) => snapshot.digest === digest);
        return snapshots.slice(at + 1).find((snapshot) => !refused.has(snapshot.digest));
      });
    },
  };
}
