import {
  countChecks,
  countSeverity,
  type DatasetSchema,
  datasetsErrors,
  describeAnomaly,
  type Findings,
  type SnapshotManifest,
  type SourceSpec,
  validateSnapshot,
} from "../datasets/index.ts";
import { type Clock, type Digest, shortDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";

/** A recorded snapshot of a dataset. */
export interface DatasetSnapshot {
  readonly dataset: string;
  readonly digest: Digest;
  readonly manifest: SnapshotManifest;
}

export interface ValidationRequest {
  readonly snapshot: DatasetSnapshot;
  readonly schema: DatasetSchema;
  /** The one before it, for drift; or the one that was trained on, for skew. */
  readonly reference?: DatasetSnapshot & { readonly role: "previous" | "training" };
  /** Where the snapshot has just been read from. */
  readonly readFrom?: { readonly source: SourceSpec; readonly root: string };
}

/** What validation found. */
export interface ValidationReport extends Findings {
  readonly dataset: string;
  readonly snapshot: Digest;
  readonly comparedWith: {
    readonly role: "previous" | "training";
    readonly dataset: string;
    readonly snapshot: Digest;
  } | null;
}

export interface ValidationPorts {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** What a snapshot is compared with for drift. */
  readonly snapshotBefore: (
    dataset: string,
    digest: Digest,
  ) => Promise<Omit<DatasetSnapshot, "dataset"> | undefined>;
  readonly recordValidation: (report: ValidationReport) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Judges a snapshot by the checks of its dataset, or of another one. Recording the report is the caller's. */
export async function validate(
  { snapshot, schema, reference, readFrom }: ValidationRequest,
  { blobs, clock, signal }: Pick<ValidationPorts, "blobs" | "clock" | "signal">,
): Promise<ValidationReport> {
  const { dataset, digest, manifest } = snapshot;
  const findings = await validateSnapshot({
    schema,
    manifest,
    ...(reference === undefined ? {} : { reference }),
    now: clock(),
    ...(readFrom === undefined ? {} : { readFrom }),
    blobs,
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    dataset,
    snapshot: digest,
    comparedWith:
      reference === undefined
        ? null
        : { role: reference.role, dataset: reference.dataset, snapshot: reference.digest },
    ...findings,
  };
}

/** Validates a snapshot that has just been taken and records the report; null where the dataset has no checks. */
export async function validateTaken(
  snapshot: DatasetSnapshot,
  from: { readonly spec: DatasetSchema & { readonly source: SourceSpec }; readonly root: string },
  ports: ValidationPorts,
): Promise<ValidationReport | null> {
  const { spec, root } = from;
  if (spec.checks === undefined || countChecks(spec.checks) === 0) return null;
  const { dataset, digest } = snapshot;
  const before = await ports.snapshotBefore(dataset, digest);
  const report = await validate(
    {
      snapshot,
      schema: spec,
      ...(before === undefined ? {} : { reference: { ...before, dataset, role: "previous" } }),
      readFrom: { source: spec.source, root },
    },
    ports,
  );
  await ports.recordValidation(report);
  return report;
}

/** `1 error, 2 warnings` */
export function summarizeFindings(findings: Findings): string {
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  const errors = countSeverity(findings, "error");
  const warnings = countSeverity(findings, "warning");
  const parts = [
    ...(errors === 0 ? [] : [count(errors, "error")]),
    ...(warnings === 0 ? [] : [count(warnings, "warning")]),
    ...(findings.unjudged.length === 0 ? [] : [`${findings.unjudged.length} not judged`]),
  ];
  return `${count(findings.checks, "check")}${parts.length === 0 ? " passed" : `: ${parts.join(", ")}`}`;
}

/** `error   site: 3 rows …` for each anomaly, errors first. */
export function anomalyNotes({ anomalies }: Findings): string[] {
  const ordered = [...anomalies].sort(
    (a, b) => Number(a.severity === "warning") - Number(b.severity === "warning"),
  );
  return ordered.map((anomaly) => `${anomaly.severity}: ${describeAnomaly(anomaly)}`);
}

const TOLD = 3;

/** @throws DATASETS_LIMITS_BROKEN when an anomaly is an error */
export function refuseErrors(report: ValidationReport): void {
  const errors = report.anomalies.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const { dataset, snapshot } = report;
  const told = errors.slice(0, TOLD).map((anomaly) => `\n${describeAnomaly(anomaly)}`);
  const more = errors.length > TOLD ? `\nand ${errors.length - TOLD} more` : "";
  throw datasetsErrors.DATASETS_LIMITS_BROKEN.error(
    `snapshot ${shortDigest(snapshot)} of dataset "${dataset}" breaks ${errors.length === 1 ? "a limit" : `${errors.length} limits`} of its checks:${told.join("")}${more}`,
    {
      details: {
        dataset,
        snapshot,
        anomalies: errors.map(({ kind, column }) => ({ kind, column })),
      },
      hint: `Correct the data, or look at the proposed limits: slipway data validate ${dataset}`,
    },
  );
}
