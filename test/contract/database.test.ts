import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Database,
  openDatabase,
  type Queryable,
  type WriteTransaction,
} from "../../src/storage/index.ts";
import { type DatabasePlace, databaseKinds, onPostgres } from "../databases.ts";
import { mountTinyDisk } from "../tiny-disk.ts";

const kinds = await databaseKinds();

const addModel = (db: Queryable, name: string, at = 1) =>
  db.insertInto("models").values({ name, created_at: at }).execute();
const modelNames = async (db: Queryable) =>
  (await db.selectFrom("models").select("name").execute()).map(({ name }) => name);

describe.each(kinds)("a database on $name", (kind) => {
  let place: DatabasePlace;
  let database: Database;
  const opened: Database[] = [];

  const open = async (): Promise<Database> => {
    const another = await openDatabase(place.target);
    opened.push(another);
    return another;
  };

  beforeEach(async () => {
    place = await kind.create();
    database = await open();
  });

  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await place.remove();
  });

  it("keeps what was written for those who open it later", async () => {
    await database.write((transaction) => addModel(transaction, "late"));
    await database.close();
    opened.length = 0;
    expect(await modelNames((await open()).kysely)).toEqual(["late"]);
  });

  it("gives back numbers as numbers and texts as they were, up to the largest and strangest", async () => {
    const name = "naïve ✈ 'quoted\"; drop table models; -- %_\\ \n\u{1f600}";
    await database.write((transaction) => addModel(transaction, name, Number.MAX_SAFE_INTEGER));
    const [row] = await database.kysely.selectFrom("models").selectAll().execute();
    expect(row).toEqual({ name, created_at: Number.MAX_SAFE_INTEGER });
    const counted = await database.kysely
      .selectFrom("models")
      .select((select) => [select.fn.countAll<number>().as("count"), select.fn.max("created_at").as("max")])
      .executeTakeFirst();
    expect(counted).toEqual({ count: 1, max: Number.MAX_SAFE_INTEGER });
  });

  it("refuses texts that it could not give back", async () => {
    for (const name of ["nul \0 inside", "half a pair \ud800"]) {
      await expect(database.write((transaction) => addModel(transaction, name))).rejects.toMatchObject({
        code: "STORAGE_BAD_TEXT",
      });
      await expect(
        database.kysely.selectFrom("models").where("name", "=", name).select("name").execute(),
      ).rejects.toMatchObject({ code: "STORAGE_BAD_TEXT" });
    }
    expect(await modelNames(database.kysely)).toEqual([]);
  });

  it("keeps nothing of a transaction that throws, and works on", async () => {
    const failing = database.write(async (transaction) => {
      await addModel(transaction, "half");
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    const refused = database.write(async (transaction) => {
      await addModel(transaction, "one");
      await addModel(transaction, "one");
    });
    await expect(refused).rejects.toThrow(/unique/i);
    expect(await modelNames(database.kysely)).toEqual([]);
    await database.write((transaction) => addModel(transaction, "whole"));
    expect(await modelNames(database.kysely)).toEqual(["whole"]);
  });

  it("refuses rows that refer to nothing", async () => {
    const dangling = database.kysely
      .insertInto("aliases")
      .values({ model: "none", name: "champion", version: 1, actor: "test", changed_at: 1 })
      .execute();
    await expect(dangling).rejects.toThrow(/foreign key/i);
  });

  it("lets writers of several connections take turns, so that none writes on what it has not seen", async () => {
    const databases = [database, await open(), await open(), await open()];
    await database.write((transaction) => addModel(transaction, "counter", 0));
    const addOne = async (transaction: WriteTransaction) => {
      const { generation } = await transaction
        .selectFrom("routing")
        .select((select) => select.fn.coalesce(select.fn.max("generation"), sql<number>`0`).as("generation"))
        .executeTakeFirstOrThrow();
      await new Promise((resolve) => setTimeout(resolve, 1));
      const id = generation + 1;
      await transaction.insertInto("routing").values({ id, generation: id, changed_at: 1 }).execute();
    };
    await Promise.all(databases.flatMap((each) => Array.from({ length: 5 }, () => each.write(addOne))));
    const rows = await database.kysely.selectFrom("routing").select("generation").orderBy("id").execute();
    expect(rows.map(({ generation }) => generation)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  it("gives up waiting for another writer after a while, and leaves the event loop free meanwhile", async () => {
    const patient = await openDatabase(place.target, { busyMs: 150 });
    try {
      let turns = 0;
      const ticking = setInterval(() => turns++, 5);
      await database.write(async (transaction) => {
        await addModel(transaction, "first");
        await expect(patient.write((second) => addModel(second, "second"))).rejects.toMatchObject({
          code: "STORAGE_DATABASE_BUSY",
          kind: "unavailable",
          retryable: true,
          message: expect.stringContaining(database.location),
        });
      });
      clearInterval(ticking);
      expect(turns).toBeGreaterThan(3);
      await patient.write((second) => addModel(second, "second"));
      expect((await modelNames(patient.kysely)).sort()).toEqual(["first", "second"]);
    } finally {
      await patient.close();
    }
  });

  it("shows a reader one state, whatever is written meanwhile", async () => {
    const writer = await open();
    await database.read(async (transaction) => {
      expect(await modelNames(transaction)).toEqual([]);
      await writer.write((open) => addModel(open, "meanwhile"));
      expect(await modelNames(transaction)).toEqual([]);
    });
    expect(await modelNames(database.kysely)).toEqual(["meanwhile"]);
  });

  it("is migrated once when many open it at the same time", async () => {
    const fresh = await kind.create();
    const many = await Promise.all(Array.from({ length: 6 }, () => openDatabase(fresh.target)));
    try {
      const rows = await many[0]?.kysely
        .selectFrom("slipway_migrations")
        .select(["version", "name"])
        .orderBy("version")
        .execute();
      expect(rows).toEqual([
        { version: 1, name: "registry" },
        { version: 2, name: "snapshot tags" },
        { version: 3, name: "version origins" },
        { version: 4, name: "snapshot validations" },
      ]);
    } finally {
      for (const each of many) await each.close();
      await fresh.remove();
    }
  });

  it("is not opened when a newer version has migrated it", async () => {
    await database.kysely
      .insertInto("slipway_migrations")
      .values({ version: 99, name: "of the future", applied_at: 1 })
      .execute();
    await expect(openDatabase(place.target)).rejects.toMatchObject({
      code: "STORAGE_DATABASE_NEWER",
      kind: "unsupported",
      message: expect.stringContaining(database.location),
      details: { version: 99, known: 4 },
    });
  });
});

describe("a SQLite file", () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "slipway-sqlite-"));
    path = join(directory, "deep", "slipway.db");
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("is durable: write-ahead log, one fsync a commit, foreign keys on", async () => {
    const database = await openDatabase({ sqlitePath: path });
    const pragma = async (name: string) => (await sql.raw(`pragma ${name}`).execute(database.kysely)).rows;
    expect(await pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(await pragma("synchronous")).toEqual([{ synchronous: 2 }]);
    expect(await pragma("foreign_keys")).toEqual([{ foreign_keys: 1 }]);
    await database.close();
  });

  it("that is none is named", async () => {
    const garbage = join(directory, "garbage.db");
    writeFileSync(garbage, "this is not a database, although it is long enough to be one ".repeat(100));
    await expect(openDatabase({ sqlitePath: garbage })).rejects.toMatchObject({
      code: "STORAGE_DATABASE_DAMAGED",
      message: expect.stringContaining(garbage),
    });
    expect(readFileSync(garbage, "utf8")).toMatch(/^this is not a database/);
  });

  it("that was truncated is named when it is opened", async () => {
    const database = await openDatabase({ sqlitePath: path });
    await database.write((transaction) => addModel(transaction, "late"));
    await database.close();
    truncateSync(path, 3 * 4096);
    await expect(openDatabase({ sqlitePath: path })).rejects.toMatchObject({
      code: "STORAGE_DATABASE_DAMAGED",
      message: expect.stringContaining(path),
    });
  });

  it("that is a folder, or lies under a file, is named", async () => {
    await expect(openDatabase({ sqlitePath: directory })).rejects.toMatchObject({
      code: "STORAGE_DATABASE_UNREACHABLE",
      message: expect.stringContaining(directory),
    });
    writeFileSync(join(directory, "file"), "");
    await expect(openDatabase({ sqlitePath: join(directory, "file", "slipway.db") })).rejects.toMatchObject({
      code: "STORAGE_IO",
    });
  });

  it("says so when it is used after it was closed", async () => {
    const database = await openDatabase({ sqlitePath: path });
    await database.close();
    await expect(modelNames(database.kysely)).rejects.toThrow(/closed|destroyed/);
  });

  it("keeps its rows on a full disk, and takes new ones when there is room", async ({ skip }) => {
    const disk = mountTinyDisk(1024);
    if (disk === undefined) return skip("no tiny disk");
    try {
      const database = await openDatabase({ sqlitePath: join(disk.path, "slipway.db") });
      const ballast = join(disk.path, "ballast");
      expect(() => writeFileSync(ballast, Buffer.alloc(2_000_000))).toThrow("ENOSPC");
      const written: string[] = [];
      const fill = async () => {
        for (let i = 0; i < 200; i++) {
          const name = `${i} ${"x".repeat(5000)}`;
          await database.write((transaction) => addModel(transaction, name));
          written.push(name);
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: "STORAGE_DISK_FULL", kind: "exhausted" });
      expect(await modelNames(database.kysely)).toEqual(written);
      rmSync(ballast);
      await database.write((transaction) => addModel(transaction, "after"));
      await database.close();
      const again = await openDatabase({ sqlitePath: join(disk.path, "slipway.db") });
      expect((await modelNames(again.kysely)).sort()).toEqual([...written, "after"].sort());
      await again.close();
    } finally {
      disk.unmount();
    }
  });
});

describe("a PostgreSQL URL", () => {
  it("whose server does not answer is named without its password", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const opening = openDatabase({ postgresUrl: `postgresql://ann:s3cret@127.0.0.1:${port}/models` });
    await expect(opening).rejects.toMatchObject({
      code: "STORAGE_DATABASE_UNREACHABLE",
      kind: "unavailable",
      retryable: true,
      message: expect.stringContaining(`127.0.0.1:${port}/models`),
    });
    const thrown: unknown = await opening.catch((error: unknown) => error);
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain("s3cret");
  });

  it("that is none is refused without repeating it", async () => {
    for (const postgresUrl of [
      "mysql://ann:s3cret@host/db",
      "postgresql://ann:s3cret@:bad:/",
      "s3cret",
      "",
    ]) {
      const thrown: unknown = await openDatabase({ postgresUrl }).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "STORAGE_DATABASE_URL", kind: "invalid" });
      expect(JSON.stringify(thrown) + String(thrown)).not.toContain("s3cret");
    }
  });

  it("may not name a schema that is more than a name", async () => {
    const opening = openDatabase({
      postgresUrl: "postgresql://127.0.0.1/x",
      schema: "a; drop schema public",
    });
    await expect(opening).rejects.toMatchObject({ code: "STORAGE_BAD_NAME" });
  });
});

