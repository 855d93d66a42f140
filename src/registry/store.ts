import { canonicalJson } from "../kernel/index.ts";
import type { WriteTransaction } from "../storage/index.ts";
import type { JournalEntry } from "./journal.ts";
import { nextPosition, nextReproduction, selectGeneration } from "./queries.ts";
import type { Run } from "./run.ts";
import type { Validation } from "./validation-records.ts";
import type { Reproduction, SnapshotRecord, SnapshotTag, Version } from "./version.ts";

export async function insertEntry(db: WriteTransaction, entry: JournalEntry): Promise<void> {
  await db
    .insertInto("journal")
    .values({ ...entry, details: canonicalJson(entry.details) })
    .execute();
}

/** Inserts a snapshot as the newest, or makes one that is there the newest. */
export async function upsertSnapshot(db: WriteTransaction, snapshot: SnapshotRecord): Promise<void> {
  const next = await nextPosition(db);
  const movable = {
    position: next,
    manifest_blob: snapshot.manifestBlob,
    recorded_at: snapshot.recordedAt,
    actor: snapshot.actor,
  };
  await db
    .insertInto("snapshots")
    .values({ dataset: snapshot.dataset, digest: snapshot.digest, row_count: snapshot.rowCount, ...movable })
    .onConflict((conflict) => conflict.columns(["dataset", "digest"]).doUpdateSet(movable))
    .execute();
}

export async function deleteSnapshot(
  db: WriteTransaction,
  { dataset, digest }: Pick<SnapshotRecord, "dataset" | "digest">,
): Promise<void> {
  await db
    .deleteFrom("snapshot_validations")
    .where("dataset", "=", dataset)
    .where("digest", "=", digest)
    .execute();
  await db.deleteFrom("snapshots").where("dataset", "=", dataset).where("digest", "=", digest).execute();
}

export async function upsertValidation(db: WriteTransaction, validation: Validation): Promise<void> {
  const { dataset, digest, errors, warnings, actor } = validation;
  const report = canonicalJson(validation.report);
  const movable = { errors, warnings, report, actor, validated_at: validation.validatedAt };
  await db
    .insertInto("snapshot_validations")
    .values({ dataset, digest, ...movable })
    .onConflict((conflict) => conflict.columns(["dataset", "digest"]).doUpdateSet(movable))
    .execute();
}

export async function upsertTag(db: WriteTransaction, tag: SnapshotTag): Promise<void> {
  const { dataset, name, digest, actor, changedAt } = tag;
  const movable = { digest, actor, changed_at: changedAt };
  await db
    .insertInto("snapshot_tags")
    .values({ dataset, name, ...movable })
    .onConflict((conflict) => conflict.columns(["dataset", "name"]).doUpdateSet(movable))
    .execute();
}

export async function deleteTag(
  db: WriteTransaction,
  { dataset, name }: Pick<SnapshotTag, "dataset" | "name">,
): Promise<void> {
  await db.deleteFrom("snapshot_tags").where("dataset", "=", dataset).where("name", "=", name).execute();
}

export async function insertRun(db: WriteTransaction, run: Run): Promise<void> {
  const { id, model, state, actor, owner } = run;
  const fixed = {
    id,
    model,
    state,
    actor,
    owner,
    details: canonicalJson(run.details),
    created_at: run.createdAt,
  };
  await db
    .insertInto("runs")
    .values({ ...fixed, ...changeableRun(run) })
    .execute();
}

export async function updateRunRow(db: WriteTransaction, run: Run): Promise<void> {
  await db.updateTable("runs").set(changeableRun(run)).where("id", "=", run.id).execute();
}

function changeableRun(run: Run) {
  return {
    state: run.state,
    steps: canonicalJson(run.steps),
    outcome: run.outcome === null ? null : canonicalJson(run.outcome),
    started_at: run.startedAt,
    updated_at: run.updatedAt,
    finished_at: run.finishedAt,
  };
}

export async function insertModel(
  db: WriteTransaction,
  { name, at }: { name: string; at: number },
): Promise<void> {
  await db
    .insertInto("models")
    .values({ name, created_at: at })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
}

export async function insertVersion(db: WriteTransaction, version: Omit<Version, "aliases">): Promise<void> {
  const { recipe, metrics, gates, code, registeredAt, origin, ...rest } = version;
  await db
    .insertInto("versions")
    .values({
      ...rest,
      recipe: canonicalJson(recipe),
      metrics: canonicalJson(metrics),
      gates: canonicalJson(gates),
      code: canonicalJson(code),
      registered_at: registeredAt,
      origin: origin.length === 0 ? null : canonicalJson(origin),
    })
    .execute();
}

export async function updateJudgement(
  db: WriteTransaction,
  version: Pick<Version, "model" | "version" | "status" | "metrics" | "gates">,
): Promise<void> {
  await db
    .updateTable("versions")
    .set({
      status: version.status,
      metrics: canonicalJson(version.metrics),
      gates: canonicalJson(version.gates),
    })
    .where("model", "=", version.model)
    .where("version", "=", version.version)
    .execute();
}

export async function upsertAlias(
  db: WriteTransaction,
  alias: { model: string; name: string; version: number; actor: string; at: number },
): Promise<void> {
  const { model, name, version, actor, at } = alias;
  const movable = { version, actor, changed_at: at };
  await db
    .insertInto("aliases")
    .values({ model, name, ...movable })
    .onConflict((conflict) => conflict.columns(["model", "name"]).doUpdateSet(movable))
    .execute();
}

export async function advanceGeneration(db: WriteTransaction, at: number): Promise<number> {
  const generation = (await selectGeneration(db)) + 1;
  const changed = { generation, changed_at: at };
  await db
    .insertInto("routing")
    .values({ id: 1, ...changed })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(changed))
    .execute();
  return generation;
}

export async function insertReproduction(db: WriteTransaction, reproduction: Reproduction): Promise<void> {
  const next = await nextReproduction(db);
  await db
    .insertInto("reproductions")
    .values({ ...reproduction, sequence: next, details: canonicalJson(reproduction.details) })
    .execute();
}
