import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { DatabaseTarget } from "../src/storage/index.ts";

/** A place for one test's database: nothing is in it, and nothing is left of it. */
export interface DatabasePlace {
  readonly target: DatabaseTarget;
  remove(): Promise<void>;
}

export interface DatabaseKind {
  readonly name: "SQLite" | "PostgreSQL";
  create(): Promise<DatabasePlace>;
}

const POSTGRES_URL = process.env.SLIPWAY_TEST_POSTGRES_URL ?? "postgresql://postgres@127.0.0.1:5432/test";

const sqlite: DatabaseKind = {
  name: "SQLite",
  create: async () => {
    const directory = mkdtempSync(join(tmpdir(), "slipway-database-"));
    return {
      target: { sqlitePath: join(directory, "slipway.db") },
      remove: async () => rmSync(directory, { recursive: true, force: true }),
    };
  },
};

const postgres: DatabaseKind = {
  name: "PostgreSQL",
  create: async () => {
    const schema = `test_${randomBytes(8).toString("hex")}`;
    return {
      target: { postgresUrl: POSTGRES_URL, schema },
      remove: async () => {
        await onPostgres(`drop schema if exists ${schema} cascade`);
      },
    };
  },
};

/**
 * The databases that contract tests run on. Where no PostgreSQL answers, a line says that it is left out; in CI that is
 * an error. `SLIPWAY_TEST_POSTGRES_URL` names another server than the local one.
 */
export async function databaseKinds(): Promise<DatabaseKind[]> {
  try {
    await onPostgres("select 1");
    return [sqlite, postgres];
  } catch (thrown) {
    if (process.env.CI) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    process.stderr.write(`SKIPPED: contract tests on PostgreSQL: no server answers (${reason})\n`);
    return [sqlite];
  }
}

/** Runs one statement on the test server, past everything that is under test. */
export async function onPostgres(statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: POSTGRES_URL, connectionTimeoutMillis: 3000 });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/**
 * A PostgreSQL database of its own, for processes that are given nothing but its URL; `undefined`, and a line, where no
 * server answers.
 */
export async function ownPostgresDatabase(): Promise<
  { readonly url: string; remove(): Promise<void> } | undefined
> {
  const kinds = await databaseKinds();
  if (!kinds.includes(postgres)) return undefined;
  const name = `test_${randomBytes(8).toString("hex")}`;
  await onPostgres(`create database ${name}`);
  const url = new URL(POSTGRES_URL);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    remove: async () => {
      await onPostgres(`drop database ${name} with (force)`);
    },
  };
}
