import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { DoubleTable } from "./double-table.ts";
import { datasetsErrors } from "./errors.ts";

export interface EngineLimits {
  readonly threads: number;
  /** Beyond this, tables spill to `spillDirectory`. */
  readonly memoryBytes: number;
  readonly spillDirectory: string;
}

const PROGRESS_INTERVAL_MS = 200;

/** One in-memory DuckDB with explicit limits, its clock in UTC and its row order kept. */
export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #connections: DuckDBConnection[] = [];
  #interrupted = false;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(limits: EngineLimits): Promise<Engine> {
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(limits.threads),
      memory_limit: `${Math.floor(limits.memoryBytes / 1024)}KiB`,
      temp_directory: limits.spillDirectory,
      preserve_insertion_order: "true",
      autoinstall_known_extensions: "false",
    });
    return new Engine(instance);
  }

  /** Runs statements that answer with few rows or none. Concurrent calls get connections of their own. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return await this.#with(async (connection) => (await connection.runAndReadAll(sql)).getRowObjectsJS());
  }

  /**
   * Runs a statement that moves rows, after making sure that it keeps their order: DuckDB does for scans, filters and
   * projections, but silently not for joins and whatever else its optimizer may turn an expression into.
   *
   * @param onShare told now and then how much of the source has been read, from 0 to 1. What it throws ends the statement
   * @throws DATASETS_ENGINE
   */
  async moveRows(sql: string, onShare?: (share: number) => void): Promise<Record<string, unknown>[]> {
    const [plan] = await this.rows(`EXPLAIN (FORMAT json) ${sql}`);
    const operators = operatorsOf(JSON.parse(String(plan?.explain_value)));
    const unordered = operators.filter((name) => !KEEPING_ORDER.has(name.trim()));
    if (unordered.length > 0) {
      throw datasetsErrors.DATASETS_ENGINE.error(
        `the table engine would lose the order of rows in ${unordered.join(", ")}`,
        { details: { operators } },
      );
    }
    if (onShare === undefined) return await this.rows(sql);
    return await this.#with((connection) => this.#runWatched(connection, sql, onShare));
  }

  /** Like `rows`, for answers of any length. */
  async *streamRows(sql: string): AsyncGenerator<Record<string, unknown>, void, undefined> {
    const connection = await this.#connect();
    try {
      const result = await connection.stream(sql);
      for await (const rows of result.yieldRowObjectJs()) yield* rows;
    } finally {
      this.#disconnect(connection);
    }
  }

  /** Streams the answer in row order. While one chunk is worked on the next is computed. */
  async *chunks(sql: string): AsyncGenerator<Chunk, void, undefined> {
    const connection = await this.#connect();
    let next: Promise<DuckDBDataChunk | null> | undefined;
    try {
      const result = await connection.stream(sql);
      next = result.fetchChunk();
      for (;;) {
        const chunk = await next;
        if (chunk === null || chunk.rowCount === 0) return;
        next = result.fetchChunk();
        yield new Chunk(chunk.chunk, chunk.rowCount);
      }
    } finally {
      await Promise.allSettled([next]);
      this.#disconnect(connection);
    }
  }

  /** Fills a table that has `width` columns, all of doubles. */
  async fillDoubles(
    { table, width }: { readonly table: string; readonly width: number },
    fill: (table: DoubleTable) => Promise<void>,
  ): Promise<void> {
    await this.#with(async (connection) => {
      const doubles = new DoubleTable(await connection.createAppender(table), width);
      await fill(doubles);
      doubles.finish();
    });
  }

  /**
   * Rethrows what is not the fault of the files being read: an interruption, a full disk, too little memory.
   *
   * @throws DATASETS_DISK_FULL, DATASETS_ENGINE
   */
  rethrowUnlessData(thrown: unknown): void {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    if (this.#interrupted) throw thrown;
    if (/No space left on device|Disk quota exceeded|not enough disk space/i.test(message)) {
      throw datasetsErrors.DATASETS_DISK_FULL.error("the disk is full", {
        hint: "Free some space and try again; nothing was registered.",
        cause: thrown,
      });
    }
    if (/^Out of Memory Error/.test(message)) {
      throw datasetsErrors.DATASETS_ENGINE.error(
        `the table engine needs more memory: ${message.split("\n")[0]}`,
        {
          cause: thrown,
        },
      );
    }
  }

  /** Stops whatever runs; its caller gets an error. */
  interrupt(): void {
    this.#interrupted = true;
    for (const connection of this.#connections) connection.interrupt();
  }

  close(): void {
    for (const connection of this.#connections.splice(0)) connection.disconnectSync();
    this.#instance.closeSync();
  }

  async #runWatched(
    connection: DuckDBConnection,
    sql: string,
    onShare: (share: number) => void,
  ): Promise<Record<string, unknown>[]> {
    await connection.run("SET enable_progress_bar = true; SET enable_progress_bar_print = false");
    const failures: unknown[] = [];
    const timer = setInterval(() => {
      const { percentage } = connection.progress;
      if (percentage < 0) return;
      try {
        onShare(Math.min(1, percentage / 100));
      } catch (thrown) {
        failures.push(thrown);
        this.#interrupted = true;
        connection.interrupt();
      }
    }, PROGRESS_INTERVAL_MS);
    try {
      return (await connection.runAndReadAll(sql)).getRowObjectsJS();
    } catch (thrown) {
      throw failures.length > 0 ? failures[0] : thrown;
    } finally {
      clearInterval(timer);
    }
  }

  async #with<Result>(action: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.#connect();
    try {
      return await action(connection);
    } finally {
      this.#disconnect(connection);
    }
  }

  async #connect(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    this.#connections.push(connection);
    return connection;
  }

  #disconnect(connection: DuckDBConnection): void {
    const index = this.#connections.indexOf(connection);
    if (index < 0) return;
    this.#connections.splice(index, 1);
    connection.disconnectSync();
  }
}

