import { openBundle } from "../bundle/index.ts";
import { loadProject } from "../project/index.ts";
import type { Version } from "../registry/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { versionDetail } from "./version-detail.ts";
import { metricsOf, originOf, versionRecord } from "./version-records.ts";

type ModelHandlers = Pick<ControlHandlers, "models.list" | "models.versions" | "models.show" | "journal">;

export function modelHandlers(context: ControlContext): ModelHandlers {
  const { registry } = context;
  return {
    "models.list": async () => ({ models: await listModels(context) }),
    "models.versions": async ({ model, limit }) => ({
      versions: (await registry.versions(model)).slice(0, limit).map(versionRecord),
    }),
    "models.show": async ({ model, version }) =>
      showVersion(context, await findVersion(context, model, version)),
    journal: async ({ model, limit, before }) => {
      const entries = await registry.journal({
        limit,
        ...(model === undefined ? {} : { model }),
        ...(before === undefined ? {} : { before }),
      });
      return {
        entries: entries.map(({ sequence, at, actor, action, model: about, reason, details }) => ({
          sequence,
          at: isoTime(at),
          actor,
          action,
          model: about,
          reason,
          details: details as OperationOutput<"journal">["entries"][number]["details"],
        })),
      };
    },
  };
}

/** The version named, else the champion, else the newest. @throws REGISTRY_UNKNOWN_MODEL, REGISTRY_UNKNOWN_VERSION, REGISTRY_UNKNOWN_ALIAS */
export async function findVersion(
  context: ControlContext,
  model: string,
  reference: number | string | undefined,
): Promise<Version> {
  const { registry } = context;
  if (reference !== undefined) return registry.version(model, reference);
  const champion = await registry.alias(model, "champion");
  if (champion !== undefined) return registry.version(model, champion);
  const [newest] = await registry.versions(model);
  return newest ?? registry.version(model, 1);
}

/** Models of the project first, in its order; then those that only the registry knows. */
async function listModels(context: ControlContext): Promise<OperationOutput<"models.list">["models"]> {
  const project = await loadProject(context.location.projectRoot);
  const registered = new Map((await context.registry.models()).map((model) => [model.name, model]));
  const names = new Set([...project.models.keys(), ...registered.keys()]);
  return await Promise.all(
    [...names].map(async (name) => {
      const declared = project.models.get(name);
      const known = registered.get(name);
      const [newest] = declared === undefined ? await context.registry.versions(name, { limit: 1 }) : [];
      return {
        name,
        declared: declared !== undefined,
        imported: newest !== undefined && isImported(newest),
        dataset: declared === undefined ? null : project.datasetNameOf(name),
        task: declared?.target.task ?? (newest === undefined ? null : metricsOf(newest).task),
        versions: known?.versions ?? 0,
        latest: known?.latest ?? null,
        champion: known?.champion ?? null,
      };
    }),
  );
}

/** From a file of another program, or from another installation. */
function isImported(version: Version): boolean {
  return originOf(version) !== undefined || version.origin.length > 0;
}

async function showVersion(
  context: ControlContext,
  version: Version,
): Promise<OperationOutput<"models.show">> {
  const { registry, blobs } = context;
  const { signature } = await openBundle(blobs, version.bundle);
  const reproductions = await registry.reproductions(version.model, version.version);
  return versionDetail(version, { signature, reproductions });
}
