import { loadProject } from "../project/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { requireDataset } from "./project-lookup.ts";
import { runJob } from "./runner.ts";
import { chosenSnapshot, snapshotHandlers, snapshotRecord } from "./snapshot-handlers.ts";
import { readManifest } from "./snapshot-manifest.ts";
import { columnRecords } from "./snapshot-records.ts";
import { lastValidation, validationHandler, validationSummary } from "./validation-handler.ts";

type DataHandlers = Pick<
  ControlHandlers,
  | "data.add"
  | "data.log"
  | "data.show"
  | "data.diff"
  | "data.tag"
  | "data.untag"
  | "data.export"
  | "data.validate"
  | "data.rejects"
>;

export function dataHandlers(context: ControlContext): DataHandlers {
  return {
    "data.add": async ({ dataset }, call) => {
      const project = await loadProject(context.location.projectRoot);
      if (dataset !== undefined) requireDataset(project, dataset);
      const names = dataset === undefined ? [...project.datasets.keys()] : [dataset];
      const snapshots: Array<OperationOutput<"data.add">["snapshots"][number]> = [];
      for (const [index, name] of names.entries())
        snapshots.push(await addSnapshot(context, call, { name, index, of: names.length }));
      return { snapshots };
    },
    "data.log": async ({ dataset, limit }) => {
      const recorded = await context.registry.snapshots(dataset);
      return {
        snapshots: await Promise.all(
          recorded.slice(0, limit).map((snapshot) => snapshotRecord(context, snapshot)),
        ),
      };
    },
    ...snapshotHandlers(context),
    ...validationHandler(context),
    "data.show": async (choice) => {
      const { dataset } = choice;
      const recorded = await chosenSnapshot(context, choice);
      const manifest = await readManifest(context, recorded.manifestBlob);
      const declared = await declaredColumns(context, dataset);
      return {
        ...(await snapshotRecord(context, recorded)),
        columns: columnRecords(manifest, declared),
        files: manifest.sourceFiles.map(({ path, bytes }) => ({ path, bytes })),
        parts: manifest.parts.length,
        validation: await lastValidation(context, recorded),
        faults: manifest.rejects?.faults ?? [],
      };
    },
  };
}

async function addSnapshot(
  context: ControlContext,
  call: OperationContext,
  subject: { readonly name: string; readonly index: number; readonly of: number },
): Promise<OperationOutput<"data.add">["snapshots"][number]> {
  const { name, index, of } = subject;
  const startedAt = context.clock();
  const step = { kind: "step", step: name, index: index + 1, of } as const;
  call.onProgress({ ...step, state: "running" });
  const { digest, reused, validation } = await runJob(
    { kind: "ingest", projectRoot: context.location.projectRoot, dataset: name },
    {
      blobs: context.state.blobs,
      questions: jobQuestions(context, call.actor),
      onEvent: (event) => {
        if (event.kind === "progress") call.onProgress({ ...event, step: name });
      },
      signal: AbortSignal.any([call.signal, context.closing]),
    },
  );
  const durationMs = context.clock() - startedAt;
  call.onProgress({ ...step, state: reused ? "reused" : "finished", durationMs });
  const recorded = await context.registry.snapshot(name, digest);
  return {
    ...(await snapshotRecord(context, recorded)),
    reused,
    validation: validation === null ? null : validationSummary(validation),
    durationMs,
  };
}

/** Empty where the project no longer declares the dataset or cannot be loaded: a snapshot outlives its configuration. */
async function declaredColumns(
  context: ControlContext,
  dataset: string,
): Promise<Readonly<Record<string, { readonly known?: "before" | "after" }>>> {
  const project = await loadProject(context.location.projectRoot).catch(() => undefined);
  return project?.datasets.get(dataset)?.columns ?? {};
}
