import { Kysely, sql } from "kysely";
import type { Database, DatabaseOptions, DatabaseTarget } from "./database.ts";
import type { DatabaseSchema } from "./database-schema.ts";
import { migrate } from "./migrations.ts";
import type { PostgresTarget } from "./postgres-dialect.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";

/** `SLIP` in hexadecimal: the first half of the key of our advisory locks; the second is made of the schema's name. */
const LOCK_CLASS = 0x534c4950;

/** A write transaction that sends nothing for so long belongs to a process that has stopped. */
const STOPPED_MS = 60_000;

/** Opens and migrates. @throws as `openDatabase` */
export async function connect(target: DatabaseTarget, options: Required<DatabaseOptions>): Promise<Database> {
  const { clock, busyMs } = options;
  const database =
    "sqlitePath" in target ? openSqlite(target.sqlitePath, busyMs) : await openPostgres(target, busyMs);
  try {
    if ("postgresUrl" in target && target.schema !== undefined) await createSchema(database, target.schema);
    await database.write((transaction) => migrate(transaction, { clock, location: database.location }));
    return database;
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
}

function openSqlite(path: string, busyMs: number): Database {
  const kysely = new Kysely<DatabaseSchema>({ dialect: sqliteDialect(path, busyMs) });
  return {
    dialect: "sqlite",
    location: path,
    kysely,
    write: (change) => kysely.transaction().execute(change),
    read: (look) => kysely.transaction().setAccessMode("read only").execute(look),
    close: () => kysely.destroy(),
  };
}

async function openPostgres(target: PostgresTarget, busyMs: number): Promise<Database> {
  const { describePostgres, postgresDialect } = await import("./postgres-dialect.ts");
  const kysely = new Kysely<DatabaseSchema>({ dialect: postgresDialect(target) });
  return {
    dialect: "postgresql",
    location: describePostgres(target.postgresUrl),
    kysely,
    write: (change) =>
      kysely.transaction().execute(async (transaction) => {
        // Durable whatever the server's default is; and the lock that makes writers take turns, which the server takes
        // away from a process that holds it and has stopped.
        await sql`select set_config('synchronous_commit', 'on', true),
          set_config('lock_timeout', ${String(busyMs)}, true),
          set_config('idle_in_transaction_session_timeout', ${String(STOPPED_MS)}, true)`.execute(
          transaction,
        );
        await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS)}, hashtext(current_schema()))`.execute(
          transaction,
        );
        return await change(transaction);
      }),
    read: (look) =>
      kysely.transaction().setAccessMode("read only").setIsolationLevel("repeatable read").execute(look),
    close: () => kysely.destroy(),
  };
}

async function createSchema(database: Database, schema: string): Promise<void> {
  await database.kysely.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS)}, 0)`.execute(transaction);
    // Asked first, because creating a schema takes a right that one who uses an existing schema need not have.
    const found = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(transaction);
    if (found.rows.length === 0) await transaction.schema.createSchema(schema).execute();
  });
}
