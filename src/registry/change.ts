import type { Clock } from "../kernel/index.ts";
import type { Database, WriteTransaction } from "../storage/index.ts";
import { chainEntry, type JournalNote } from "./journal.ts";
import { journalHead } from "./queries.ts";
import { insertEntry } from "./store.ts";

/** What every part of the registry works with. */
export interface RegistryContext {
  readonly database: Database;
  readonly clock: Clock;
}

/** A write transaction that keeps the journal: what it changes and what it notes are kept together or not at all. */
export interface Change {
  readonly db: WriteTransaction;
  /** Epoch milliseconds: one time for everything in the change. */
  readonly at: number;
  note(entry: JournalNote): Promise<void>;
}

export async function change<Result>(
  context: RegistryContext,
  work: (change: Change) => Promise<Result>,
): Promise<Result> {
  return await context.database.write(async (db) => {
    const at = context.clock();
    const note = async (entry: JournalNote) => {
      await insertEntry(db, chainEntry(await journalHead(db), entry, at));
    };
    return await work({ db, at, note });
  });
}
