import { openBundle } from "../bundle/index.ts";
import type { GateResult } from "../evaluation/index.ts";
import type { Recipe } from "../pipeline/index.ts";
import { loadProject } from "../project/index.ts";
import type { Version } from "../registry/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import {
  evaluationRecord,
  gateRecords,
  importanceRecords,
  importRecipeOf,
  metricsOf,
  originRecord,
  versionRecord,
} from "./version-records.ts";

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
        imported: newest !== undefined && importRecipeOf(newest) !== undefined,
        dataset: declared === undefined ? null : project.datasetNameOf(name),
        task: declared?.target.task ?? (newest === undefined ? null : metricsOf(newest).task),
        versions: known?.versions ?? 0,
        latest: known?.latest ?? null,
        champion: known?.champion ?? null,
      };
    }),
  );
}

async function showVersion(
  context: ControlContext,
  version: Version,
): Promise<OperationOutput<"models.show">> {
  const { registry, blobs } = context;
  const { signature } = await openBundle(blobs, version.bundle);
  const { report, rows, importance, features, task } = metricsOf(version);
  const imported = importRecipeOf(version);
  const code = version.code as { readonly commit: string | null; readonly config: string };
  const reproductions = await registry.reproductions(version.model, version.version);
  return {
    ...versionRecord(version),
    metrics: report.metrics,
    actor: version.actor,
    reason: version.reason,
    task,
    lineage: {
      run: version.run ?? "",
      dataset: version.dataset ?? "",
      snapshot: version.snapshot ?? "",
      plan: version.plan ?? "",
      config: code.config,
      code: code.commit,
      ...(imported === undefined ? {} : { origin: originRecord(imported) }),
    },
    ...(signature.output.classes === undefined ? {} : { classes: signature.output.classes }),
    inputs: signature.inputs.map(({ name, type, required }) => ({ name, type, required })),
    features,
    trainer:
      imported === undefined
        ? { ...(version.recipe as unknown as Recipe).trainer }
        : { kind: "imported", ...imported.origin },
    evaluation: evaluationRecord(report, rows),
    gates: gateRecords(version.gates as unknown as GateResult[]),
    importance: importanceRecords(importance),
    reproductions: reproductions.map(({ at, verdict, actor }) => ({
      at: isoTime(at),
      verdict: verdict === "identical" ? "identical" : "different",
      actor,
    })),
  };
}
