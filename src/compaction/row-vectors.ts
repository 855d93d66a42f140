import {
  BIGINT,
  BLOB,
  DOUBLE,
  type DuckDBAppender,
  DuckDBDataChunk,
  LIST,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";

/** What a column holds in JavaScript; `time` is epoch milliseconds. All of them may be null. */
export type Kind = "text" | "bytes" | "whole" | "time" | "double" | "doubles";

export interface ColumnKind {
  readonly name: string;
  readonly kind: Kind;
}

export type Value = string | number | Uint8Array | Float64Array | null;

const CHUNK_ROWS = 2048;
/** A chunk of rows with large payloads is handed over earlier. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const MICROSECONDS = 1000;
/** DuckDB keeps texts of up to so many bytes within its vector. */
const INLINE_BYTES = 12;
const STRING_BYTES = 16;
const ENTRY_BYTES = 16;

const TYPES = {
  text: { sql: "VARCHAR", type: VARCHAR },
  bytes: { sql: "BLOB", type: BLOB },
  whole: { sql: "BIGINT", type: BIGINT },
  time: { sql: "TIMESTAMP", type: TIMESTAMP },
  double: { sql: "DOUBLE", type: DOUBLE },
  doubles: { sql: "DOUBLE[]", type: LIST(DOUBLE) },
} as const;

/** `name TYPE, …` as in CREATE TABLE. */
export function columnList(columns: readonly ColumnKind[]): string {
  return columns.map(({ name, kind }) => `${name} ${TYPES[kind].sql}`).join(", ");
}

/** Appends rows to a table of the table engine, a chunk at a time and without a value object for each cell. */
export class RowAppender {
  readonly #appender: DuckDBAppender;
  readonly #columns: readonly ColumnKind[];
  #rows: (readonly Value[])[] = [];
  #bytes = 0;

  constructor(appender: DuckDBAppender, columns: readonly ColumnKind[]) {
    this.#appender = appender;
    this.#columns = columns;
  }

  append(row: readonly Value[]): void {
    this.#rows.push(row);
    for (const value of row) if (value !== null && typeof value === "object") this.#bytes += value.byteLength;
    if (this.#rows.length === CHUNK_ROWS || this.#bytes >= CHUNK_BYTES) this.#flush();
  }

  finish(): void {
    this.#flush();
    this.#appender.flushSync();
    this.#appender.closeSync();
  }

  #flush(): void {
    const rows = this.#rows;
    if (rows.length === 0) return;
    const chunk = DuckDBDataChunk.create(
      this.#columns.map(({ kind }) => TYPES[kind].type),
      rows.length,
    );
    for (const [index, { kind }] of this.#columns.entries()) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      fill(
        vector,
        kind,
        rows.map((row) => row[index]!),
      );
    }
    duckdb.data_chunk_set_size(chunk.chunk, rows.length);
    this.#appender.appendDataChunk(chunk);
    this.#rows = [];
    this.#bytes = 0;
  }
}

function fill(vector: duckdb.Vector, kind: Kind, values: readonly Value[]): void {
  fillValidity(vector, values);
  switch (kind) {
    case "text":
    case "bytes":
      for (const [row, value] of values.entries())
        if (value !== null)
          duckdb.vector_assign_string_element_len(
            vector,
            row,
            typeof value === "string" ? Buffer.from(value) : (value as Uint8Array),
          );
      return;
    case "whole":
    case "time": {
      const scale = kind === "time" ? MICROSECONDS : 1;
      const wholes = BigInt64Array.from(values, (value) => BigInt(((value ?? 0) as number) * scale));
      duckdb.copy_data_to_vector(vector, 0, wholes.buffer, 0, wholes.byteLength);
      return;
    }
    case "double": {
      const doubles = Float64Array.from(values, (value) => (value ?? 0) as number);
      duckdb.copy_data_to_vector(vector, 0, doubles.buffer, 0, doubles.byteLength);
      return;
    }
    case "doubles":
      fillLists(vector, values as readonly (Float64Array | null)[]);
  }
}

