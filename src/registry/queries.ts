import { type Selectable, sql } from "kysely";
import { type Digest, type JsonValue, parseDigest } from "../kernel/index.ts";
import type { DatabaseSchema, Queryable } from "../storage/index.ts";
import { type AliasMove, GENESIS, type JournalEntry, type JournalHead } from "./journal.ts";
import type { AliasedVersion } from "./routing.ts";
import { isRunState, type Run, type RunState } from "./run.ts";
import type { Validation } from "./validation-records.ts";
import {
  CHAMPION,
  type ModelSummary,
  type Reproduction,
  type SnapshotRecord,
  type SnapshotTag,
  type Version,
  type VersionStatus,
} from "./version.ts";

type Row<Table extends keyof DatabaseSchema> = Selectable<DatabaseSchema[Table]>;

export async function journalHead(db: Queryable): Promise<JournalHead> {
  const row = await db
    .selectFrom("journal")
    .select(["sequence", "hash"])
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? GENESIS : { sequence: row.sequence, hash: parseDigest(row.hash) };
}

/** Newest first. */
export async function selectEntries(
  db: Queryable,
  { model, limit, before }: { model?: string | undefined; limit: number; before?: number | undefined },
): Promise<JournalEntry[]> {
  let query = db.selectFrom("journal").selectAll().orderBy("sequence", "desc").limit(limit);
  if (model !== undefined) query = query.where("model", "=", model);
  if (before !== undefined) query = query.where("sequence", "<", before);
  return (await query.execute()).map(toEntry);
}

/** Oldest first. */
export async function selectEntriesAfter(
  db: Queryable,
  { sequence, limit }: { sequence: number; limit: number },
): Promise<JournalEntry[]> {
  const rows = await db
    .selectFrom("journal")
    .selectAll()
    .where("sequence", ">", sequence)
    .orderBy("sequence")
    .limit(limit)
    .execute();
  return rows.map(toEntry);
}

/** The moves of one alias, oldest first. */
export async function selectAliasMoves(
  db: Queryable,
  { model, alias }: { model: string; alias: string },
): Promise<AliasMove[]> {
  const rows = await db
    .selectFrom("journal")
    .select(["action", "details"])
    .where("model", "=", model)
    .where("action", "in", ["alias.moved", "alias.rolled-back"])
    .orderBy("sequence")
    .execute();
  return rows.flatMap((row) => {
    const details = parseObject(row.details);
    if (details.alias !== alias) return [];
    return [{ version: Number(details.version), rolledBack: row.action === "alias.rolled-back" }];
  });
}

function toEntry(row: Row<"journal">): JournalEntry {
  const { previous, hash, details, ...rest } = row;
  return { ...rest, details: parseObject(details), previous: previous as Digest, hash: hash as Digest };
}

/** Newest first. */
export async function selectSnapshots(
  db: Queryable,
  { dataset, prefix, limit }: { dataset?: string | undefined; prefix?: string; limit?: number },
): Promise<SnapshotRecord[]> {
  let query = db.selectFrom("snapshots").selectAll().orderBy("position", "desc");
  if (dataset !== undefined) query = query.where("dataset", "=", dataset);
  if (prefix !== undefined) query = query.where(beginsWith("digest", prefix));
  if (limit !== undefined) query = query.limit(limit);
  return (await query.execute()).map((row) => ({
    dataset: row.dataset,
    digest: parseDigest(row.digest),
    manifestBlob: parseDigest(row.manifest_blob),
    rowCount: row.row_count,
    recordedAt: row.recorded_at,
    actor: row.actor,
  }));
}

