import type { Digest } from "../kernel/index.ts";
import { change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { checkActor, checkName, checkTag } from "./names.ts";
import { selectTags } from "./queries.ts";
import { findSnapshot } from "./snapshot-records.ts";
import { deleteTag, upsertTag } from "./store.ts";
import type { SnapshotTag } from "./version.ts";

export interface TagChange {
  readonly dataset: string;
  readonly name: string;
  readonly actor: string;
  readonly reason?: string | undefined;
}

export function tagRecords(context: RegistryContext) {
  return {
    /**
     * Makes a tag name a snapshot, whatever it named before.
     *
     * @param wanted `snapshot`: a digest, the beginning of one, another tag or `latest`
     * @returns what the tag named before, or null
     * @throws REGISTRY_UNKNOWN_SNAPSHOT, REGISTRY_AMBIGUOUS, REGISTRY_BAD_NAME
     */
    async tagSnapshot(
      wanted: TagChange & { readonly snapshot: string },
    ): Promise<SnapshotTag & { readonly previous: Digest | null }> {
      const dataset = checkName("dataset", wanted.dataset);
      const name = checkTag(wanted.name);
      const actor = checkActor(wanted.actor);
      return await change(context, async ({ db, at, note }) => {
        const { digest } = await findSnapshot(db, dataset, wanted.snapshot);
        const [before] = await selectTags(db, { dataset, name });
        const previous = before?.digest ?? null;
        if (before?.digest === digest) return { ...before, previous };
        const tag: SnapshotTag = { dataset, name, digest, actor, changedAt: at };
        await upsertTag(db, tag);
        await note({
          actor,
          action: "snapshot.tagged",
          model: null,
          reason: wanted.reason ?? null,
          details: { dataset, tag: name, snapshot: digest, previous },
        });
        return { ...tag, previous };
      });
    },

    /** Takes a tag away; the snapshot stays. @throws REGISTRY_UNKNOWN_TAG */
    async untagSnapshot({ dataset, name, actor, reason }: TagChange): Promise<SnapshotTag> {
      checkActor(actor);
      return await change(context, async ({ db, note }) => {
        const [tag] = await selectTags(db, { dataset, name });
        if (tag === undefined) {
          throw registryErrors.REGISTRY_UNKNOWN_TAG.error(`dataset "${dataset}" has no tag "${name}"`, {
            details: { dataset, tag: name },
            hint: "`slipway data log` lists snapshots and their tags.",
          });
        }
        await deleteTag(db, tag);
        await note({
          actor,
          action: "snapshot.untagged",
          model: null,
          reason: reason ?? null,
          details: { dataset, tag: name, snapshot: tag.digest },
        });
        return tag;
      });
    },

    /** By name. */
    async snapshotTags(dataset?: string): Promise<SnapshotTag[]> {
      return await selectTags(context.database.kysely, { dataset });
    },
  };
}