const KEEPING_ORDER: ReadonlySet<string> = new Set([
  "INSERT",
  "BATCH_INSERT",
  "COPY_TO_FILE",
  "BATCH_COPY_TO_FILE",
  "PROJECTION",
  "POSITIONAL_SCAN",
  "FILTER",
  "READ_CSV",
  "READ_JSON",
  "READ_PARQUET",
  "PARQUET_SCAN",
  "SEQ_SCAN",
  "TABLE_SCAN",
]);

/** A node of a plan as `EXPLAIN (FORMAT json)` prints it. */
interface PlanNode {
  readonly name: string;
  readonly children: readonly PlanNode[];
}

function operatorsOf(nodes: readonly PlanNode[]): string[] {
  return nodes.flatMap(({ name, children }) => [name, ...operatorsOf(children)]);
}

/** Up to 2,048 rows as DuckDB holds them. */
export class Chunk {
  readonly rowCount: number;
  readonly #chunk: duckdb.DataChunk;

  constructor(chunk: duckdb.DataChunk, rowCount: number) {
    this.#chunk = chunk;
    this.rowCount = rowCount;
  }

  /** The memory of one column. */
  vector(index: number, bytesPerRow: number): VectorMemory {
    const vector = duckdb.data_chunk_get_vector(this.#chunk, index);
    const data = duckdb.vector_get_data(vector, this.rowCount * bytesPerRow);
    // Declared as never null, but null when all rows are present.
    const validity: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(this.rowCount / 64) * 8);
    return { data, validity };
  }
}

export interface VectorMemory {
  readonly data: Uint8Array;
  /** One bit per row, set where the row has a value; null when all have. */
  readonly validity: Uint8Array | null;
}

/** The `bytes` bytes at the address that stands at `offset` of `memory`. */
export function bytesAtPointer(memory: Uint8Array, offset: number, bytes: number): Uint8Array {
  return duckdb.get_data_from_pointer(memory.buffer as ArrayBuffer, memory.byteOffset + offset, bytes);
}
