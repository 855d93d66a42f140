import { join } from "node:path";
import type { Table, TableColumn } from "../kernel/index.ts";
import { BLOCK_ROWS } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { Engine } from "./engine.ts";
import { type EngineOptions, withEngine } from "./engine-session.ts";
import { datasetsErrors } from "./errors.ts";
import { formatOfName } from "./file-format.ts";
import {
  addedField,
  constantField,
  copyToFile,
  createDoubles,
  selectBeside,
  writtenAs,
} from "./file-queries.ts";
import { type FilePlace, placeFile } from "./placed-file.ts";
import { countRows, selectStored } from "./queries.ts";
import { createReader } from "./read-snapshot.ts";
import { type ReadingRules, type ScratchRows, type WantedColumn, writeScratchRows } from "./scratch-rows.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { findSourceFiles } from "./source-files.ts";

export interface ExtendRequest extends EngineOptions, FilePlace {
  /** Absolute path of a CSV, TSV, NDJSON or Parquet file. */
  readonly file: string;
  /** The columns that `compute` is given. */
  readonly wanted: readonly WantedColumn[];
  readonly rules: ReadingRules;
  /** Which columns of the file are written too, in its order; all without it. */
  readonly keep?: readonly string[];
  readonly added: {
    /** Of the computed columns. */
    readonly names: readonly string[];
    /** A column with the same text in every row. */
    readonly constant: { readonly name: string; readonly value: string };
    /** Key-value metadata of a Parquet file. */
    readonly notes: Readonly<Record<string, string>>;
  };
  /** As many values for each row of a block as there are names, one row after the other, none of them NaN. */
  readonly compute: (block: Table) => Float64Array | Promise<Float64Array>;
  /** Most rows of a block, at least 2,048. Default 65,536. */
  readonly blockRows?: number;
  /** For scratch files, which lie on its file system. */
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly stage: "read" | "compute" | "write";
    readonly rows: number;
    readonly of?: number;
  }) => void;
}

export interface Extended {
  readonly rows: number;
  /** Of the file written, in order. */
  readonly columns: readonly string[];
}

const ADDED = "added";

/**
 * Reads a file of rows, computes a column from blocks of them and writes both to another file, in the same order. Memory is
 * bounded by that of the table engine (see `memoryBytes`) and one block; rows pass through a scratch file.
 *
 * @throws DATASETS_* naming what is wrong with the file, DATASETS_CANNOT_WRITE, the signal's reason when aborted
 */
export async function extendFile(request: ExtendRequest): Promise<Extended> {
  const { out, added, signal } = request;
  const format = formatOfName(out);
  const [file] = await findSourceFiles({ glob: request.file }, "/");
  if (file === undefined || file.path === out) {
    throw datasetsErrors.DATASETS_CANNOT_WRITE.error(`${out} is the file that is read`, {
      details: { file: out },
    });
  }
  return await placeFile(request, (draft) =>
    withEngine(request, async (engine, scratch) => {
      const path = join(scratch, "rows.parquet");
      request.onProgress?.({ stage: "read", rows: 0 });
      const rows = await writeScratchRows(engine, { ...request, file: { ...file, name: file.path }, path });
      const kept = keptColumns(rows, request);
      signal?.throwIfAborted();
      const of = Number((await engine.rows(countRows(path)))[0]?.rows);
      await engine.rows(createDoubles(ADDED, added.names.length));
      await computeRows(engine, { path, typed: rows.typed, of }, request);
      signal?.throwIfAborted();
      request.onProgress?.({ stage: "write", rows: of, of });
      const select = selectBeside(
        { path, fields: kept.map((column) => writtenAs(column, format)) },
        {
          table: ADDED,
          fields: [...added.names.map(addedField), constantField(added.constant.value, added.constant.name)],
        },
      );
      try {
        await engine.moveRows(copyToFile(select, { path: draft, format, notes: added.notes }));
      } catch (thrown) {
        engine.rethrowUnlessData(thrown);
        throw thrown;
      }
      return { rows: of, columns: [...kept.map(({ name }) => name), ...added.names, added.constant.name] };
    }),
  );
}

function keptColumns({ columns }: ScratchRows, { keep, added, out }: ExtendRequest): ScratchRows["columns"] {
  const kept = keep === undefined ? columns : columns.filter(({ name }) => keep.includes(name));
  const all = [...kept.map(({ name }) => name), ...added.names, added.constant.name];
  for (const [index, name] of all.entries()) {
    const taken = all.slice(0, index).find((other) => other.toLowerCase() === name.toLowerCase());
    if (taken === undefined) continue;
    throw datasetsErrors.DATASETS_DUPLICATE_COLUMN.error(`${out} would have two columns named "${name}"`, {
      details: { column: name },
      hint: "Give the new column another name, or leave that one out.",
    });
  }
  return kept;
}

async function computeRows(
  engine: Engine,
  rows: { readonly path: string; readonly typed: readonly SchemaColumn[]; readonly of: number },
  request: ExtendRequest,
): Promise<void> {
  const { path, typed, of } = rows;
  const capacity = Math.min(request.blockRows ?? BLOCK_ROWS, of);
  const names = typed.map(({ name }) => name);
  await engine.fillDoubles({ table: ADDED, width: request.added.names.length }, async (table) => {
    let done = 0;
    let block = new RowBlock(typed, capacity);
    const finish = async (): Promise<void> => {
      if (block.rows === 0) return;
      table.append(await request.compute(block.table()));
      done += block.rows;
      block = new RowBlock(typed, Math.min(capacity, of - done));
      request.onProgress?.({ stage: "compute", rows: done, of });
    };
    for await (const chunk of engine.chunks(selectStored({ path }, names))) {
      if (block.rows + chunk.rowCount > block.capacity) await finish();
      block.take(chunk);
    }
    await finish();
    if (done === of) return;
    throw datasetsErrors.DATASETS_ENGINE.error(`${done} rows of ${of} were read back from the scratch file`);
  });
}

/** Consecutive rows as a table. */
class RowBlock {
  readonly capacity: number;
  readonly #schema: readonly SchemaColumn[];
  readonly #readers: readonly ReturnType<typeof createReader>[];
  rows = 0;

  constructor(schema: readonly SchemaColumn[], capacity: number) {
    this.capacity = capacity;
    this.#schema = schema;
    this.#readers = schema.map(({ type }) => createReader(type, capacity));
  }

  take(chunk: Parameters<ReturnType<typeof createReader>["take"]>[0]): void {
    for (const [index, reader] of this.#readers.entries()) reader.take(chunk, index, this.rows);
    this.rows += chunk.rowCount;
  }

  table(): Table {
    const { rows } = this;
    const first = (column: TableColumn): TableColumn =>
      column.kind === "number"
        ? { kind: "number", values: column.values.subarray(0, rows) }
        : { ...column, codes: column.codes.subarray(0, rows) };
    return {
      rowCount: rows,
      columns: new Map(this.#schema.map(({ name }, at) => [name, first(this.#readers[at]!.column())])),
    };
  }
}
