import { type Change, change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { previousOf } from "./journal.ts";
import { checkActor, checkAlias } from "./names.ts";
import { selectAliased, selectAliases, selectAliasMoves, selectGeneration } from "./queries.ts";
import { type RoutingDocument, routingDocument } from "./routing.ts";
import { advanceGeneration, upsertAlias } from "./store.ts";
import { CHAMPION, type Version } from "./version.ts";
import { findVersion } from "./version-records.ts";

export interface AliasChange {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Make a version champion although its gates rejected it; the journal says so. */
  readonly force?: boolean | undefined;
}

export interface AliasChanged {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  /** What the alias named before. */
  readonly previous: number | null;
  /** Of the routing document that holds the change. */
  readonly generation: number;
  /** True when the version was rejected and force made the difference. */
  readonly forced: boolean;
  /** False when the alias named this version already: nothing was written. */
  readonly changed: boolean;
}

export function aliasRecords(context: RegistryContext) {
  return {
    /**
     * Makes an alias name a version. Routing gets its next generation in the same transaction.
     *
     * @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION, REGISTRY_REJECTED_VERSION, REGISTRY_BAD_NAME
     */
    async setAlias(wanted: AliasChange): Promise<AliasChanged> {
      checkAlias(wanted.alias);
      checkActor(wanted.actor);
      return await change(context, (open) => moveAlias(open, wanted, "alias.moved"));
    },

    /**
     * Makes an alias name what it named before its current version; rolling back again goes one further back.
     *
     * @throws REGISTRY_NO_PREVIOUS, REGISTRY_UNKNOWN_MODEL, REGISTRY_REJECTED_VERSION
     */
    async rollbackAlias(wanted: Omit<AliasChange, "version">): Promise<AliasChanged> {
      const { model, alias } = wanted;
      checkActor(wanted.actor);
      return await change(context, async (open) => {
        const version = previousOf(await selectAliasMoves(open.db, { model, alias }));
        if (version !== undefined) return await moveAlias(open, { ...wanted, version }, "alias.rolled-back");
        throw registryErrors.REGISTRY_NO_PREVIOUS.error(
          `"${alias}" of model "${model}" has named no other version before its current one`,
          { details: { model, alias }, hint: "`slipway deploy` makes any version champion." },
        );
      });
    },

    /** The version an alias names, or undefined. */
    async alias(model: string, name: string): Promise<number | undefined> {
      const aliases = await selectAliases(context.database.kysely, model);
      return aliases.find((alias) => alias.name === name)?.version;
    },

    /** The aliases of a model by name. */
    async aliases(model: string): Promise<{ name: string; version: number }[]> {
      const aliases = await selectAliases(context.database.kysely, model);
      return aliases.map(({ name, version }) => ({ name, version }));
    },

    /** The version that `rollbackAlias` would lead to, or undefined. */
    async previousTarget(model: string, alias: string): Promise<number | undefined> {
      return previousOf(await selectAliasMoves(context.database.kysely, { model, alias }));
    },

    /** What the data plane is to serve; generation 0 before any alias was set. */
    async routing(): Promise<RoutingDocument> {
      return await context.database.read(async (db) =>
        routingDocument(await selectGeneration(db), await selectAliased(db)),
      );
    },
  };
}

/** Makes an alias name a version within a change. */
export async function moveAlias(
  { db, at, note }: Change,
  wanted: AliasChange,
  action: "alias.moved" | "alias.rolled-back",
): Promise<AliasChanged> {
  const { model, alias, actor } = wanted;
  const target = await findVersion(db, { model, reference: wanted.version });
  const { version } = target;
  const aliases = await selectAliases(db, model);
  const previous = aliases.find(({ name }) => name === alias)?.version ?? null;
  if (previous === version) {
    const generation = await selectGeneration(db);
    return { model, alias, version, previous, generation, forced: false, changed: false };
  }
  const forced = alias === CHAMPION && target.status === "rejected";
  if (forced && !wanted.force) throw rejected(target);
  await upsertAlias(db, { model, name: alias, version, actor, at });
  const generation = await advanceGeneration(db, at);
  const details = { alias, version, previous, bundle: target.bundle, forced, generation };
  await note({ actor, action, model, reason: wanted.reason ?? null, details });
  return { model, alias, version, previous, generation, forced, changed: true };
}

function rejected({ model, version }: Version): Error {
  return registryErrors.REGISTRY_REJECTED_VERSION.error(
    `version ${version} of model "${model}" was rejected by its gates and cannot become champion`,
    {
      details: { model, version },
      hint: `\`slipway models ${model} ${version}\` shows the gates. \`--force\` deploys it all the same; the journal keeps that.`,
    },
  );
}
