import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../src/kernel/index.ts";
import { createRegistry } from "../../src/registry/index.ts";
import {
  type Database,
  dumpDatabase,
  isDatabaseEmpty,
  openDatabase,
  restoreDatabase,
} from "../../src/storage/index.ts";
import { SCHEMA_VERSION } from "../../src/storage/migrations.ts";
import { type DatabaseKind, type DatabasePlace, databaseKinds } from "../databases.ts";

const kinds = await databaseKinds();
const pairs = kinds.flatMap((from) =>
  kinds.map((to) => ({ from, to, name: `from ${from.name} to ${to.name}` })),
);
const clock = (): number => 1_700_000_000_000;
const actor = "zoë ✈";

let directory: string;
const places: DatabasePlace[] = [];
const databases: Database[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-dump-"));
});

afterEach(async () => {
  for (const database of databases.splice(0)) await database.close();
  for (const place of places.splice(0)) await place.remove();
  rmSync(directory, { recursive: true, force: true });
});

async function create(kind: DatabaseKind): Promise<Database> {
  const place = await kind.create();
  places.push(place);
  const database = await openDatabase(place.target);
  databases.push(database);
  return database;
}

/** Something in every table, and more lines of the journal than are read at once. */
async function fill(database: Database): Promise<void> {
  const registry = createRegistry(database, { clock });
  const digest = digestOf("rows");
  await registry.recordSnapshot({
    ...{ dataset: "flights", digest, manifestBlob: digestOf("manifest"), rowCount: 3, actor },
  });
  await registry.tagSnapshot({ dataset: "flights", snapshot: "latest", name: "gold", actor });
  await registry.startRun({ id: "run_1", model: "late", actor, details: { text: "a\u{1f600}'\"\\\n" } });
  for (let version = 1; version <= 20; version++) {
    await registry.registerVersion({
      ...{ model: "late", bundle: digestOf(`bundle ${version}`), status: "accepted", run: "run_1", actor },
      ...{ dataset: "flights", snapshot: digest, plan: null, recipe: {}, metrics: {}, gates: [], code: {} },
    });
  }
  for (let move = 0; move < 12; move++)
    await registry.setAlias({ model: "late", alias: "champion", version: (move % 20) + 1, actor });
  await registry.recordReproduction({ model: "late", version: 1, verdict: "identical", actor });
}

async function dumpOf(database: Database, name: string): Promise<{ path: string; text: string }> {
  const path = join(directory, name);
  await dumpDatabase(database, { path, pageRows: 7 });
  return { path, text: readFileSync(path, "utf8") };
}

describe.each(pairs)("the rows of a database, $name", ({ from, to }) => {
  it("are the same after they were restored, and so is everything that is read from them", async () => {
    const source = await create(from);
    const target = await create(to);
    await fill(source);
    expect([await isDatabaseEmpty(source), await isDatabaseEmpty(target)]).toEqual([false, true]);
    const dump = await dumpOf(source, "dump");
    expect(dump.text.split("\n").length).toBeGreaterThan(10);
    await restoreDatabase(target, { path: dump.path, clock });
    expect((await dumpOf(target, "again")).text).toBe(dump.text);

    const [before, after] = [source, target].map((database) => createRegistry(database, { clock }));
    expect(await after!.versions("late")).toEqual(await before!.versions("late"));
    expect(await after!.routing()).toEqual(await before!.routing());
    expect(await after!.verifyJournal()).toEqual({ ...(await before!.verifyJournal()), faults: [] });
    await after!.setAlias({ model: "late", alias: "champion", version: 7, actor });
    expect((await after!.verifyJournal()).faults).toEqual([]);
  });
});

describe.each(kinds)("a dump into $name", (kind) => {
  it("takes the place of what was there", async () => {
    const [source, target] = [await create(kind), await create(kind)];
    await fill(target);
    const { path, text } = await dumpOf(source, "empty");
    await restoreDatabase(target, { path, clock });
    expect((await dumpOf(target, "again")).text).toBe(text);
    expect(await isDatabaseEmpty(target)).toBe(true);
  });

  it("of an older version is brought up to this one", async () => {
    const target = await create(kind);
    const path = join(directory, "old");
    const row = '{"name":"late","created_at":5}';
    writeFileSync(path, `{"schema":1}\n{"table":"models","rows":[${row}]}\n`);
    expect(await restoreDatabase(target, { path, clock })).toBe(1);
    const registry = createRegistry(target, { clock });
    await fill(target);
    expect((await registry.versions("late")).length).toBe(20);
    const { rows } = await sql<{
      version: number;
    }>`select max(version) as version from slipway_migrations`.execute(target.kysely);
    expect(rows[0]?.version).toBe(SCHEMA_VERSION);
  });

  it("of a newer version, or that is none, is refused and changes nothing", async () => {
    const target = await create(kind);
    await fill(target);
    const { text } = await dumpOf(target, "before");
    const path = join(directory, "bad");
    for (const [bad, code] of [
      [`{"schema":${SCHEMA_VERSION + 1}}\n`, "STORAGE_DATABASE_NEWER"],
      ["", "STORAGE_ARCHIVE_DAMAGED"],
      ['{"table":"models","rows":[]}\n', "STORAGE_ARCHIVE_DAMAGED"],
      ['{"schema":1}\n{"table":"mod', "STORAGE_ARCHIVE_DAMAGED"],
    ] as const) {
      writeFileSync(path, bad);
      await expect(restoreDatabase(target, { path, clock })).rejects.toMatchObject({ code });
      expect((await dumpOf(target, `after ${bad.length}`)).text).toBe(text);
    }
  });
});
