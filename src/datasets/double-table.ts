import { DOUBLE, type DuckDBAppender, DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";

/** Rows that DuckDB takes at a time. */
const CHUNK_ROWS = 2048;

/** Fills a table of the table engine that has columns of doubles only, row by row. */
export class DoubleTable {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #width: number;

  /** @param appender to a table with `width` columns of type DOUBLE */
  constructor(appender: DuckDBAppender, width: number) {
    this.#appender = appender;
    this.#width = width;
    this.#chunk = DuckDBDataChunk.create(
      Array.from({ length: width }, () => DOUBLE),
      CHUNK_ROWS,
    );
  }

  /** @param values one row after the other */
  append(values: Float64Array): void {
    const width = this.#width;
    const count = values.length / width;
    const { chunk } = this.#chunk;
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, count - from);
      duckdb.data_chunk_reset(chunk);
      for (let column = 0; column < width; column++) {
        const part = new Float64Array(rows);
        for (let row = 0; row < rows; row++) part[row] = values[(from + row) * width + column]!;
        const vector = duckdb.data_chunk_get_vector(chunk, column);
        duckdb.copy_data_to_vector(vector, 0, part.buffer, 0, rows * 8);
      }
      duckdb.data_chunk_set_size(chunk, rows);
      this.#appender.appendDataChunk(this.#chunk);
    }
  }

  /** Makes everything appended visible to queries; nothing can be appended afterwards. */
  finish(): void {
    this.#appender.flushSync();
    this.#appender.closeSync();
  }
}