function fillLists(vector: duckdb.Vector, lists: readonly (Float64Array | null)[]): void {
  const length = lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
  const entries = new BigUint64Array(lists.length * 2);
  const values = new Float64Array(length);
  let at = 0;
  for (const [row, list] of lists.entries()) {
    entries[row * 2] = BigInt(at);
    entries[row * 2 + 1] = BigInt(list?.length ?? 0);
    if (list === null) continue;
    values.set(list, at);
    at += list.length;
  }
  duckdb.list_vector_reserve(vector, length);
  duckdb.list_vector_set_size(vector, length);
  if (length > 0)
    duckdb.copy_data_to_vector(duckdb.list_vector_get_child(vector), 0, values.buffer, 0, values.byteLength);
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, entries.byteLength);
}

function fillValidity(vector: duckdb.Vector, values: readonly Value[]): void {
  if (!values.includes(null)) return;
  const bits = new Uint8Array(Math.ceil(values.length / 64) * 8).fill(0xff);
  for (const [row, value] of values.entries()) if (value === null) bits[row >> 3]! &= ~(1 << (row & 7));
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
}

/** The rows of a chunk as `RowAppender` took them, texts as strings; what is handed out stays valid. */
export function rowsOfChunk(chunk: DuckDBDataChunk, columns: readonly ColumnKind[]): Value[][] {
  const { rowCount } = chunk;
  const rows: Value[][] = Array.from({ length: rowCount }, () => []);
  for (const [index, { kind }] of columns.entries()) {
    const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
    const validity: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8);
    const read = reader(vector, kind, rowCount);
    for (let row = 0; row < rowCount; row++) {
      const isNull = validity !== null && ((validity[row >> 3]! >> (row & 7)) & 1) === 0;
      rows[row]!.push(isNull ? null : read(row));
    }
  }
  return rows;
}

function reader(vector: duckdb.Vector, kind: Kind, rowCount: number): (row: number) => Value {
  switch (kind) {
    case "text":
    case "bytes": {
      const data = buffer(duckdb.vector_get_data(vector, rowCount * STRING_BYTES));
      // Texts of a dictionary lie in one place: reaching out for them again and again is what reading would cost most.
      let before = -1;
      let value: string | Uint8Array = "";
      return (row) => {
        const at = row * STRING_BYTES;
        const isSame =
          before >= 0 && data.compare(data, before, before + STRING_BYTES, at, at + STRING_BYTES) === 0;
        before = at;
        if (isSame) return value;
        const bytes = stringAt(data, at);
        value = kind === "bytes" ? Uint8Array.from(bytes) : buffer(bytes).toString("utf8");
        return value;
      };
    }
    case "whole":
    case "time": {
      const data = buffer(duckdb.vector_get_data(vector, rowCount * 8));
      const scale = kind === "time" ? MICROSECONDS : 1;
      return (row) => Number(data.readBigInt64LE(row * 8)) / scale;
    }
    case "double": {
      const data = buffer(duckdb.vector_get_data(vector, rowCount * 8));
      return (row) => data.readDoubleLE(row * 8);
    }
    case "doubles": {
      const entries = buffer(duckdb.vector_get_data(vector, rowCount * ENTRY_BYTES));
      const length = duckdb.list_vector_get_size(vector);
      const values =
        length === 0 ? NOTHING : duckdb.vector_get_data(duckdb.list_vector_get_child(vector), length * 8);
      return (row) => {
        const from = Number(entries.readBigUInt64LE(row * ENTRY_BYTES)) * 8;
        const count = Number(entries.readBigUInt64LE(row * ENTRY_BYTES + 8));
        const list = new Float64Array(count);
        new Uint8Array(list.buffer).set(values.subarray(from, from + count * 8));
        return list;
      };
    }
  }
}

const NOTHING = new Uint8Array(0);

function stringAt(data: Buffer, at: number): Uint8Array {
  const length = data.readUInt32LE(at);
  if (length <= INLINE_BYTES) return data.subarray(at + 4, at + 4 + length);
  return duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, data.byteOffset + at + 8, length);
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
