import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/index.ts";
import {
  chainEntry,
  GENESIS,
  type JournalEntry,
  type JournalNote,
  linkFault,
  previousOf,
} from "./journal.ts";

const text = fc.string({ unit: "grapheme" });
const note: fc.Arbitrary<JournalNote> = fc.record({
  actor: text,
  action: fc.constantFrom("version.registered", "alias.moved", "run.started"),
  model: fc.option(text),
  reason: fc.option(text),
  details: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null))),
});
const notes = fc.array(note, { minLength: 1, maxLength: 12 });

function write(written: readonly JournalNote[]): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const [index, each] of written.entries())
    entries.push(chainEntry(entries.at(-1) ?? GENESIS, each, index * 7));
  return entries;
}

function faults(entries: readonly JournalEntry[]): string[] {
  return entries.flatMap((entry, index) => linkFault(entries[index - 1] ?? GENESIS, entry)?.fault ?? []);
}

describe("a journal", () => {
  it("is whole as it was written, also after it has been through JSON", () => {
    fc.assert(
      fc.property(notes, (written) => {
        const entries = write(written);
        expect(faults(entries)).toEqual([]);
        expect(faults(JSON.parse(JSON.stringify(entries)))).toEqual([]);
        expect(entries.map(({ sequence }) => sequence)).toEqual(written.map((_, index) => index + 1));
      }),
    );
  });

  it("shows that any field of any entry was changed", () => {
    const changes: ((entry: JournalEntry) => JournalEntry)[] = [
      (entry) => ({ ...entry, actor: `${entry.actor}!` }),
      (entry) => ({ ...entry, action: "version.forgotten" }),
      (entry) => ({ ...entry, at: entry.at + 1 }),
      (entry) => ({ ...entry, model: entry.model === null ? "late" : null }),
      (entry) => ({ ...entry, reason: entry.reason === null ? "because" : null }),
      (entry) => ({ ...entry, details: { ...entry.details, more: 1 } }),
      (entry) => ({ ...entry, sequence: entry.sequence + 1 }),
      (entry) => ({ ...entry, previous: digestOf("other") }),
      (entry) => ({ ...entry, hash: digestOf("other") }),
    ];
    fc.assert(
      fc.property(notes, fc.nat(), fc.constantFrom(...changes), (written, pick, tamper) => {
        const entries = write(written);
        const index = pick % entries.length;
        const changed = entries.map((entry, i) => (i === index ? tamper(entry) : entry));
        expect(faults(changed).length).toBeGreaterThan(0);
      }),
    );
  });

  it("shows that an entry was taken out, put in or moved", () => {
    fc.assert(
      fc.property(fc.array(note, { minLength: 3, maxLength: 12 }), fc.nat(), (written, pick) => {
        const entries = write(written);
        const index = pick % (entries.length - 1);
        expect(faults(entries.toSpliced(index, 1)).length).toBeGreaterThan(0);
        const [first, second] = entries.slice(index, index + 2);
        if (first === undefined || second === undefined) throw new Error("too few entries");
        expect(faults(entries.toSpliced(index, 2, second, first)).length).toBeGreaterThan(0);
        const forged = chainEntry(
          entries[index - 1] ?? GENESIS,
          { ...first, action: "alias.moved", reason: "forged" },
          1,
        );
        expect(faults(entries.toSpliced(index, 1, forged)).length).toBeGreaterThan(0);
      }),
    );
  });

  it("keeps the hash of an entry from release to release", () => {
    const entry = chainEntry(
      GENESIS,
      {
        actor: "ann",
        action: "alias.moved",
        model: "late",
        reason: null,
        details: { alias: "champion", version: 2 },
      },
      1_700_000_000_000,
    );
    // Computed by Python's json and hashlib.
    expect(entry.hash).toBe("71d0a369d16d7dad3ebf33365d0b36e860926ac124a33bfc1fa070b4fa08298f");
  });
});

describe("the version to roll back to", () => {
  const moved = (version: number) => ({ version, rolledBack: false });
  const back = (version: number) => ({ version, rolledBack: true });

  it("is what the alias named before, further back with every rollback", () => {
    expect(previousOf([])).toBeUndefined();
    expect(previousOf([moved(1)])).toBeUndefined();
    expect(previousOf([moved(1), moved(2)])).toBe(1);
    expect(previousOf([moved(1), moved(2), moved(3)])).toBe(2);
    expect(previousOf([moved(1), moved(2), moved(3), back(2)])).toBe(1);
    expect(previousOf([moved(1), moved(2), moved(3), back(2), back(1)])).toBeUndefined();
    expect(previousOf([moved(1), moved(2), moved(3), back(2), moved(4)])).toBe(2);
    expect(previousOf([moved(1), moved(2), moved(1)])).toBe(2);
  });

  it("was named before and is another one than the current, and rolling back ends at the first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }), (versions) => {
        const moves = versions.filter((version, index) => version !== versions[index - 1]).map(moved);
        const first = moves[0]?.version;
        for (let steps = moves.length; steps > 1; steps--) {
          const previous = previousOf(moves);
          expect(previous).toBe(moves[steps - 2]?.version);
          moves.push(back(previous ?? 0));
        }
        expect(previousOf(moves)).toBeUndefined();
        expect(moves.at(-1)?.version).toBe(first);
      }),
    );
  });
});
