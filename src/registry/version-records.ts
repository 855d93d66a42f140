import type { Digest } from "../kernel/index.ts";
import type { Queryable } from "../storage/index.ts";
import { type Change, change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { jsonCopy } from "./json-copy.ts";
import { checkActor, checkName } from "./names.ts";
import type { ProvenanceStep } from "./provenance.ts";
import {
  hasModel,
  nextVersion,
  selectAliases,
  selectModels,
  selectReproductions,
  selectVersions,
} from "./queries.ts";
import { insertModel, insertReproduction, insertVersion, updateJudgement } from "./store.ts";
import type { ModelSummary, Reproduction, Version, VersionStatus } from "./version.ts";

export interface NewVersion {
  readonly model: string;
  readonly bundle: Digest;
  readonly status: VersionStatus;
  readonly run: string | null;
  readonly dataset: string | null;
  readonly snapshot: Digest | null;
  readonly plan: Digest | null;
  /** Any JSON: everything needed to build the bundle again. */
  readonly recipe: unknown;
  /** Any JSON. */
  readonly metrics: unknown;
  /** Any JSON. */
  readonly gates: unknown;
  /** Any JSON: version of Slipway, commit of the project. */
  readonly code?: unknown;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** The installations that it was registered in before, when it comes from another one. */
  readonly origin?: readonly ProvenanceStep[];
}

export interface Registration {
  readonly version: number;
  /** True when the model had this bundle as this version before. */
  readonly alreadyRegistered: boolean;
  readonly status: VersionStatus;
}

export function versionRecords(context: RegistryContext) {
  const { kysely } = context.database;
  return {
    /**
     * Registers a bundle as the next version of a model. A bundle that the model has already keeps its number and its
     * lineage; if its gates decided otherwise this time, status, metrics and gates become those of the new decision. What
     * another installation thought of it changes nothing here.
     *
     * @throws REGISTRY_BAD_NAME, KERNEL_NOT_CANONICAL
     */
    async registerVersion(wanted: NewVersion): Promise<Registration> {
      const model = checkName("model", wanted.model);
      checkActor(wanted.actor);
      return await change(context, async (open) => {
        const [existing] = await selectVersions(open.db, { model, bundle: wanted.bundle });
        if (existing === undefined) return await register(open, wanted);
        const { version, status } = existing;
        if (wanted.origin !== undefined || status === wanted.status)
          return { version, alreadyRegistered: true, status };
        await reevaluate(open, { existing, wanted });
        return { version, alreadyRegistered: true, status: wanted.status };
      });
    },

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

async function register({ db, at, note }: Change, wanted: NewVersion): Promise<Registration> {
  const { model, bundle, status, run, dataset, snapshot, plan, actor } = wanted;
  await insertModel(db, { name: model, at });
  const version = await nextVersion(db, model);
  const reason = wanted.reason ?? null;
  const origin = wanted.origin ?? [];
  await insertVersion(db, {
    ...{ model, version, bundle, status, run, dataset, snapshot, plan, actor, reason },
    recipe: jsonCopy(wanted.recipe),
    metrics: jsonCopy(wanted.metrics),
    gates: jsonCopy(wanted.gates),
    code: jsonCopy(wanted.code),
    registeredAt: at,
    origin,
  });
  const from = origin.at(-1);
  const details = {
    ...{ version, bundle, status, run, dataset, snapshot, plan, code: jsonCopy(wanted.code) },
    ...(from === undefined
      ? {}
      : { origin: { installation: from.installation, model: from.model, version: from.version } }),
  };
  await note({ actor, action: "version.registered", model, reason, details });
  return { version, alreadyRegistered: false, status };
}

async function reevaluate(
  { db, note }: Change,
  { existing, wanted }: { existing: Version; wanted: NewVersion },
): Promise<void> {
  const { model, version, bundle } = existing;
  const { status, run, snapshot } = wanted;
  await updateJudgement(db, {
    model,
    version,
    status,
    metrics: jsonCopy(wanted.metrics),
    gates: jsonCopy(wanted.gates),
  });
  await note({
    actor: wanted.actor,
    action: "version.reevaluated",
    model,
    reason: wanted.reason ?? null,
    details: { version, bundle, before: existing.status, status, run, snapshot },
  });
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
