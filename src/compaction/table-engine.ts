import { mkdir, rm } from "node:fs/promises";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type ColumnKind, columnList, RowAppender, rowsOfChunk, type Value } from "./row-vectors.ts";

export interface EngineOptions {
  /** A folder that is made, and removed afterwards with everything in it: beyond its memory the engine spills there. */
  readonly scratch: string;
  /** Default 1. */
  readonly threads?: number;
  /** Default 512 MiB. */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_MEMORY_BYTES = 512 * 1024 * 1024;

/** Runs with a table engine of its own, which nothing is left of afterwards. */
export async function withTableEngine<Result>(
  options: EngineOptions,
  action: (engine: TableEngine) => Promise<Result>,
): Promise<Result> {
  const engine = await TableEngine.open(options);
  try {
    return await action(engine);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    throw thrown;
  } finally {
    await engine.close();
  }
}

/** One connection to an in-memory DuckDB with explicit limits, its clock in UTC and its row order kept. */
export class TableEngine {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #options: EngineOptions;
  readonly #stop = (): void => this.connection.interrupt();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, options: EngineOptions) {
    this.#instance = instance;
    this.connection = connection;
    this.#options = options;
    options.signal?.addEventListener("abort", this.#stop);
  }

  static async open(options: EngineOptions): Promise<TableEngine> {
    const { scratch, threads = 1, memoryBytes = DEFAULT_MEMORY_BYTES, signal } = options;
    signal?.throwIfAborted();
    await mkdir(scratch, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(threads),
      memory_limit: `${Math.floor(memoryBytes / 1024)}KiB`,
      temp_directory: scratch,
      preserve_insertion_order: "true",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new TableEngine(instance, connection, options);
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#stop);
    this.connection.disconnectSync();
    this.#instance.closeSync();
    await rm(this.#options.scratch, { recursive: true, force: true });
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** A table of these columns, to be filled. */
  async createTable(name: string, columns: readonly ColumnKind[]): Promise<RowAppender> {
    await this.run(`CREATE TABLE ${name} (${columnList(columns)})`);
    return new RowAppender(await this.connection.createAppender(name), columns);
  }

  /** The rows of a query whose answer has these columns. */
  async *rows(sql: string, columns: readonly ColumnKind[]): AsyncGenerator<Value[], void, undefined> {
    // A connection of its own: another query would end what this one streams.
    const connection = await this.#instance.connect();
    try {
      const result = await connection.stream(sql);
      for (;;) {
        this.#options.signal?.throwIfAborted();
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield* rowsOfChunk(chunk, columns);
      }
    } finally {
      connection.disconnectSync();
    }
  }
}
