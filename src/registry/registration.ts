import type { Digest } from "../kernel/index.ts";
import { moveAlias } from "./alias-records.ts";
import { type Change, change, type RegistryContext } from "./change.ts";
import { jsonCopy } from "./json-copy.ts";
import { checkActor, checkName } from "./names.ts";
import type { ProvenanceStep } from "./provenance.ts";
import { nextVersion, selectAliases, selectVersions } from "./queries.ts";
import { finishRun, requireRun } from "./run-records.ts";
import { insertModel, insertVersion, updateJudgement } from "./store.ts";
import { CHAMPION, type Version, type VersionStatus } from "./version.ts";

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
  /** Make it champion if it was accepted and the model has none. Default false. */
  readonly championIfFirst?: boolean;
  /** Finish the run too, as succeeded or rejected. Default false. */
  readonly finishesRun?: boolean;
}

export interface Registration {
  readonly version: number;
  /** True when the model had this bundle as this version before. */
  readonly alreadyRegistered: boolean;
  readonly status: VersionStatus;
  /** Whether it is the champion now. */
  readonly champion: boolean;
}

export function registrations(context: RegistryContext) {
  return {
    /**
     * Registers a bundle as the next version of a model, with what follows from it, in one transaction. A bundle that the
     * model has already keeps its number and its lineage; if its gates decided otherwise this time, status, metrics and
     * gates become those of the new decision; what another installation decided changes nothing here.
     *
     * @throws REGISTRY_BAD_NAME, KERNEL_NOT_CANONICAL, and where the run is finished too REGISTRY_UNKNOWN_RUN, REGISTRY_RUN_STATE
     */
    async registerVersion(wanted: NewVersion): Promise<Registration> {
      checkName("model", wanted.model);
      checkActor(wanted.actor);
      return await change(context, async (open) => {
        const registered = await register(open, wanted);
        const champion = await championAfter(open, wanted, registered);
        if (wanted.finishesRun && wanted.run !== null) {
          await finishRun(open, await requireRun(open.db, wanted.run), {
            id: wanted.run,
            state: wanted.status === "accepted" ? "succeeded" : "rejected",
            actor: wanted.actor,
            outcome: { version: registered.version, snapshot: wanted.snapshot },
          });
        }
        return { ...registered, champion: champion === registered.version };
      });
    },
  };
}

async function register(open: Change, wanted: NewVersion): Promise<Omit<Registration, "champion">> {
  const { model, bundle, status } = wanted;
  const [existing] = await selectVersions(open.db, { model, bundle });
  if (existing === undefined)
    return { version: await insert(open, wanted), alreadyRegistered: false, status };
  const { version } = existing;
  if (wanted.origin !== undefined) return { version, alreadyRegistered: true, status: existing.status };
  if (existing.status !== status) await reevaluate(open, { existing, wanted });
  return { version, alreadyRegistered: true, status };
}

async function championAfter(
  open: Change,
  { model, actor, championIfFirst }: NewVersion,
  { version, status }: Pick<Registration, "version" | "status">,
): Promise<number | undefined> {
  const aliases = await selectAliases(open.db, model);
  const champion = aliases.find(({ name }) => name === CHAMPION)?.version;
  if (champion !== undefined || !championIfFirst || status !== "accepted") return champion;
  const reason = "first accepted version";
  await moveAlias(open, { model, alias: CHAMPION, version, actor, reason }, "alias.moved");
  return version;
}

async function insert({ db, at, note }: Change, wanted: NewVersion): Promise<number> {
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
  return version;
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
