import type { ColumnType, TableColumn } from "../kernel/index.ts";
import type { Distance } from "../profile/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { FIRST_ROWS } from "./anomaly.ts";
import type { Engine } from "./engine.ts";
import { type EngineOptions, engineLimits, withEngine } from "./engine-session.ts";
import type { Evidence, Uniqueness } from "./evidence.ts";
import type { NeededEvidence } from "./needed-evidence.ts";
import { readSnapshot } from "./read-snapshot.ts";
import { type Condition, findOffences, type Offences } from "./row-conditions.ts";
import { distancesOfRows } from "./row-distances.ts";
import type { SnapshotManifest } from "./snapshot.ts";
import { selectSnapshot, verifyParts } from "./snapshot-rows.ts";
import { sqlName } from "./sql-quoting.ts";
import { countRepeated, firstRepeated } from "./uniqueness-queries.ts";

export interface EvidenceRequest extends EngineOptions {
  readonly manifest: SnapshotManifest;
  /** What distances are measured from. */
  readonly reference?: SnapshotManifest;
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

/**
 * Counts what is needed in the rows of a snapshot.
 *
 * @throws DATASETS_DAMAGED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED
 */
export async function gatherEvidence(needed: NeededEvidence, request: EvidenceRequest): Promise<Evidence> {
  const counted = await countUnique(
    [
      // The values of a single column are those present; a key takes missing values as values.
      ...needed.uniqueness.map((name) => ({ columns: [name], presentOnly: true })),
      ...(needed.key === undefined ? [] : [{ columns: needed.key, presentOnly: false }]),
    ],
    request,
  );
  return {
    offences: await countOffences(needed.conditions, request),
    uniqueness: new Map(needed.uniqueness.map((name, at) => [name, counted[at]!])),
    ...(needed.key === undefined ? {} : { key: counted.at(-1)! }),
    distances: await measureDistances(needed.distances, request),
  };
}

async function countOffences(
  conditions: ReadonlyMap<string, readonly Condition[]>,
  request: EvidenceRequest,
): Promise<Evidence["offences"]> {
  const counted = new Map<string, ReadonlyMap<Condition["kind"], Offences>>();
  for (const names of affordable([...conditions.keys()], request)) {
    const columns = await readColumns(request.manifest, names, request);
    for (const [name, { column, type }] of columns) {
      const offences = (conditions.get(name) ?? []).map(
        (condition) => [condition.kind, findOffences(column, type, condition)] as const,
      );
      counted.set(name, new Map(offences));
    }
  }
  return counted;
}

/** As many columns at a time as fit in the memory that the table engine may have. */
function affordable(names: readonly string[], request: EvidenceRequest): string[][] {
  const { memoryBytes } = engineLimits(request);
  const most = Math.max(1, Math.floor(memoryBytes / (8 * Math.max(1, request.manifest.rowCount))));
  const portions: string[][] = [];
  for (let at = 0; at < names.length; at += most) portions.push(names.slice(at, at + most));
  return portions;
}

async function readColumns(
  manifest: SnapshotManifest,
  names: readonly string[],
  { signal, ...options }: EvidenceRequest,
): Promise<Map<string, { column: TableColumn; type: ColumnType }>> {
  const table = await readSnapshot(manifest, {
    ...options,
    columns: names,
    ...(signal === undefined ? {} : { signal }),
  });
  return new Map(
    manifest.schema.flatMap(({ name, type }) => {
      const column = table.columns.get(name);
      return column === undefined ? [] : [[name, { column, type }] as const];
    }),
  );
}

interface Key {
  readonly columns: readonly string[];
  readonly presentOnly: boolean;
}

async function countUnique(keys: readonly Key[], request: EvidenceRequest): Promise<Uniqueness[]> {
  if (keys.length === 0) return [];
  await verifyParts(request.manifest, request.blobs);
  return await withEngine(request, async (engine) => {
    const counted: Uniqueness[] = [];
    for (const key of keys) counted.push(await uniquenessOf(key, engine, request));
    return counted;
  });
}

async function uniquenessOf(
  { columns, presentOnly }: Key,
  engine: Engine,
  { manifest, blobs }: EvidenceRequest,
): Promise<Uniqueness> {
  const typeOf = new Map(manifest.schema.map(({ name, type }) => [name, type]));
  const fields = columns.map((name, at) => `${sqlName(name)} AS k${at}`);
  const keyed = { select: selectSnapshot(manifest, blobs, fields), keys: columns.length, presentOnly };
  const [counted = {}] = await engine.rows(countRepeated(keyed));
  const rows = Number(counted.repeated);
  const first = rows === 0 ? [] : await engine.rows(firstRepeated(keyed, FIRST_ROWS));
  return {
    distinct: Number(counted.distinct),
    repeated: {
      rows,
      first: first.map((row) => ({
        row: Number(row.row),
        value: columns.map((name, at) => keyText(row[`t${at}`], typeOf.get(name))).join(", "),
      })),
      values: [],
    },
  };
}

/** The table engine writes times with a blank in them and without a zone. */
function keyText(text: unknown, type: ColumnType | undefined): string {
  if (text === null || text === undefined) return "–";
  return type === "timestamp" ? `${String(text).replace(" ", "T")}Z` : String(text);
}

async function measureDistances(
  names: readonly string[],
  request: EvidenceRequest,
): Promise<Map<string, readonly Distance[]>> {
  const measured = new Map<string, readonly Distance[]>();
  if (request.reference === undefined) return measured;
  for (const name of names) {
    const reference = (await readColumns(request.reference, [name], request)).get(name);
    const current = (await readColumns(request.manifest, [name], request)).get(name);
    if (reference !== undefined && current !== undefined)
      measured.set(name, distancesOfRows(reference.column, current.column));
  }
  return measured;
}
