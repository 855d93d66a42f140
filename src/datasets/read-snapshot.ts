import type { Table, TableColumn } from "../kernel/index.ts";
import { StringInterner } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { MICROSECONDS_PER_MS, setWholes } from "./canonical-column.ts";
import type { Chunk } from "./engine.ts";
import { type EngineOptions, withEngine } from "./engine-session.ts";
import { datasetsErrors } from "./errors.ts";
import { selectStored } from "./queries.ts";
import type { SchemaColumn, SnapshotManifest } from "./snapshot.ts";
import { isPresent, PackedTexts, stringVector } from "./vectors.ts";

export interface ReadOptions extends EngineOptions {
  readonly blobs: BlobStore;
  /** Which columns, in which order; default all. */
  readonly columns?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly rows: number; readonly of: number }) => void;
}

/**
 * The rows of a snapshot, in order. Dictionaries hold the texts in the order of their first appearance.
 *
 * @throws DATASETS_UNKNOWN_COLUMN, DATASETS_DAMAGED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED
 */
export async function readSnapshot(manifest: SnapshotManifest, options: ReadOptions): Promise<Table> {
  const schema = selectColumns(manifest, options.columns);
  await Promise.all(manifest.parts.map(({ blob }) => options.blobs.verify(blob)));
  const readers = schema.map(({ type }) => createReader(type, manifest.rowCount));
  return await withEngine(options, async (engine) => {
    const names = schema.map(({ name }) => name);
    let rows = 0;
    for (const part of manifest.parts) {
      const range = { from: 0, to: part.rows };
      const stored = {
        path: options.blobs.path(part.blob),
        ...(part.rows < part.storedRows ? { range } : {}),
      };
      for await (const chunk of engine.chunks(selectStored(stored, names))) {
        if (rows + chunk.rowCount > manifest.rowCount) throw wrongCount(manifest, rows + chunk.rowCount);
        for (const [index, reader] of readers.entries()) reader.take(chunk, index, rows);
        rows += chunk.rowCount;
        options.onProgress?.({ rows, of: manifest.rowCount });
      }
    }
    if (rows !== manifest.rowCount) throw wrongCount(manifest, rows);
    return {
      rowCount: rows,
      columns: new Map(names.map((name, index) => [name, readers[index]!.column()])),
    };
  });
}

function selectColumns(
  manifest: SnapshotManifest,
  names: readonly string[] | undefined,
): readonly SchemaColumn[] {
  if (names === undefined) return manifest.schema;
  return names.map((name) => {
    const column = manifest.schema.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    throw datasetsErrors.DATASETS_UNKNOWN_COLUMN.error(`the snapshot has no column ${name}`, {
      details: { column: name, columns: manifest.schema.map((candidate) => candidate.name) },
    });
  });
}

function wrongCount(manifest: SnapshotManifest, rows: number): Error {
  return datasetsErrors.DATASETS_DAMAGED.error(
    `the parts of the snapshot hold ${rows} rows or more, its manifest says ${manifest.rowCount}`,
  );
}

/** Gathers one column of a table from chunks. */
export interface ColumnReader {
  /** Takes a chunk's column `index` as the rows from `firstRow` on. */
  take(chunk: Chunk, index: number, firstRow: number): void;
  column(): TableColumn;
}

/** @param rowCount the most rows it is going to take */
export function createReader(type: SchemaColumn["type"], rowCount: number): ColumnReader {
  switch (type) {
    case "category":
    case "text":
    case "image":
      return stringReader(rowCount);
    case "bool":
      return numberReader(rowCount, 1, (data, values, firstRow) => values.set(data, firstRow));
    case "float":
      return numberReader(rowCount, 8, (data, values, firstRow) =>
        values.set(new Float64Array(data.buffer, data.byteOffset, data.length / 8), firstRow),
      );
    case "int":
      return numberReader(rowCount, 8, (data, values, firstRow) =>
        setWholes(values.subarray(firstRow), data, 1),
      );
    case "timestamp":
      return numberReader(rowCount, 8, (data, values, firstRow) =>
        setWholes(values.subarray(firstRow), data, MICROSECONDS_PER_MS),
      );
  }
}

function numberReader(
  rowCount: number,
  width: number,
  copy: (data: Uint8Array, values: Float64Array, firstRow: number) => void,
): ColumnReader {
  const values = new Float64Array(rowCount);
  return {
    take(chunk, index, firstRow) {
      const { data, validity } = chunk.vector(index, width);
      copy(data, values, firstRow);
      if (validity === null) return;
      for (let row = 0; row < chunk.rowCount; row++) {
        if (!isPresent(validity, row)) values[firstRow + row] = Number.NaN;
      }
    },
    column: () => ({ kind: "number", values }),
  };
}

/** More than a chunk of DuckDB ever has. */
const CHUNK_ROWS = 65_536;

function stringReader(rowCount: number): ColumnReader {
  const codes = new Int32Array(rowCount);
  const interner = new StringInterner();
  const texts = new PackedTexts();
  const lengths = new Uint32Array(CHUNK_ROWS);
  return {
    take(chunk, index, firstRow) {
      const vector = stringVector(chunk, index);
      texts.clear();
      texts.append(vector, { from: 0, to: vector.rows }, { into: lengths, at: 0 });
      const { view } = texts;
      let at = 0;
      for (let row = 0; row < vector.rows; row++) {
        const end = at + lengths[row]!;
        codes[firstRow + row] = isPresent(vector.validity, row) ? interner.intern(view, at, end) : -1;
        at = end;
      }
    },
    column: () => ({
      kind: "string",
      codes,
      dictionary: Array.from({ length: interner.size }, (_, code) => interner.textOf(code)),
    }),
  };
}
