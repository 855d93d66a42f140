import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type Kysely, sql } from "kysely";
import type { Clock } from "../kernel/index.ts";
import type { Database, Queryable, WriteTransaction } from "./database.ts";
import type { DatabaseSchema } from "./database-schema.ts";
import { storageErrors } from "./errors.ts";
import { fileError } from "./file-errors.ts";
import { migrate, SCHEMA_VERSION } from "./migrations.ts";

/**
 * The rows of a database as lines of JSON, the same from SQLite and from PostgreSQL: first `{"schema": n}`, the version of
 * the tables, then pages `{"table", "rows"}`, tables in an order in which rows refer only to rows before them.
 */
const TABLES = {
  journal: ["sequence"],
  snapshots: ["dataset", "digest"],
  snapshot_tags: ["dataset", "name"],
  snapshot_validations: ["dataset", "digest"],
  runs: ["id"],
  models: ["name"],
  versions: ["model", "version"],
  aliases: ["model", "name"],
  reproductions: ["sequence"],
  routing: ["id"],
} as const satisfies {
  readonly [Table in Exclude<
    keyof DatabaseSchema,
    "slipway_migrations"
  >]: readonly (keyof DatabaseSchema[Table])[];
};

const PAGE_ROWS = 500;
/** SQLite takes at most 32,766 parameters, PostgreSQL 65,535. */
const MOST_PARAMETERS = 30_000;

type Row = Readonly<Record<string, string | number | null>>;

/** Where rows of every table are, whatever it is called: the tables of an older version are known by name alone. */
type AnyTable = Kysely<Record<string, Record<string, string | number | null>>>;

/**
 * Writes every row to a new file, as of one moment, while others go on writing to the database.
 *
 * @returns the number of rows
 * @throws STORAGE_IO, STORAGE_DISK_FULL and the errors of the database
 */
export async function dumpDatabase(
  database: Database,
  { path, pageRows = PAGE_ROWS }: { readonly path: string; readonly pageRows?: number },
): Promise<number> {
  let count = 0;
  const file = await open(path, "wx", 0o600).catch((thrown: unknown) => {
    throw fileError(thrown, "create", path);
  });
  const writeLine = async (line: unknown): Promise<void> => {
    await file.appendFile(`${JSON.stringify(line)}\n`).catch((thrown: unknown) => {
      throw fileError(thrown, "write", path);
    });
  };
  try {
    await database.read(async (db) => {
      await writeLine({ schema: SCHEMA_VERSION });
      for (const [table, key] of Object.entries(TABLES)) {
        for await (const rows of pagesOf(db, { table, key, pageRows })) {
          count += rows.length;
          await writeLine({ table, rows });
        }
      }
    });
  } finally {
    await file.close();
  }
  return count;
}

async function* pagesOf(
  db: Queryable,
  { table, key, pageRows }: { table: string; key: readonly string[]; pageRows: number },
): AsyncGenerator<Row[], void, undefined> {
  const from = (db as unknown as AnyTable).selectFrom(table).selectAll();
  const columns = sql.join(key.map((name) => sql.ref(name)));
  for (let last: Row | undefined; ; ) {
    let query = from.limit(pageRows);
    for (const column of key) query = query.orderBy(column);
    if (last !== undefined) {
      const reached = last;
      query = query.where(sql<boolean>`(${columns}) > (${sql.join(key.map((name) => reached[name]))})`);
    }
    const rows: Row[] = await query.execute();
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    last = rows.at(-1);
  }
}

/** Whether no table has a row. */
export async function isDatabaseEmpty(database: Database): Promise<boolean> {
  return await database.read(async (db) => {
    for (const table of Object.keys(TABLES)) {
      const found = await (db as unknown as AnyTable).selectFrom(table).selectAll().limit(1).execute();
      if (found.length > 0) return false;
    }
    return true;
  });
}

/**
 * Makes a database hold what a dump holds and nothing else, in one transaction: rows of an older version are brought up to
 * this one as its own were.
 *
 * @returns the number of rows
 * @throws STORAGE_DATABASE_NEWER when the dump is a newer version's, STORAGE_ARCHIVE_DAMAGED when it is none
 */
export async function restoreDatabase(
  database: Database,
  { path, clock }: { readonly path: string; readonly clock: Clock },
): Promise<number> {
  return await database.write(async (db) => {
    let count = 0;
    let begun = false;
    const migration = { clock, location: database.location };
    for await (const line of createInterface({
      input: createReadStream(path, "utf8"),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const parsed = parseLine(line, path);
      if (!begun) {
        const version = parsed.schema;
        if (version === undefined) throw damagedDump(path);
        begun = true;
        await dropTables(db);
        await migrate(db, { ...migration, until: version });
      } else {
        if (parsed.table === undefined) throw damagedDump(path);
        await insertRows(db, parsed.table, parsed.rows ?? []);
        count += parsed.rows?.length ?? 0;
      }
    }
    if (!begun) throw damagedDump(path);
    await migrate(db, migration);
    return count;
  });
}

interface DumpLine {
  readonly schema?: number;
  readonly table?: string;
  readonly rows?: readonly Row[];
}

function parseLine(line: string, path: string): DumpLine {
  try {
    return JSON.parse(line) as DumpLine;
  } catch {
    throw damagedDump(path);
  }
}

function damagedDump(path: string): Error {
  return storageErrors.STORAGE_ARCHIVE_DAMAGED.error(`${path} does not hold the rows of a database`, {
    details: { path },
  });
}

async function dropTables(db: WriteTransaction): Promise<void> {
  for (const table of [...Object.keys(TABLES).reverse(), "slipway_migrations"])
    await db.schema.dropTable(table).ifExists().execute();
}

async function insertRows(db: WriteTransaction, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).length;
  if (columns === 0) return;
  const atOnce = Math.max(1, Math.floor(MOST_PARAMETERS / columns));
  for (let start = 0; start < rows.length; start += atOnce) {
    await (db as unknown as AnyTable)
      .insertInto(table)
      .values(rows.slice(start, start + atOnce))
      .execute();
  }
}
