import { type Kysely, sql } from "kysely";
import type { Clock } from "../kernel/index.ts";
import type { DatabaseSchema } from "./database-schema.ts";
import { storageErrors } from "./errors.ts";

interface Migration {
  readonly name: string;
  readonly up: (db: Kysely<DatabaseSchema>) => Promise<void>;
}

/** In order; the version of a database is how many of them have run. One that has been released never changes. */
const MIGRATIONS: readonly Migration[] = [
  { name: "registry", up: createRegistryTables },
  { name: "snapshot tags", up: createSnapshotTags },
  { name: "version origins", up: addVersionOrigins },
  { name: "snapshot validations", up: createSnapshotValidations },
];

/** The version of a database that this release reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the database up to this release's schema. Runs inside a write transaction, so that of several processes that
 * open a database at once one migrates and the others find it done.
 *
 * @param until the version to stop at. Default: this release's
 * @throws STORAGE_DATABASE_NEWER
 */
export async function migrate(
  db: Kysely<DatabaseSchema>,
  { clock, location, until = SCHEMA_VERSION }: { clock: Clock; location: string; until?: number },
): Promise<void> {
  await db.schema
    .createTable("slipway_migrations")
    .ifNotExists()
    .addColumn("version", "bigint", (column) => column.primaryKey().notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("applied_at", "bigint", (column) => column.notNull())
    .execute();
  const { version } = await db
    .selectFrom("slipway_migrations")
    .select((select) => select.fn.coalesce(select.fn.max("version"), sql<number>`0`).as("version"))
    .executeTakeFirstOrThrow();
  const newest = Math.max(version, until);
  if (newest > SCHEMA_VERSION) {
    throw storageErrors.STORAGE_DATABASE_NEWER.error(
      version > SCHEMA_VERSION
        ? `the database ${location} has schema version ${version}; this version of Slipway knows ${SCHEMA_VERSION} and older`
        : `what is to be restored has schema version ${until}; this version of Slipway knows ${SCHEMA_VERSION} and older`,
      {
        details: { location, version: newest, known: SCHEMA_VERSION },
        hint: "Use the version of Slipway that wrote it, or a newer one.",
      },
    );
  }
  for (const [index, migration] of MIGRATIONS.slice(0, until).entries()) {
    if (index < version) continue;
    await migration.up(db);
    await db
      .insertInto("slipway_migrations")
      .values({ version: index + 1, name: migration.name, applied_at: clock() })
      .execute();
  }
}

async function createRegistryTables(db: Kysely<DatabaseSchema>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable("journal")
    .addColumn("sequence", "bigint", (column) => column.primaryKey().notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("model", "text")
    .addColumn("reason", "text")
    .addColumn("details", "text", (column) => column.notNull())
    .addColumn("previous", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
  await schema.createIndex("journal_by_model").on("journal").columns(["model", "sequence"]).execute();
  await schema
    .createTable("snapshots")
    .addColumn("dataset", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("position", "bigint", (column) => column.notNull().unique())
    .addColumn("manifest_blob", "text", (column) => column.notNull())
    .addColumn("row_count", "bigint", (column) => column.notNull())
    .addColumn("recorded_at", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("snapshots_key", ["dataset", "digest"])
    .execute();
  await schema
    .createTable("runs")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("owner", "text")
    .addColumn("details", "text", (column) => column.notNull())
    .addColumn("steps", "text", (column) => column.notNull())
    .addColumn("outcome", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .addColumn("finished_at", "bigint")
    .execute();
  await schema.createIndex("runs_by_model").on("runs").columns(["model", "created_at"]).execute();
  await schema.createIndex("runs_by_state").on("runs").columns(["state"]).execute();
  await createVersionTables(db);
}

async function createVersionTables({ schema }: Kysely<DatabaseSchema>): Promise<void> {
  await schema
    .createTable("models")
    .addColumn("name", "text", (column) => column.primaryKey().notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await schema
    .createTable("versions")
    .addColumn("model", "text", (column) => column.notNull().references("models.name"))
    .addColumn("version", "bigint", (column) => column.notNull())
    .addColumn("bundle", "text", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("run", "text")
    .addColumn("dataset", "text")
    .addColumn("snapshot", "text")
    .addColumn("plan", "text")
    .addColumn("recipe", "text", (column) => column.notNull())
    .addColumn("metrics", "text", (column) => column.notNull())
    .addColumn("gates", "text", (column) => column.notNull())
    .addColumn("code", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("reason", "text")
    .addColumn("registered_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("versions_key", ["model", "version"])
    .addUniqueConstraint("versions_bundle", ["model", "bundle"])
    .execute();
  await schema
    .createTable("aliases")
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("version", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("aliases_key", ["model", "name"])
    .addForeignKeyConstraint("aliases_version", ["model", "version"], "versions", ["model", "version"])
    .execute();
  await schema
    .createTable("reproductions")
    .addColumn("sequence", "bigint", (column) => column.primaryKey().notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("version", "bigint", (column) => column.notNull())
    .addColumn("verdict", "text", (column) => column.notNull())
    .addColumn("details", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addForeignKeyConstraint("reproductions_version", ["model", "version"], "versions", ["model", "version"])
    .execute();
  await schema
    .createTable("routing")
    .addColumn("id", "bigint", (column) => column.primaryKey().notNull())
    .addColumn("generation", "bigint", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .execute();
}

async function createSnapshotTags({ schema }: Kysely<DatabaseSchema>): Promise<void> {
  await schema
    .createTable("snapshot_tags")
    .addColumn("dataset", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("snapshot_tags_key", ["dataset", "name"])
    .addForeignKeyConstraint("snapshot_tags_snapshot", ["dataset", "digest"], "snapshots", [
      "dataset",
      "digest",
    ])
    .execute();
}

async function addVersionOrigins({ schema }: Kysely<DatabaseSchema>): Promise<void> {
  await schema.alterTable("versions").addColumn("origin", "text").execute();
}

async function createSnapshotValidations({ schema }: Kysely<DatabaseSchema>): Promise<void> {
  await schema
    .createTable("snapshot_validations")
    .addColumn("dataset", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("errors", "bigint", (column) => column.notNull())
    .addColumn("warnings", "bigint", (column) => column.notNull())
    .addColumn("report", "text", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("validated_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("snapshot_validations_key", ["dataset", "digest"])
    .addForeignKeyConstraint("snapshot_validations_snapshot", ["dataset", "digest"], "snapshots", [
      "dataset",
      "digest",
    ])
    .execute();
}