/** The tags of a dataset, or of all, by name. */
export async function selectTags(
  db: Queryable,
  { dataset, name }: { dataset?: string | undefined; name?: string } = {},
): Promise<SnapshotTag[]> {
  let query = db.selectFrom("snapshot_tags").selectAll();
  if (dataset !== undefined) query = query.where("dataset", "=", dataset);
  if (name !== undefined) query = query.where("name", "=", name);
  return (await query.execute())
    .map(({ changed_at: changedAt, digest, ...row }) => ({ ...row, digest: parseDigest(digest), changedAt }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The last validations of snapshots of a dataset: of one snapshot, or those that found errors. */
export async function selectValidations(
  db: Queryable,
  wanted: { readonly dataset: string; readonly digest?: Digest; readonly refused?: boolean },
): Promise<Validation[]> {
  let query = db.selectFrom("snapshot_validations").selectAll().where("dataset", "=", wanted.dataset);
  if (wanted.digest !== undefined) query = query.where("digest", "=", wanted.digest);
  if (wanted.refused === true) query = query.where("errors", ">", 0);
  return (await query.execute()).map(({ validated_at: validatedAt, ...row }) => ({
    ...row,
    digest: parseDigest(row.digest),
    report: JSON.parse(row.report),
    validatedAt,
  }));
}

/** What was recorded of datasets up to a time, newest first, page by page. */
export async function selectRecordings(
  db: Queryable,
  { until, before, limit }: { until: number; before: number | undefined; limit: number },
): Promise<JournalEntry[]> {
  let query = db
    .selectFrom("journal")
    .selectAll()
    .where("action", "=", "snapshot.recorded")
    .where("at", "<=", until)
    .orderBy("sequence", "desc")
    .limit(limit);
  if (before !== undefined) query = query.where("sequence", "<", before);
  return (await query.execute()).map(toEntry);
}

/** Dataset and snapshot of every version. */
export async function selectVersionSnapshots(
  db: Queryable,
): Promise<{ dataset: string | null; snapshot: string | null }[]> {
  return await db.selectFrom("versions").select(["dataset", "snapshot"]).distinct().execute();
}

export async function selectRun(db: Queryable, id: string): Promise<Run | undefined> {
  const row = await db.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirst();
  return row && toRun(row);
}

/** Newest first. */
export async function selectRuns(
  db: Queryable,
  filter: {
    model?: string | undefined;
    prefix?: string;
    states?: readonly RunState[];
    limit?: number | undefined;
  },
): Promise<Run[]> {
  let query = db.selectFrom("runs").selectAll().orderBy("created_at", "desc").orderBy("id", "desc");
  if (filter.model !== undefined) query = query.where("model", "=", filter.model);
  if (filter.prefix !== undefined) query = query.where(beginsWith("id", filter.prefix));
  if (filter.states !== undefined) query = query.where("state", "in", filter.states);
  if (filter.limit !== undefined) query = query.limit(filter.limit);
  return (await query.execute()).map(toRun);
}

function toRun(row: Row<"runs">): Run {
  const { id, model, state, actor, owner } = row;
  if (!isRunState(state)) throw new Error(`run ${id} has the unknown state "${state}"`);
  return {
    id,
    model,
    state,
    actor,
    owner,
    details: JSON.parse(row.details),
    steps: JSON.parse(row.steps),
    outcome: row.outcome === null ? null : JSON.parse(row.outcome),
    createdAt: row.created_at,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}

export async function hasModel(db: Queryable, name: string): Promise<boolean> {
  return (
    (await db.selectFrom("models").select("name").where("name", "=", name).executeTakeFirst()) !== undefined
  );
}

export async function selectModels(db: Queryable): Promise<ModelSummary[]> {
  const rows = await db
    .selectFrom("models")
    .innerJoin("versions", "versions.model", "models.name")
    .leftJoin("aliases", (join) =>
      join.onRef("aliases.model", "=", "models.name").on("aliases.name", "=", CHAMPION),
    )
    .groupBy(["models.name", "models.created_at", "aliases.version"])
    .select((select) => [
      "models.name",
      "models.created_at as createdAt",
      "aliases.version as champion",
      select.fn.max("versions.version").as("latest"),
      select.fn.count<number>("versions.version").as("versions"),
    ])
    .execute();
  return rows
    .map((row) => ({ ...row, champion: row.champion ?? null }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function nextVersion(db: Queryable, model: string): Promise<number> {
  const { next } = await db
    .selectFrom("versions")
    .where("model", "=", model)
    .select((select) => sql<number>`coalesce(${select.fn.max("version")}, 0) + 1`.as("next"))
    .executeTakeFirstOrThrow();
  return next;
}

/** Newest first. */
export async function selectVersions(
  db: Queryable,
  filter: {
    model: string;
    version?: number;
    bundle?: Digest;
    limit?: number | undefined;
  },
): Promise<Version[]> {
  let query = db
    .selectFrom("versions")
    .selectAll()
    .where("model", "=", filter.model)
    .orderBy("version", "desc");
  if (filter.version !== undefined) query = query.where("version", "=", filter.version);
  if (filter.bundle !== undefined) query = query.where("bundle", "=", filter.bundle);
  if (filter.limit !== undefined) query = query.limit(filter.limit);
  const rows = await query.execute();
  const aliases = await selectAliases(db, filter.model);
  return rows.map((row) => toVersion(row, aliases));
}

/** Model, number and bundle of every version, for checking the journal against them. */
export async function selectVersionKeys(
  db: Queryable,
): Promise<{ model: string; version: number; bundle: string; status: string }[]> {
  return await db.selectFrom("versions").select(["model", "version", "bundle", "status"]).execute();
}

function toVersion(row: Row<"versions">, aliases: readonly { name: string; version: number }[]): Version {
  const { model, version, bundle, status, run, dataset, snapshot, plan, actor, reason } = row;
  return {
    model,
    version,
    bundle: parseDigest(bundle),
    status: toStatus(status),
    aliases: aliases.filter((alias) => alias.version === version).map(({ name }) => name),
    run,
    dataset,
    snapshot: snapshot === null ? null : parseDigest(snapshot),
    plan: plan === null ? null : parseDigest(plan),
    recipe: JSON.parse(row.recipe),
    metrics: JSON.parse(row.metrics),
    gates: JSON.parse(row.gates),
    code: JSON.parse(row.code),
    actor,
    reason,
    registeredAt: row.registered_at,
    origin: row.origin === null ? [] : JSON.parse(row.origin),
  };
}

function toStatus(text: string): VersionStatus {
  if (text === "accepted" || text === "rejected") return text;
  throw new Error(`a version has the unknown status "${text}"`);
}

/** The aliases of a model, or of all, by name. */
export async function selectAliases(
  db: Queryable,
  model?: string,
): Promise<{ model: string; name: string; version: number }[]> {
  let query = db.selectFrom("aliases").select(["model", "name", "version"]);
  if (model !== undefined) query = query.where("model", "=", model);
  return (await query.execute()).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function selectGeneration(db: Queryable): Promise<number> {
  const row = await db.selectFrom("routing").select("generation").where("id", "=", 1).executeTakeFirst();
  return row?.generation ?? 0;
}

export async function selectAliased(db: Queryable): Promise<AliasedVersion[]> {
  const rows = await db
    .selectFrom("aliases")
    .innerJoin("versions", (join) =>
      join.onRef("versions.model", "=", "aliases.model").onRef("versions.version", "=", "aliases.version"),
    )
    .select(["aliases.model", "aliases.name as alias", "aliases.version", "versions.bundle"])
    .execute();
  return rows.map((row) => ({ ...row, bundle: parseDigest(row.bundle) }));
}

/** Newest first. */
export async function selectReproductions(
  db: Queryable,
  { model, version }: { model: string; version: number },
): Promise<Reproduction[]> {
  const rows = await db
    .selectFrom("reproductions")
    .select(["model", "version", "verdict", "details", "actor", "at"])
    .where("model", "=", model)
    .where("version", "=", version)
    .orderBy("sequence", "desc")
    .execute();
  return rows.map((row) => ({ ...row, details: JSON.parse(row.details) }));
}

/** The position after that of the newest snapshot. */
export async function nextPosition(db: Queryable): Promise<number> {
  const { next } = await db
    .selectFrom("snapshots")
    .select((select) => sql<number>`coalesce(${select.fn.max("position")}, 0) + 1`.as("next"))
    .executeTakeFirstOrThrow();
  return next;
}

export async function nextReproduction(db: Queryable): Promise<number> {
  const { next } = await db
    .selectFrom("reproductions")
    .select((select) => sql<number>`coalesce(${select.fn.max("sequence")}, 0) + 1`.as("next"))
    .executeTakeFirstOrThrow();
  return next;
}

/** Unlike LIKE the same on every database: no wildcards, case counts. */
function beginsWith(column: "digest" | "id", prefix: string) {
  return sql<boolean>`substr(${sql.ref(column)}, 1, ${sql.lit(prefix.length)}) = ${prefix}`;
}

function parseObject(text: string): Readonly<Record<string, JsonValue>> {
  return JSON.parse(text);
}
