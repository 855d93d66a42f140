import type { ColumnType, Digest, TableColumn } from "../kernel/index.ts";
import { compareColumns, type Distance } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { type EngineOptions, withEngine } from "./engine-session.ts";
import { datasetsErrors } from "./errors.ts";
import {
  type ChangeKind,
  countChanges,
  firstChanges,
  type KeyedRows,
  keyedFields,
  sharedKey,
} from "./key-queries.ts";
import { readSnapshot } from "./read-snapshot.ts";
import { distancesOfRows } from "./row-distances.ts";
import type { SchemaColumn, SnapshotBlock, SnapshotManifest } from "./snapshot.ts";
import { selectSnapshot, verifyParts } from "./snapshot-rows.ts";
import { suggestion } from "./suggestion.ts";

export interface CompareRequest extends EngineOptions {
  readonly before: SnapshotManifest;
  readonly after: SnapshotManifest;
  /** Columns that together name a row. Without them rows are compared by the digests of their blocks. */
  readonly key?: readonly string[];
  /** Distances of numbers from the rows themselves, not from the profiles. */
  readonly exact?: boolean;
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

export interface SchemaChanges {
  readonly added: readonly SchemaColumn[];
  readonly removed: readonly SchemaColumn[];
  readonly retyped: readonly {
    readonly name: string;
    readonly before: ColumnType;
    readonly after: ColumnType;
  }[];
}

/** Rows of blocks are compared where they stand: a row put in moves all behind it. */
export interface RowsByBlock {
  readonly by: "block";
  /** Rows at the beginning that are the same in both. */
  readonly sameAtStart: number;
  /** Rows in blocks that both have, wherever. */
  readonly inSameBlocks: number;
  readonly blocks: { readonly before: number; readonly after: number; readonly same: number };
}

export interface RowExample {
  readonly change: ChangeKind;
  /** The key, as texts; null where it is missing. */
  readonly key: readonly (string | null)[];
  readonly values: readonly {
    readonly column: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
}

export interface RowsByKey {
  readonly by: "key";
  readonly key: readonly string[];
  readonly added: number;
  readonly removed: number;
  /** In columns that both have, of one type. */
  readonly changed: number;
  readonly same: number;
  /** In how many rows a column changed; only those that did. */
  readonly changedColumns: readonly { readonly name: string; readonly rows: number }[];
  /** The first few of each kind, in the order of the keys. */
  readonly examples: readonly RowExample[];
}

export interface ColumnChanges {
  readonly name: string;
  readonly type: ColumnType;
  /** Shares of the rows without a value; null without rows. */
  readonly missing: { readonly before: number | null; readonly after: number | null };
  readonly distances: readonly Distance[];
}

export interface SnapshotComparison {
  readonly rowCount: { readonly before: number; readonly after: number };
  readonly schema: SchemaChanges;
  readonly rows: RowsByBlock | RowsByKey;
  /** Columns that both have, of one type. */
  readonly columns: readonly ColumnChanges[];
}

/**
 * What changed between two snapshots: columns, rows, and how their values are distributed.
 *
 * @throws DATASETS_UNKNOWN_COLUMN, DATASETS_NO_KEY when the key does not name rows, STORAGE_BLOB_* for damaged parts
 */
export async function compareSnapshots(request: CompareRequest): Promise<SnapshotComparison> {
  const { before, after, key } = request;
  const common = before.schema.filter((column) => typeIn(after, column.name) === column.type);
  return {
    rowCount: { before: before.rowCount, after: after.rowCount },
    schema: schemaChanges(before, after),
    rows:
      key === undefined
        ? compareBlocks(before.blocks, after.blocks)
        : await compareByKey(request, common, key),
    columns: await compareDistributions(request, common),
  };
}

function typeIn({ schema }: SnapshotManifest, name: string): ColumnType | undefined {
  return schema.find((column) => column.name === name)?.type;
}

function schemaChanges(before: SnapshotManifest, after: SnapshotManifest): SchemaChanges {
  return {
    added: after.schema.filter(({ name }) => typeIn(before, name) === undefined),
    removed: before.schema.filter(({ name }) => typeIn(after, name) === undefined),
    retyped: before.schema.flatMap(({ name, type }) => {
      const now = typeIn(after, name);
      return now === undefined || now === type ? [] : [{ name, before: type, after: now }];
    }),
  };
}

function compareBlocks(before: readonly SnapshotBlock[], after: readonly SnapshotBlock[]): RowsByBlock {
  let sameAtStart = 0;
  for (const [index, block] of before.entries()) {
    if (after[index]?.digest !== block.digest) break;
    sameAtStart += block.rows;
  }
  const left = new Map<Digest, number>();
  for (const { digest } of before) left.set(digest, (left.get(digest) ?? 0) + 1);
  let same = 0;
  let inSameBlocks = 0;
  for (const { digest, rows } of after) {
    const count = left.get(digest) ?? 0;
    if (count === 0) continue;
    left.set(digest, count - 1);
    same += 1;
    inSameBlocks += rows;
  }
  return {
    by: "block",
    sameAtStart,
    inSameBlocks,
    blocks: { before: before.length, after: after.length, same },
  };
}

const EXAMPLES_OF_A_KIND = 5;

async function compareByKey(
  request: CompareRequest,
  common: readonly SchemaColumn[],
  key: readonly string[],
): Promise<RowsByKey> {
  const { before, after, blobs } = request;
  const keys = key.map((name) => keyColumn(request, common, name));
  const columns = common.filter(({ name }) => !key.includes(name));
  await verifyParts(before, blobs);
  await verifyParts(after, blobs);
  const fields = keyedFields(keys, columns);
  const rows: KeyedRows = {
    before: selectSnapshot(before, blobs, fields),
    after: selectSnapshot(after, blobs, fields),
    keys: keys.length,
    columns: columns.length,
  };
  return await withEngine(request, async (engine) => {
    for (const [which, select] of [
      ["first", rows.before],
      ["second", rows.after],
    ] as const) {
      const [shared] = await engine.rows(sharedKey(select, keys.length));
      if (shared !== undefined) throw notUnique({ which, key, shared });
    }
    const [counted = {}] = await engine.rows(countChanges(rows));
    const count = (name: string): number => Number(counted[name]);
    const examples: RowExample[] = [];
    for (const change of ["added", "removed", "changed"] as const) {
      if (count(change) === 0) continue;
      for (const row of await engine.rows(firstChanges(rows, change, EXAMPLES_OF_A_KIND)))
        examples.push(exampleOf(change, row, { keys: keys.length, columns }));
    }
    return {
      by: "key",
      key,
      added: count("added"),
      removed: count("removed"),
      changed: count("changed"),
      same: count("common") - count("changed"),
      changedColumns: columns
        .map(({ name }, at) => ({ name, rows: count(`d${at}`) }))
        .filter((column) => column.rows > 0),
      examples,
    };
  });
}

function keyColumn(
  { before, after }: CompareRequest,
  common: readonly SchemaColumn[],
  name: string,
): SchemaColumn {
  const found = common.find((column) => column.name === name);
  if (found !== undefined) return found;
  const known = common.map((column) => column.name);
  const inBoth = typeIn(before, name) !== undefined && typeIn(after, name) !== undefined;
  throw datasetsErrors.DATASETS_UNKNOWN_COLUMN.error(
    inBoth
      ? `the key's column ${name} is of another type in the second snapshot`
      : `the snapshots do not both have the key's column "${name}"${suggestion(name, known)}`,
    { details: { column: name, columns: known } },
  );
}

function notUnique(found: {
  readonly which: string;
  readonly key: readonly string[];
  readonly shared: Record<string, unknown>;
}): Error {
  const { which, key, shared } = found;
  const values = key.map((name, at) => `${name} ${shared[`t${at}`] ?? "missing"}`);
  return datasetsErrors.DATASETS_NO_KEY.error(
    `${key.join(", ")} does not name the rows of the ${which} snapshot: ${Number(shared.rows)} rows have ${values.join(", ")}`,
    { details: { key: [...key], rows: Number(shared.rows) }, hint: "Name more columns: --key id,date." },
  );
}

function exampleOf(
  change: ChangeKind,
  row: Record<string, unknown>,
  named: { readonly keys: number; readonly columns: readonly SchemaColumn[] },
): RowExample {
  const text = (field: string): string | null => {
    const value = row[field];
    return value === null || value === undefined ? null : String(value);
  };
  return {
    change,
    key: Array.from({ length: named.keys }, (_, at) => text(`t${at}`)),
    values:
      change === "changed"
        ? named.columns.flatMap(({ name }, at) =>
            row[`d${at}`] === true ? [{ column: name, before: text(`b${at}`), after: text(`a${at}`) }] : [],
          )
        : [],
  };
}

async function compareDistributions(
  request: CompareRequest,
  common: readonly SchemaColumn[],
): Promise<ColumnChanges[]> {
  const { before, after } = request;
  const changes: ColumnChanges[] = [];
  for (const { name, type } of common) {
    const first = before.profile.columns.find((column) => column.name === name);
    const second = after.profile.columns.find((column) => column.name === name);
    if (first === undefined || second === undefined) continue;
    const exact = request.exact === true && first.kind === "number" && first.count > 0 && second.count > 0;
    changes.push({
      name,
      type,
      missing: {
        before: before.rowCount === 0 ? null : first.missing / before.rowCount,
        after: after.rowCount === 0 ? null : second.missing / after.rowCount,
      },
      distances: exact ? await exactDistances(request, name) : compareColumns(first, second),
    });
  }
  return changes;
}

async function exactDistances(request: CompareRequest, column: string): Promise<readonly Distance[]> {
  const reference = await readColumn(request, request.before, column);
  const current = await readColumn(request, request.after, column);
  return distancesOfRows(reference, current);
}

async function readColumn(
  { blobs, signal }: CompareRequest,
  manifest: SnapshotManifest,
  column: string,
): Promise<TableColumn> {
  const table = await readSnapshot(manifest, {
    blobs,
    columns: [column],
    ...(signal === undefined ? {} : { signal }),
  });
  return table.columns.get(column)!;
}
