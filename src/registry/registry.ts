import type { Clock } from "../kernel/index.ts";
import type { Database } from "../storage/index.ts";
import { aliasRecords } from "./alias-records.ts";
import type { RegistryContext } from "./change.ts";
import { journalRecords } from "./journal-records.ts";
import { portableRecords } from "./portable-records.ts";
import { registrations } from "./registration.ts";
import { runRecords } from "./run-records.ts";
import { snapshotRecords } from "./snapshot-records.ts";
import { snapshotRemoval } from "./snapshot-removal.ts";
import { tagRecords } from "./tag-records.ts";
import { validationRecords } from "./validation-records.ts";
import { versionRecords } from "./version-records.ts";

/**
 * The record of what there is: snapshots, runs, versions, aliases, and the journal of every change to them. Each change
 * and its journal entry are one durable transaction; several processes may use one database.
 */
export function createRegistry(database: Database, { clock }: { readonly clock: Clock }) {
  const context: RegistryContext = { database, clock };
  return {
    ...snapshotRecords(context),
    ...tagRecords(context),
    ...snapshotRemoval(context),
    ...validationRecords(context),
    ...runRecords(context),
    ...versionRecords(context),
    ...registrations(context),
    ...aliasRecords(context),
    ...journalRecords(context),
    ...portableRecords(context),
  };
}

export type Registry = ReturnType<typeof createRegistry>;
