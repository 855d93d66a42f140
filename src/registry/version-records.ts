import type { Queryable } from "../storage/index.ts";
import { change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { jsonCopy } from "./json-copy.ts";
import { checkActor } from "./names.ts";
import { hasModel, selectAliases, selectModels, selectReproductions, selectVersions } from "./queries.ts";
import { insertReproduction } from "./store.ts";
import type { ModelSummary, Reproduction, Version } from "./version.ts";

export function versionRecords(context: RegistryContext) {
  const { kysely } = context.database;
  return {
    /** Newest first; empty for a model that has none. */
    async versions(model: string, options: { readonly limit?: number } = {}): Promise<Version[]> {
      return await context.database.read((db) => selectVersions(db, { model, limit: options.limit }));
    },

    /**
     * @param reference a number (`3`, `"3"`, `"v3"`), an alias, or `latest`
     * @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION, REGISTRY_UNKNOWN_ALIAS
     */
    async version(model: string, reference: number | string): Promise<Version> {
      return await context.database.read((db) => findVersion(db, { model, reference }));
    },

    /** Models that have versions, by name. */
    async models(): Promise<ModelSummary[]> {
      return await selectModels(kysely);
    },

    /** @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION, REGISTRY_BAD_NAME */
    async recordReproduction(attempt: {
      readonly model: string;
      readonly version: number;
      /** `identical`, `different`, or what else came of it. */
      readonly verdict: string;
      /** Any JSON: what differs. */
      readonly details?: unknown;
      readonly actor: string;
      readonly reason?: string | undefined;
    }): Promise<void> {
      const { model, verdict } = attempt;
      const actor = checkActor(attempt.actor);
      await change(context, async ({ db, at, note }) => {
        const { version } = await findVersion(db, { model, reference: attempt.version });
        await insertReproduction(db, {
          model,
          version,
          verdict,
          details: jsonCopy(attempt.details),
          actor,
          at,
        });
        const details = { version, verdict };
        await note({ actor, action: "version.reproduced", model, reason: attempt.reason ?? null, details });
      });
    },

    /** Newest first. */
    async reproductions(model: string, version: number): Promise<Reproduction[]> {
      return await selectReproductions(kysely, { model, version });
    },
  };
}

/** @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION, REGISTRY_UNKNOWN_ALIAS */
export async function findVersion(
  db: Queryable,
  { model, reference }: { model: string; reference: number | string },
): Promise<Version> {
  if (!(await hasModel(db, model))) throw unknownModel(model);
  const number = versionNumber(reference);
  if (number !== undefined) {
    const [found] = await selectVersions(db, { model, version: number });
    if (found !== undefined) return found;
    const [latest] = await selectVersions(db, { model, limit: 1 });
    throw registryErrors.REGISTRY_UNKNOWN_VERSION.error(
      `model "${model}" has no version ${number}; its newest is ${latest?.version ?? "none"}`,
      { details: { model, version: number } },
    );
  }
  if (reference === "latest") {
    const [latest] = await selectVersions(db, { model, limit: 1 });
    if (latest !== undefined) return latest;
  }
  const aliases = await selectAliases(db, model);
  const alias = aliases.find(({ name }) => name === reference);
  if (alias === undefined) throw unknownAlias({ model, alias: String(reference), aliases });
  return await findVersion(db, { model, reference: alias.version });
}

function versionNumber(reference: number | string): number | undefined {
  const number =
    typeof reference === "number" ? reference : Number(/^v?(\d{1,15})$/.exec(reference)?.[1] ?? "NaN");
  if (Number.isSafeInteger(number)) return number;
  return typeof reference === "number" ? 0 : undefined;
}

function unknownModel(model: string): Error {
  return registryErrors.REGISTRY_UNKNOWN_MODEL.error(
    `no version of a model "${model.slice(0, 200)}" is registered`,
    {
      details: { model: model.slice(0, 200) },
      hint: "`slipway train` registers one; `slipway models` lists those there are.",
    },
  );
}

function unknownAlias(asked: { model: string; alias: string; aliases: readonly { name: string }[] }): Error {
  const names = asked.aliases.map(({ name }) => name);
  return registryErrors.REGISTRY_UNKNOWN_ALIAS.error(
    `model "${asked.model}" has no alias "${asked.alias.slice(0, 200)}"; it has ${names.join(", ") || "none"}`,
    {
      details: { model: asked.model, alias: asked.alias.slice(0, 200), aliases: names },
      hint: "A version is asked for by its number, by an alias, or as `latest`.",
    },
  );
}
