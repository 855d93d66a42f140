import type { Signature } from "../bundle/index.ts";
import type { GateResult } from "../evaluation/index.ts";
import type { Recipe } from "../pipeline/index.ts";
import type { Reproduction, Version } from "../registry/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { isoTime } from "./control-context.ts";
import {
  evaluationRecord,
  gateRecords,
  importanceRecords,
  importRecipeOf,
  metricsOf,
  originOf,
  versionRecord,
} from "./version-records.ts";

/** All that is known of a version. */
export function versionDetail(
  version: Version,
  known: { readonly signature: Signature; readonly reproductions: readonly Reproduction[] },
): OperationOutput<"models.show"> {
  const { inputs, output } = known.signature;
  const { report, rows, importance, features, task } = metricsOf(version);
  const imported = importRecipeOf(version);
  const origin = originOf(version);
  const code = version.code as { readonly commit: string | null; readonly config: string };
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
      ...(origin === undefined ? {} : { origin }),
      ...(version.origin.length === 0 ? {} : { provenance: version.origin.map(provenanceRecord) }),
    },
    ...(output.classes === undefined ? {} : { classes: output.classes }),
    inputs: inputs.map(({ name, type, required, shape }) => ({
      name,
      type,
      required,
      ...(shape === undefined ? {} : { shape: [...shape] }),
    })),
    features,
    trainer:
      imported === undefined
        ? { ...(version.recipe as unknown as Recipe).trainer }
        : { kind: "imported", ...imported.origin },
    evaluation: evaluationRecord(report, rows),
    gates: gateRecords(version.gates as unknown as GateResult[]),
    importance: importanceRecords(importance),
    reproductions: known.reproductions.map(({ at, verdict, actor }) => ({
      at: isoTime(at),
      verdict: verdict === "identical" ? "identical" : "different",
      actor,
    })),
  };
}

function provenanceRecord(
  step: Version["origin"][number],
): NonNullable<OperationOutput<"models.show">["lineage"]["provenance"]>[number] {
  const { registeredAt, journal, ...rest } = step;
  return {
    ...rest,
    registeredAt: isoTime(registeredAt),
    journal: journal.map(({ at, ...line }) => ({ ...line, at: isoTime(at) })),
  };
}
