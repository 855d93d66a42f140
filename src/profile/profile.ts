import {
  type ColumnType,
  isStringType,
  type NumberColumn,
  type StringColumn,
  type Table,
} from "../kernel/index.ts";
import {
  BLOCK_ROWS,
  CategoryProfiler,
  type ColumnProfile,
  NumberProfiler,
  type Numbers,
  TextProfiler,
  type Texts,
} from "./column-profiler.ts";
import { profileErrors } from "./errors.ts";
import { viewOf } from "./hashing.ts";

/** Mergeable statistics of the rows of a snapshot, or of live traffic. Plain JSON, the same for the same rows on every machine. */
export interface Profile {
  readonly format: "slipway.profile/1";
  readonly rowCount: number;
  readonly columns: readonly ColumnProfile[];
}

/** The profile of a table's columns, equal to the one that ingesting the same rows gives. `types` says which columns, in which order. */
export function buildProfile(table: Table, types: Readonly<Record<string, ColumnType>>): Profile {
  const columns = Object.entries(types).map(([name, type]) => {
    const column = table.columns.get(name);
    if (column?.kind === "number" && !isStringType(type)) {
      const profiler = new NumberProfiler(name, type);
      for (const portion of numbersOf(column)) profiler.add(portion);
      return profiler.profile();
    }
    if (column?.kind === "string" && isStringType(type)) {
      const profiler = type === "category" ? new CategoryProfiler(name) : new TextProfiler(name, type);
      for (const portion of textsOf(column)) profiler.add(portion);
      return profiler.profile();
    }
    const found = column === undefined ? "no such column" : `a column of ${column.kind}s`;
    throw profileErrors.PROFILE_DIFFERENT_COLUMNS.error(`column ${name} (${type}): the table has ${found}`, {
      details: { column: name, type, columns: [...table.columns.keys()] },
    });
  });
  return { format: "slipway.profile/1", rowCount: table.rowCount, columns };
}

/**
 * The profile of the rows of both. Counts, bins, extremes and distinct sketches are exactly those of the union; means and
 * deviations are equal to it up to rounding.
 *
 * @throws PROFILE_DIFFERENT_COLUMNS, PROFILE_BAD_DOCUMENT
 */
export function mergeProfiles(first: Profile, second: Profile): Profile {
  if (first.columns.length !== second.columns.length) {
    throw profileErrors.PROFILE_DIFFERENT_COLUMNS.error(
      `one profile has ${first.columns.length} columns, the other ${second.columns.length}`,
    );
  }
  const columns = first.columns.map((column, index) => {
    const profiler = profilerOf(column);
    profiler.merge(column);
    profiler.merge(second.columns[index]!);
    return profiler.profile();
  });
  return { format: "slipway.profile/1", rowCount: first.rowCount + second.rowCount, columns };
}

function profilerOf(column: ColumnProfile): NumberProfiler | CategoryProfiler | TextProfiler {
  switch (column.kind) {
    case "number":
      return new NumberProfiler(column.name, column.type);
    case "category":
      return new CategoryProfiler(column.name);
    case "text":
      return new TextProfiler(column.name, column.type);
  }
}

function* numbersOf({ values }: NumberColumn): Generator<Numbers, void, undefined> {
  for (let start = 0; start < values.length; start += BLOCK_ROWS) {
    const block = values.slice(start, start + BLOCK_ROWS);
    const nulls: number[] = [];
    for (let row = 0; row < block.length; row++) {
      if (!Number.isNaN(block[row])) continue;
      nulls.push(row);
      block[row] = 0;
    }
    yield { values: block, nulls: Uint32Array.from(nulls) };
  }
}

const PORTION_ROWS = 2048;

function* textsOf({ codes, dictionary }: StringColumn): Generator<Texts, void, undefined> {
  const encoded = dictionary.map((text) => Buffer.from(text, "utf8"));
  for (let start = 0; start < codes.length; start += PORTION_ROWS) {
    const portion = codes.subarray(start, start + PORTION_ROWS);
    const lengths = new Uint32Array(portion.length);
    const nulls: number[] = [];
    const pieces: Uint8Array[] = [];
    for (const [row, code] of portion.entries()) {
      const text = encoded[code];
      if (text === undefined) nulls.push(row);
      else {
        lengths[row] = text.length;
        pieces.push(text);
      }
    }
    yield { lengths, bytes: viewOf(Buffer.concat(pieces)), nulls: Uint32Array.from(nulls) };
  }
}