describe.runIf(kinds.some(({ name }) => name === "PostgreSQL"))("a PostgreSQL server", () => {
  const kind = kinds.find(({ name }) => name === "PostgreSQL");

  it("that ends our connections costs the statement in hand, not the process", async () => {
    const place = await kind?.create();
    if (place === undefined || !("postgresUrl" in place.target)) throw new Error("no PostgreSQL");
    const database = await openDatabase(place.target);
    try {
      const { pid } =
        (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.kysely)).rows[0] ?? {};
      const broken = database.write(async (transaction) => {
        await addModel(transaction, "lost");
        const own = (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction)).rows[0]
          ?.pid;
        await onPostgres(`select pg_terminate_backend(${own})`);
        await addModel(transaction, "lost too");
      });
      await expect(broken).rejects.toMatchObject({
        code: "STORAGE_DATABASE_UNREACHABLE",
        message: expect.stringContaining(database.location),
      });
      await onPostgres(`select pg_terminate_backend(${pid})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await modelNames(database.kysely)).toEqual([]);
    } finally {
      await database.close();
      await place.remove();
    }
  });

  it("without the database that is named says which", async () => {
    const place = await kind?.create();
    if (place === undefined || !("postgresUrl" in place.target)) throw new Error("no PostgreSQL");
    const url = new URL(place.target.postgresUrl);
    url.pathname = "/no_such_database";
    await expect(openDatabase({ postgresUrl: url.href })).rejects.toMatchObject({
      code: "STORAGE_DATABASE_UNREACHABLE",
      message: expect.stringMatching(/no_such_database" does not exist/),
    });
  });
});
