import type { Digest } from "../kernel/index.ts";
import { BLOCK_ROWS, type ColumnProfile } from "../profile/index.ts";
import { type ColumnScanner, createColumnScanner } from "./canonical-column.ts";
import { Engine } from "./engine.ts";
import { selectStored } from "./queries.ts";
import type { SchemaColumn } from "./snapshot.ts";

/** What is computed from the rows of one or more columns. */
export interface ScannedColumns {
  /** Rows of each block. */
  readonly blockRows: readonly number[];
  /** `digests[column][block]` */
  readonly digests: readonly (readonly Digest[])[];
  readonly profiles: readonly ColumnProfile[];
}

export interface ScanTask {
  readonly paths: readonly string[];
  /** In all files together. */
  readonly rowCount: number;
  readonly schema: readonly SchemaColumn[];
  readonly memoryBytes: number;
  readonly spillDirectory: string;
}

/** A column being scanned holds up to half a megabyte, so wide tables are scanned in several passes. */
const COLUMNS_PER_PASS = 100;

/**
 * Digests and profiles columns of Parquet files of canonical rows. Columns are independent of each other.
 *
 * @param onRows told now and then how many rows are done, of all columns on average
 */
export async function scanColumns(task: ScanTask, onRows: (rows: number) => void): Promise<ScannedColumns> {
  const passes = Math.ceil(task.schema.length / COLUMNS_PER_PASS);
  const digests: Digest[][] = [];
  const profiles: ColumnProfile[] = [];
  let blockRows: number[] = [];
  const engine = await Engine.open({ threads: 1, ...task });
  try {
    for (let pass = 0; pass < passes; pass++) {
      const columns = task.schema.slice(pass * COLUMNS_PER_PASS, (pass + 1) * COLUMNS_PER_PASS);
      const scan = new BlockScan(columns);
      for (const path of task.paths) {
        const names = columns.map(({ name }) => name);
        for await (const chunk of engine.chunks(selectStored({ path }, names))) {
          if (scan.take(chunk)) onRows(Math.floor((pass * task.rowCount + scan.rows) / passes));
        }
      }
      scan.end();
      onRows(Math.floor((pass * task.rowCount + scan.rows) / passes));
      digests.push(...scan.digests);
      profiles.push(...scan.scanners.map((scanner) => scanner.profile()));
      blockRows = scan.blockRows;
    }
  } finally {
    engine.close();
  }
  return { blockRows, digests, profiles };
}

/** Cuts a stream of chunks into blocks of 65,536 rows. */
class BlockScan {
  readonly scanners: readonly ColumnScanner[];
  readonly digests: readonly Digest[][];
  readonly blockRows: number[] = [];
  rows = 0;
  #inBlock = 0;

  constructor(columns: readonly SchemaColumn[]) {
    this.scanners = columns.map(createColumnScanner);
    this.digests = columns.map(() => []);
  }

  /** @returns whether a block ended */
  take(chunk: Parameters<ColumnScanner["open"]>[0]): boolean {
    const sources = this.scanners.map((scanner, index) => scanner.open(chunk, index));
    let ended = false;
    for (let from = 0; from < chunk.rowCount; ) {
      const to = Math.min(chunk.rowCount, from + BLOCK_ROWS - this.#inBlock);
      for (const take of sources) take(from, to);
      this.#inBlock += to - from;
      from = to;
      if (this.#inBlock < BLOCK_ROWS) continue;
      this.end();
      ended = true;
    }
    return ended;
  }

  end(): void {
    if (this.#inBlock === 0) return;
    for (const [index, scanner] of this.scanners.entries()) this.digests[index]!.push(scanner.endBlock());
    this.blockRows.push(this.#inBlock);
    this.rows += this.#inBlock;
    this.#inBlock = 0;
  }
}
