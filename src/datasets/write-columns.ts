import type { BlobStore } from "../storage/index.ts";
import { withEngine } from "./engine-session.ts";
import { copyToFile, createDoubles } from "./file-queries.ts";
import { sqlName } from "./sql-quoting.ts";

/** A column of a file that is written from memory; NaN is null. */
export interface WrittenColumn {
  readonly column: string;
  readonly values: Float64Array;
  /** Written as 64-bit integers. */
  readonly isWhole: boolean;
}

const TABLE = "added";
const BLOCK_ROWS = 16_384;

/**
 * Writes columns of numbers as one Parquet file.
 *
 * @throws DATASETS_DISK_FULL, DATASETS_ENGINE, the signal's reason when aborted
 */
export async function writeColumns(
  path: string,
  columns: readonly WrittenColumn[],
  options: { readonly blobs: BlobStore; readonly signal?: AbortSignal },
): Promise<void> {
  await withEngine(options, async (engine) => {
    const width = columns.length;
    const rowCount = columns[0]?.values.length ?? 0;
    await engine.rows(createDoubles(TABLE, width));
    await engine.fillDoubles({ table: TABLE, width }, async (table) => {
      for (let start = 0; start < rowCount; start += BLOCK_ROWS) {
        const rows = Math.min(BLOCK_ROWS, rowCount - start);
        const block = new Float64Array(rows * width);
        for (const [at, { values }] of columns.entries())
          for (let row = 0; row < rows; row++) block[row * width + at] = values[start + row]!;
        table.append(block);
        options.signal?.throwIfAborted();
      }
    });
    const fields = columns.map(({ column, isWhole }, at) => {
      const value = `CASE WHEN isnan(added.value${at}) THEN NULL ELSE added.value${at} END`;
      return `${isWhole ? `CAST(${value} AS BIGINT)` : value} AS ${sqlName(column)}`;
    });
    const select = `SELECT ${fields.join(", ")} FROM ${sqlName(TABLE)} AS added`;
    try {
      await engine.moveRows(copyToFile(select, { path, format: "parquet", notes: {} }));
    } catch (thrown) {
      engine.rethrowUnlessData(thrown);
      throw thrown;
    }
  });
}
