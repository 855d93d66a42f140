import type { Kysely, Transaction } from "kysely";
import { type Clock, systemClock } from "../kernel/index.ts";
import type { DatabaseSchema } from "./database-schema.ts";
import type { PostgresTarget } from "./postgres-dialect.ts";

export type DatabaseTarget = { readonly sqlitePath: string } | PostgresTarget;

export interface DatabaseOptions {
  /** For the time at which a migration ran. Default: the system's. */
  readonly clock?: Clock;
  /** How long a write waits for other writers before STORAGE_DATABASE_BUSY. Default 15 s. */
  readonly busyMs?: number;
}

const DEFAULT_BUSY_MS = 15_000;

/** Where queries run: the database itself for reads, or the write transaction that is open. */
export type Queryable = Kysely<DatabaseSchema>;
export type WriteTransaction = Transaction<DatabaseSchema>;

export interface Database {
  readonly dialect: "sqlite" | "postgresql";
  /** The file's path, or `host:port/database`; never a password. */
  readonly location: string;
  readonly kysely: Queryable;
  /**
   * Runs `change` in a write transaction: all of it is kept durably, or nothing when it throws. Write transactions of
   * all processes on one database (and schema) run one after another, so that what `change` reads is still true when
   * it writes. It must use the transaction it is given for every query, and wait for nothing else.
   */
  write<Result>(change: (transaction: WriteTransaction) => Promise<Result>): Promise<Result>;
  /** Runs queries that all see one state of the database, whatever is written meanwhile. */
  read<Result>(look: (transaction: Queryable) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/**
 * Opens a database, creates what is missing and migrates what is older.
 *
 * @throws STORAGE_DATABASE_UNREACHABLE, STORAGE_DATABASE_NEWER, STORAGE_DATABASE_DAMAGED, STORAGE_DATABASE_BUSY,
 *   STORAGE_DATABASE_URL, STORAGE_BAD_NAME, STORAGE_IO, STORAGE_DISK_FULL
 */
export async function openDatabase(target: DatabaseTarget, options: DatabaseOptions = {}): Promise<Database> {
  // The query builder and the PostgreSQL driver take a fifth of a second to load, which processes that only use blobs or
  // the log should not pay.
  const { connect } = await import("./connect.ts");
  return await connect(target, {
    clock: options.clock ?? systemClock,
    busyMs: options.busyMs ?? DEFAULT_BUSY_MS,
  });
}
