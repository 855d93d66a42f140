import { type Digest, digestOfJson, type JsonValue } from "../kernel/index.ts";

export type JournalAction =
  | "snapshot.recorded"
  | "snapshot.tagged"
  | "snapshot.untagged"
  | "snapshot.validated"
  /** Snapshots that nothing needed were forgotten by garbage collection. */
  | "snapshots.removed"
  /** Blobs that nothing referred to were deleted. */
  | "blobs.removed"
  | "run.started"
  | "run.finished"
  | "version.registered"
  /** The same bundle came out of another run, and its gates decided otherwise than before. */
  | "version.reevaluated"
  | "version.reproduced"
  /** A version was written to a file for another installation. */
  | "version.exported"
  /** Custom code of another installation may run here from now on. */
  | "code.allowed"
  /** Everything was written to a file. */
  | "log.removed"
  | "backup.written"
  /** Everything there is came from such a file. */
  | "backup.restored"
  | "alias.moved"
  | "alias.rolled-back";

/** What is to be written: who did what, to which model, and why. Details hold names, numbers and digests, no data. */
export interface JournalNote {
  readonly actor: string;
  readonly action: JournalAction;
  readonly model: string | null;
  readonly reason: string | null;
  readonly details: Readonly<Record<string, JsonValue>>;
}

/** One line of the journal. Each holds the hash of the one before, so that none can be changed or taken out unseen. */
export interface JournalEntry extends Omit<JournalNote, "action"> {
  /** 1, 2, 3, … without gaps. */
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** A `JournalAction`; a newer version may have written others. */
  readonly action: string;
  readonly previous: Digest;
  readonly hash: Digest;
}

export type JournalHead = Pick<JournalEntry, "sequence" | "hash">;

/** What the first entry follows. */
export const GENESIS: JournalHead = { sequence: 0, hash: "0".repeat(64) as Digest };

/** The entry that comes after `head`. */
export function chainEntry(head: JournalHead, note: JournalNote, at: number): JournalEntry {
  const unhashed = { ...note, sequence: head.sequence + 1, at, previous: head.hash };
  return { ...unhashed, hash: hashOf(unhashed) };
}

/** The sha256 of the entry's canonical JSON without its hash. */
function hashOf(entry: Omit<JournalEntry, "hash">): Digest {
  const { sequence, at, actor, action, model, reason, details, previous } = entry;
  return digestOfJson({ sequence, at, actor, action, model, reason, details, previous });
}

export interface JournalFault {
  /** Of the entry concerned; `null` when there is none. */
  readonly sequence: number | null;
  readonly fault: string;
}

/** Why `entry` cannot be the one that was written after `head`, or undefined. */
export function linkFault(head: JournalHead, entry: JournalEntry): JournalFault | undefined {
  const { sequence } = entry;
  if (sequence !== head.sequence + 1) {
    return { sequence, fault: `entry ${sequence} follows entry ${head.sequence}` };
  }
  if (entry.previous !== head.hash) {
    return {
      sequence,
      fault: `entry ${sequence} was written after another entry ${head.sequence} than the one there`,
    };
  }
  if (hashOf(entry) !== entry.hash) {
    return { sequence, fault: `entry ${sequence} is not what was written: its hash differs` };
  }
  return undefined;
}

/** A move of an alias, as its journal entry tells it. */
export interface AliasMove {
  readonly version: number;
  readonly rolledBack: boolean;
}

/**
 * The version that a rollback leads to, given the moves of one alias from the first to the last: what it named before
 * the current one, where moves that were rolled back count as not made.
 */
export function previousOf(moves: readonly AliasMove[]): number | undefined {
  const named: number[] = [];
  for (const { version, rolledBack } of moves) {
    const back = rolledBack ? named.lastIndexOf(version) : -1;
    if (back >= 0) named.length = back + 1;
    else named.push(version);
  }
  return named.at(-2);
}
