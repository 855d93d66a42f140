import type { Digest } from "../kernel/index.ts";
import type { Queryable } from "../storage/index.ts";
import type { RegistryContext } from "./change.ts";
import { GENESIS, type JournalEntry, type JournalFault, linkFault } from "./journal.ts";
import {
  selectAliases,
  selectEntries,
  selectEntriesAfter,
  selectGeneration,
  selectVersionKeys,
} from "./queries.ts";

const PAGE = 1000;

export interface JournalVerdict {
  readonly entries: number;
  /** Hash of the last entry: whoever has noted it elsewhere sees whether the journal's end was cut off. */
  readonly head: Digest;
  /** Empty when the journal is whole and the registry is what it tells. */
  readonly faults: readonly JournalFault[];
}

export function journalRecords(context: RegistryContext) {
  return {
    /** Newest first. */
    async journal(
      filter: {
        readonly model?: string | undefined;
        readonly limit?: number;
        readonly before?: number | undefined;
      } = {},
    ): Promise<JournalEntry[]> {
      return await selectEntries(context.database.kysely, { ...filter, limit: filter.limit ?? 100 });
    },

    /**
     * Checks that the journal is the unbroken chain that was written, and that versions, aliases and the routing
     * generation are what it tells.
     */
    async verifyJournal(): Promise<JournalVerdict> {
      return await context.database.read(async (db) => {
        const faults: JournalFault[] = [];
        const told = createTold();
        let head = GENESIS;
        for (;;) {
          const page = await selectEntriesAfter(db, { sequence: head.sequence, limit: PAGE });
          for (const entry of page) {
            const fault = linkFault(head, entry);
            if (fault !== undefined) faults.push(fault);
            head = entry;
            retell(told, entry);
          }
          if (page.length < PAGE) break;
        }
        faults.push(...(await compareWithTables(db, told)));
        return { entries: head.sequence, head: head.hash, faults };
      });
    },
  };
}

/** The registry as the journal tells it. */
interface Told {
  readonly versions: Map<string, string>;
  readonly aliases: Map<string, number>;
  generation: number;
}

function createTold(): Told {
  return { versions: new Map(), aliases: new Map(), generation: 0 };
}

function retell(told: Told, entry: JournalEntry): void {
  const { action, model, details } = entry;
  switch (action) {
    case "version.registered":
    case "version.reevaluated":
      told.versions.set(`${model}@v${details.version}`, `${details.bundle} ${details.status}`);
      break;
    case "alias.moved":
    case "alias.rolled-back":
      told.aliases.set(`${model}@${details.alias}`, Number(details.version));
      told.generation = Number(details.generation);
      break;
    default:
  }
}

async function compareWithTables(db: Queryable, told: Told): Promise<JournalFault[]> {
  const versions = new Map<string, string>();
  for (const { model, version, bundle, status } of await selectVersionKeys(db)) {
    versions.set(`${model}@v${version}`, `${bundle} ${status}`);
  }
  const aliases = new Map<string, number>();
  for (const { model, name, version } of await selectAliases(db)) aliases.set(`${model}@${name}`, version);
  const faults = [
    ...differences("version", told.versions, versions),
    ...differences("alias", told.aliases, aliases),
  ];
  const generation = await selectGeneration(db);
  if (generation !== told.generation) {
    faults.push(`the routing generation is ${generation} and the journal tells of ${told.generation}`);
  }
  return faults.map((fault) => ({ sequence: null, fault }));
}

function differences<Value>(what: string, told: Map<string, Value>, found: Map<string, Value>): string[] {
  const faults: string[] = [];
  for (const [key, value] of found) {
    if (!told.has(key)) faults.push(`${what} ${key} is registered and the journal does not tell of it`);
    else if (told.get(key) !== value) faults.push(`${what} ${key} is another one than the journal tells of`);
  }
  for (const key of told.keys()) {
    if (!found.has(key)) faults.push(`${what} ${key} is in the journal and not registered`);
  }
  return faults;
}
