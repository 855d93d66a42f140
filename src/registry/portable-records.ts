import type { Digest } from "../kernel/index.ts";
import { change, type RegistryContext } from "./change.ts";
import type { JournalAction, JournalEntry } from "./journal.ts";
import { checkActor } from "./names.ts";
import type { CarriedVersion, JournalLine } from "./provenance.ts";
import { selectEntries } from "./queries.ts";
import type { Version } from "./version.ts";
import { findVersion } from "./version-records.ts";

const PAGE = 500;

/** What leaves and enters an installation as a whole. */
export function portableRecords(context: RegistryContext) {
  const { kysely } = context.database;
  return {
    /**
     * A version with everything that is known of it, as it goes to another installation; the same until something is done
     * with the version.
     *
     * @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION
     */
    async carriedVersion(wanted: {
      readonly model: string;
      readonly version: number;
      readonly installation: Digest;
      readonly publicKey: string;
      readonly blobs: CarriedVersion["blobs"];
    }): Promise<CarriedVersion> {
      const { model, installation, publicKey, blobs } = wanted;
      const version = await findVersion(kysely, { model, reference: wanted.version });
      const { bundle, status, dataset, snapshot, plan, recipe, metrics, gates, code } = version;
      const { run, actor, reason, registeredAt } = version;
      const journal: JournalLine[] = [];
      for (let before: number | undefined; ; ) {
        const page = await selectEntries(kysely, { model, limit: PAGE, before });
        for (const entry of page) if (isAbout(entry, version)) journal.push(lineOf(entry));
        if (page.length < PAGE) break;
        before = page.at(-1)?.sequence;
      }
      return {
        format: "slipway.model/1",
        version: { bundle, status, dataset, snapshot, plan, recipe, metrics, gates, code },
        origin: [
          ...version.origin,
          {
            ...{ installation, publicKey, model, version: version.version, run, actor, reason, registeredAt },
            journal: journal.reverse(),
          },
        ],
        blobs,
      };
    },

    /** Writes to the journal what has left or entered the installation, was let in, or was removed for its age. */
    async notePortable(noted: {
      readonly action: Extract<
        JournalAction,
        "version.exported" | "code.allowed" | "backup.written" | "backup.restored" | "log.removed"
      >;
      readonly model: string | null;
      readonly actor: string;
      readonly reason?: string | undefined;
      readonly details: JournalEntry["details"];
    }): Promise<void> {
      const { action, model, reason = null, details } = noted;
      const actor = checkActor(noted.actor);
      await change(context, ({ note }) => note({ actor, action, model, reason, details }));
    },
  };
}

/** That a version was exported is no part of what is exported: the same version gives the same file. */
function isAbout({ action, details }: JournalEntry, { version, run }: Version): boolean {
  if (action === "version.exported") return false;
  return details.version === version || (run !== null && details.run === run);
}

function lineOf({ sequence, at, actor, action, reason, details }: JournalEntry): JournalLine {
  return { sequence, at, actor, action, reason, details };
}
