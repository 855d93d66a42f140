import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from "kysely";
import { monotonicMs, sleep } from "../kernel/index.ts";
import { storageErrors } from "./errors.ts";
import { fileError } from "./file-errors.ts";
import { checkParameters } from "./query-parameters.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 25;
const CACHED_STATEMENTS = 200;

/** Result codes of SQLite: https://www.sqlite.org/rescode.html; the low byte of an extended one is the primary one. */
const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

/** Kysely over the SQLite that is built into Node. */
export function sqliteDialect(path: string, busyMs: number): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SqliteDriver(path, busyMs),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/**
 * One connection, used by one caller at a time. Transactions that write take the write lock at their start, so that none
 * fails half-way because another process wrote. Waiting for that lock pauses without blocking the event loop,
 * which is why SQLite's own busy handler stays off.
 */
class SqliteDriver implements Driver {
  readonly #path: string;
  readonly #busyMs: number;
  #connection: SqliteConnection | undefined;
  /** Settles when the last caller so far has released the connection. */
  #turn: Promise<void> = Promise.resolve();
  #endTurn: () => void = nothing;

  constructor(path: string, busyMs: number) {
    this.#path = path;
    this.#busyMs = busyMs;
  }

  async init(): Promise<void> {
    const connection = openConnection(this.#path, this.#busyMs);
    try {
      // A reader or writer of another process may hold the file for a moment while the journal mode changes.
      for (const pragma of [
        "journal_mode = wal",
        "synchronous = full",
        "foreign_keys = on",
        "trusted_schema = off",
      ]) {
        await connection.executeQuery(CompiledQuery.raw(`pragma ${pragma}`));
      }
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
    this.#connection = connection;
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    this.#endTurn = resolve;
    if (this.#connection === undefined) {
      resolve();
      throw storageErrors.STORAGE_DATABASE_UNREACHABLE.error(`the database ${this.#path} has been closed`, {
        details: { location: this.#path },
      });
    }
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const kind = settings.accessMode === "read only" ? "deferred" : "immediate";
    await connection.executeQuery(CompiledQuery.raw(`begin ${kind}`));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite has rolled back by itself after some errors, a full disk for one.
    if (this.#connection?.isInTransaction) await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {
    this.#endTurn();
  }

  async destroy(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #busyMs: number;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, { path, busyMs }: { path: string; busyMs: number }) {
    this.#database = database;
    this.#path = path;
    this.#busyMs = busyMs;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    checkParameters(query.parameters);
    const deadline = monotonicMs() + this.#busyMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        return this.#run<Row>(query);
      } catch (thrown) {
        // A statement that found the database locked has done nothing, so it can be tried again.
        if (!isBusy(thrown) || monotonicMs() > deadline) throw sqliteError(thrown, this.#path);
      }
      await sleep(pause);
    }
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("streams hold the only connection; read in pages instead");
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #run<Row>(query: CompiledQuery): QueryResult<Row> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters.map(toInput);
    if (statement.columns().length > 0) {
      // The shape of a row is what the query builder derived from the schema.
      return { rows: statement.all(...parameters) as Row[] };
    }
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  #prepare(text: string): StatementSync {
    const cached = this.#statements.get(text);
    if (cached) return cached;
    const statement = this.#database.prepare(text);
    if (this.#statements.size >= CACHED_STATEMENTS) this.#statements.clear();
    this.#statements.set(text, statement);
    return statement;
  }
}

function openConnection(path: string, busyMs: number): SqliteConnection {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (thrown) {
    throw fileError(thrown, "create the folder of the database", path);
  }
  try {
    return new SqliteConnection(new DatabaseSync(path, { timeout: 0 }), { path, busyMs });
  } catch (thrown) {
    throw sqliteError(thrown, path);
  }
}

function toInput(value: unknown): SQLInputValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new TypeError(`SQLite cannot store a ${typeof value}`);
  }
}

/** Turns what SQLite threw into this room's errors, which name the file; anything else is returned as it is. */
function sqliteError(thrown: unknown, path: string): unknown {
  const code = resultCode(thrown);
  if (code === undefined || !(thrown instanceof Error)) return thrown;
  const options = { details: { location: path, result: code }, cause: thrown };
  switch (code & 0xff) {
    case BUSY:
    case LOCKED:
      return storageErrors.STORAGE_DATABASE_BUSY.error(
        `another writer kept the database ${path} locked for too long`,
        options,
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return storageErrors.STORAGE_DATABASE_DAMAGED.error(
        `the database ${path} is damaged: ${thrown.message}`,
        { ...options, hint: "Move the file away and restore it from a backup." },
      );
    case FULL:
      return storageErrors.STORAGE_DISK_FULL.error(`no room on the disk to write the database ${path}`, {
        ...options,
        hint: "Free some space and repeat the command; nothing of it has been kept.",
      });
    case CANNOT_OPEN:
      return storageErrors.STORAGE_DATABASE_UNREACHABLE.error(
        `the database ${path} cannot be opened: ${thrown.message}`,
        options,
      );
    case READ_ONLY:
    case IO_ERROR:
      return storageErrors.STORAGE_IO.error(
        `the database ${path} could not be read or written: ${thrown.message}`,
        options,
      );
    default:
      return thrown;
  }
}

function isBusy(thrown: unknown): boolean {
  const primary = (resultCode(thrown) ?? 0) & 0xff;
  return primary === BUSY || primary === LOCKED;
}

function resultCode(thrown: unknown): number | undefined {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number"
    ? thrown.errcode
    : undefined;
}

function nothing(): undefined {
  return undefined;
}
