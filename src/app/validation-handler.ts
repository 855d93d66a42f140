import { countSeverity, type SchemaChange } from "../datasets/index.ts";
import type { DatasetSnapshot, ValidationReport } from "../pipeline/index.ts";
import { type Acceptance, acceptChanges, loadProject } from "../project/index.ts";
import type { SnapshotRecord } from "../registry/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { appErrors } from "./errors.ts";
import { jobQuestions } from "./job-questions.ts";
import { requireDataset } from "./project-lookup.ts";
import { runJob } from "./runner.ts";
import { chosenSnapshot } from "./snapshot-handlers.ts";
import { readManifest } from "./snapshot-manifest.ts";

type ValidateInput = Parameters<ControlHandlers["data.validate"]>[0];

export function validationHandler(context: ControlContext): Pick<ControlHandlers, "data.validate"> {
  return { "data.validate": (input, call) => validateRecorded(context, input, call) };
}

async function validateRecorded(
  context: ControlContext,
  input: ValidateInput,
  call: OperationContext,
): Promise<OperationOutput<"data.validate">> {
  const { registry, clock, location } = context;
  const startedAt = clock();
  const { training, accept } = input;
  const project = await loadProject(location.projectRoot);
  // The limits are those of the dataset that is trained on.
  const owner = training?.dataset ?? input.dataset;
  const schema = requireDataset(project, owner);
  const recorded = await chosenSnapshot(context, input);
  const reference = await referenceOf(context, recorded, training);
  const report = await runJob(
    {
      kind: "validate",
      request: {
        snapshot: await datasetSnapshot(context, recorded),
        schema,
        ...(reference === undefined ? {} : { reference }),
      },
    },
    {
      blobs: context.state.blobs,
      questions: jobQuestions(context, call.actor),
      onEvent: call.onProgress,
      signal: AbortSignal.any([call.signal, context.closing]),
    },
  );
  const { errors, warnings } = counted(report);
  if (training === undefined)
    await registry.recordValidation({
      dataset: recorded.dataset,
      digest: recorded.digest,
      errors,
      warnings,
      report,
      actor: call.actor,
    });
  const changes = accept === undefined ? [] : proposalsOf(report, accept);
  const accepted =
    changes.length === 0 ? undefined : await acceptChanges(location.projectRoot, owner, changes);
  return {
    ...report,
    rowCount: recorded.rowCount,
    errors,
    warnings,
    accepted: accept === undefined ? null : acceptedRecord(accepted, changes.length),
    durationMs: clock() - startedAt,
  };
}

async function referenceOf(
  context: ControlContext,
  recorded: SnapshotRecord,
  training: ValidateInput["training"],
): Promise<(DatasetSnapshot & { role: "previous" | "training" }) | undefined> {
  if (training !== undefined) {
    const chosen = await chosenSnapshot(context, training);
    return { role: "training", ...(await datasetSnapshot(context, chosen)) };
  }
  const before = await context.registry.snapshotBefore(recorded.dataset, recorded.digest);
  return before === undefined ? undefined : { role: "previous", ...(await datasetSnapshot(context, before)) };
}

async function datasetSnapshot(
  context: ControlContext,
  { dataset, digest, manifestBlob }: SnapshotRecord,
): Promise<DatasetSnapshot> {
  return { dataset, digest, manifest: await readManifest(context, manifestBlob) };
}

/** @throws APP_NO_SUCH_ANOMALY */
function proposalsOf(
  { anomalies }: ValidationReport,
  accept: NonNullable<ValidateInput["accept"]>,
): SchemaChange[] {
  const chosen = accept === "all" ? anomalies : accept.map((number) => anomalies[number - 1]);
  return chosen.flatMap((anomaly, at) => {
    if (anomaly === undefined) {
      throw appErrors.APP_NO_SUCH_ANOMALY.error(
        `there is no anomaly ${accept[at]}: there are ${anomalies.length}`,
        { details: { anomaly: Number(accept[at]), anomalies: anomalies.length } },
      );
    }
    return anomaly.proposal === null ? [] : [anomaly.proposal];
  });
}

function acceptedRecord(
  accepted: Acceptance | undefined,
  changes: number,
): OperationOutput<"data.validate">["accepted"] {
  return accepted === undefined ? null : { ...accepted, changes };
}

export function counted(report: ValidationReport): { errors: number; warnings: number } {
  return { errors: countSeverity(report, "error"), warnings: countSeverity(report, "warning") };
}

/** What validation found in a report, in numbers. */
export function validationSummary(
  report: ValidationReport,
): NonNullable<OperationOutput<"data.add">["snapshots"][number]["validation"]> {
  return { checks: report.checks, ...counted(report), unjudged: report.unjudged.length };
}

/** The last validation of a snapshot, in numbers. */
export async function lastValidation(
  { registry }: ControlContext,
  { dataset, digest }: SnapshotRecord,
): Promise<OperationOutput<"data.show">["validation"]> {
  const found = await registry.validation(dataset, digest);
  if (found === undefined) return null;
  // Written by `recordValidation` from the same type.
  const report = found.report as unknown as ValidationReport;
  return { ...validationSummary(report), validatedAt: isoTime(found.validatedAt), actor: found.actor };
}
