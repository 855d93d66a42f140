import type { ColumnType as Column } from "kysely";

/**
 * The tables as TypeScript sees them. The same on both databases: texts, integers (`bigint`), JSON as text, times as
 * epoch milliseconds, flags as 0 and 1. Which room writes a table is said beside it.
 */
export interface DatabaseSchema {
  /** storage: which migrations have run. */
  slipway_migrations: { version: Fixed<number>; name: Fixed<string>; applied_at: Fixed<number> };
  /** registry: the journal of every change, append-only, each entry holding the hash of the one before. */
  journal: JournalTable;
  /** registry: immutable versions of datasets. */
  snapshots: SnapshotTable;
  /** registry: movable names of snapshots. */
  snapshot_tags: SnapshotTagTable;
  /** registry: the last validation of each snapshot. */
  snapshot_validations: SnapshotValidationTable;
  /** registry: executions of a model's pipeline. */
  runs: RunTable;
  /** registry: names under which versions are numbered. */
  models: { name: Fixed<string>; created_at: Fixed<number> };
  /** registry: numbered bundles of a model and where they came from. */
  versions: VersionTable;
  /** registry: movable names of versions. */
  aliases: AliasTable;
  /** registry: attempts to rebuild a version from its recipe. */
  reproductions: ReproductionTable;
  /** registry: one row (id 1) with the number of the newest routing document. */
  routing: { id: Fixed<number>; generation: number; changed_at: number };
}

/** A column that is written once. */
type Fixed<Type> = Column<Type, Type, never>;

interface JournalTable {
  sequence: Fixed<number>;
  at: Fixed<number>;
  actor: Fixed<string>;
  action: Fixed<string>;
  model: Fixed<string | null>;
  reason: Fixed<string | null>;
  details: Fixed<string>;
  previous: Fixed<string>;
  hash: Fixed<string>;
}

interface SnapshotTable {
  dataset: Fixed<string>;
  digest: Fixed<string>;
  /** Position in the history of all snapshots; moves to the end when the same rows are recorded again. */
  position: number;
  manifest_blob: string;
  row_count: Fixed<number>;
  recorded_at: number;
  actor: string;
}

interface SnapshotTagTable {
  dataset: Fixed<string>;
  name: Fixed<string>;
  digest: string;
  actor: string;
  changed_at: number;
}

interface SnapshotValidationTable {
  dataset: Fixed<string>;
  digest: Fixed<string>;
  errors: number;
  warnings: number;
  report: string;
  actor: string;
  validated_at: number;
}

interface RunTable {
  id: Fixed<string>;
  model: Fixed<string>;
  state: string;
  actor: Fixed<string>;
  owner: Fixed<string | null>;
  details: Fixed<string>;
  steps: string;
  outcome: string | null;
  created_at: Fixed<number>;
  started_at: number | null;
  updated_at: number;
  finished_at: number | null;
}

interface VersionTable {
  model: Fixed<string>;
  version: Fixed<number>;
  bundle: Fixed<string>;
  status: string;
  run: Fixed<string | null>;
  dataset: Fixed<string | null>;
  snapshot: Fixed<string | null>;
  plan: Fixed<string | null>;
  recipe: Fixed<string>;
  metrics: string;
  gates: string;
  code: Fixed<string>;
  actor: Fixed<string>;
  reason: Fixed<string | null>;
  registered_at: Fixed<number>;
  /** Where it was registered before, if it came from another installation. */
  origin: Fixed<string | null>;
}

interface AliasTable {
  model: Fixed<string>;
  name: Fixed<string>;
  version: number;
  actor: string;
  changed_at: number;
}

interface ReproductionTable {
  sequence: Fixed<number>;
  model: Fixed<string>;
  version: Fixed<number>;
  verdict: Fixed<string>;
  details: Fixed<string>;
  actor: Fixed<string>;
  at: Fixed<number>;
}
