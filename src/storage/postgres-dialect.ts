import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import pg from "pg";
import { storageErrors } from "./errors.ts";
import { isSystemError } from "./file-errors.ts";
import { checkParameters } from "./query-parameters.ts";

const CONNECT_MS = 10_000;
const CONNECTIONS = 10;
const INT8 = pg.types.builtins.INT8;
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * SQLSTATE classes and codes that mean that the server is not there for us now:
 * 08 connection exception, 25P03 idle too long, 28 authorisation, 3D no such database, 53 resources, 57P0x shutdown.
 */
const UNREACHABLE = /^(08...|25P03|28...|3D000|53300|57P0[1-5])$/;
const DISK_FULL = "53100";
const LOCK_NOT_AVAILABLE = "55P03";

export interface PostgresTarget {
  readonly postgresUrl: string;
  readonly schema?: string | undefined;
}

/**
 * Kysely over PostgreSQL. 64-bit integers come back as numbers: ours are counters and epoch milliseconds.
 *
 * @throws STORAGE_DATABASE_URL, STORAGE_BAD_NAME
 */
export function postgresDialect(target: PostgresTarget): Dialect {
  const location = describePostgres(target.postgresUrl);
  const { schema } = target;
  if (schema !== undefined && !SCHEMA_NAME.test(schema)) {
    throw storageErrors.STORAGE_BAD_NAME.error(
      `"${schema.slice(0, 80)}" is no name for a database schema: use a-z, 0-9 and _, at most 63`,
      { details: { schema: schema.slice(0, 80) } },
    );
  }
  const createPool = async () => {
    const pool = new pg.Pool({
      connectionString: target.postgresUrl,
      connectionTimeoutMillis: CONNECT_MS,
      max: CONNECTIONS,
      application_name: "slipway",
      ...(schema === undefined ? {} : { options: `-c search_path=${schema}` }),
      types: {
        getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
      },
    });
    // Without listeners a connection that breaks would end the process. The pool drops the connection by itself, and
    // whoever was using it gets the error from the statement.
    pool.on("error", noteBroken);
    pool.on("connect", (client) => client.on("error", noteBroken));
    return pool;
  };
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new TranslatingDriver(new PostgresDriver({ pool: createPool }), location),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

/** `host:port/database`, never user or password. @throws STORAGE_DATABASE_URL, which does not repeat the URL either */
export function describePostgres(postgresUrl: string): string {
  const url = URL.parse(postgresUrl);
  if (url === null || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw storageErrors.STORAGE_DATABASE_URL.error(
      "the database URL is not one of a PostgreSQL database: it must read postgresql://user@host:5432/database",
      { hint: "Characters like @ and / in a password must be percent-encoded." },
    );
  }
  const host = url.hostname || url.searchParams.get("host") || "localhost";
  return `${host}:${url.port || "5432"}${url.pathname}`;
}

/** Passes everything on and makes errors of the connection this room's, naming the place. */
class TranslatingDriver implements Driver {
  readonly #driver: PostgresDriver;
  readonly #location: string;
  readonly #connections = new WeakMap<DatabaseConnection, DatabaseConnection>();

  constructor(driver: PostgresDriver, location: string) {
    this.#driver = driver;
    this.#location = location;
  }

  async init(): Promise<void> {
    await this.#translated(() => this.#driver.init());
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const inner = await this.#translated(() => this.#driver.acquireConnection());
    const outer: DatabaseConnection = {
      executeQuery: <Row>(query: CompiledQuery): Promise<QueryResult<Row>> =>
        this.#translated(() => {
          checkParameters(query.parameters);
          return inner.executeQuery<Row>(query);
        }),
      streamQuery: (query, chunkSize) => inner.streamQuery(query, chunkSize),
    };
    this.#connections.set(outer, inner);
    return outer;
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await this.#translated(() => this.#driver.beginTransaction(this.#inner(connection), settings));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#translated(() => this.#driver.commitTransaction(this.#inner(connection)));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#translated(() => this.#driver.rollbackTransaction(this.#inner(connection)));
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    await this.#driver.releaseConnection(this.#inner(connection) as PostgresConnection);
  }

  async destroy(): Promise<void> {
    await this.#driver.destroy();
  }

  #inner(connection: DatabaseConnection): DatabaseConnection {
    return this.#connections.get(connection) ?? connection;
  }

  async #translated<Result>(action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (thrown) {
      throw postgresError(thrown, this.#location);
    }
  }
}

/** What the driver of Kysely handed out and takes back. */
type PostgresConnection = Parameters<PostgresDriver["releaseConnection"]>[0];

function postgresError(thrown: unknown, location: string): unknown {
  const state = thrown instanceof pg.DatabaseError ? (thrown.code ?? "") : undefined;
  if (state === DISK_FULL) {
    return storageErrors.STORAGE_DISK_FULL.error(`no room on the disk of the database ${location}`, {
      details: { location },
      cause: thrown,
    });
  }
  if (state === LOCK_NOT_AVAILABLE) {
    return storageErrors.STORAGE_DATABASE_BUSY.error(
      `another writer kept the database ${location} locked for too long`,
      { details: { location }, cause: thrown },
    );
  }
  if (!(thrown instanceof Error) || !isConnectionFault(thrown, state)) return thrown;
  return storageErrors.STORAGE_DATABASE_UNREACHABLE.error(
    `the database ${location} cannot be used: ${reasonOf(thrown)}`,
    {
      details: { location, ...(state === undefined ? {} : { state }) },
      hint: "Check that the server runs, and the host, port, user and database in the database URL.",
      cause: thrown,
    },
  );
}

function isConnectionFault(thrown: Error, state: string | undefined): boolean {
  if (state !== undefined) return UNREACHABLE.test(state);
  if (thrown instanceof AggregateError || isSystemError(thrown)) return true;
  return /connection (terminated|timeout)|timeout exceeded when trying to connect|client has encountered a connection error|password must be a string/i.test(
    thrown.message,
  );
}

/** One address refused gives an error, several give an AggregateError without a message. */
function reasonOf(thrown: Error): string {
  if (thrown instanceof AggregateError) {
    return thrown.errors
      .map((error: unknown) => (error instanceof Error ? error.message : String(error)))
      .join("; ");
  }
  return thrown.message;
}

function noteBroken(): undefined {
  return undefined;
}
