import { type BundleManifest, type CodeTrust, writeBundle } from "../bundle/index.ts";
import { countSeverity, ingest, readSnapshot, type SnapshotManifest } from "../datasets/index.ts";
import { type EvaluationReport, type GateResult, gateVerdict } from "../evaluation/index.ts";
import { type Digest, digestOf } from "../kernel/index.ts";
import { type CustomSource, compileCustomCode, type ModelSpec } from "../project/index.ts";
import { sealTrainer } from "../training/index.ts";
import { type Build, buildBundle } from "./build.ts";
import { readImageTables } from "./image-columns.ts";
import { checkModelGates, judgeCandidate, openIncumbent } from "./judge.ts";
import { type Recipe, recipeOf } from "./recipe.ts";
import { withPlaceOfRow } from "./row-error.ts";
import { type ReportRun, type RunStep, runSteps } from "./run-event.ts";
import { type ProgramSurroundings, trainerPorts } from "./trainer-ports.ts";
import {
  anomalyNotes,
  type DatasetSnapshot,
  refuseErrors,
  summarizeFindings,
  type ValidationPorts,
  type ValidationReport,
  validateTaken,
} from "./validate.ts";

export interface RunRequest {
  readonly model: string;
  readonly spec: ModelSpec;
  /** Where its custom functions are written. Default: it has none. */
  readonly custom?: readonly CustomSource[];
  readonly dataset: string;
  readonly projectRoot: string;
  readonly threads: number;
  /** The blob of a pretrained model's file, where it is stored already. */
  readonly modelFile?: Digest | undefined;
}

/** What a run needs to know of the registry. It is asked of the control plane; a run never opens the database. */
export interface RunPorts extends ValidationPorts {
  /** Whether the custom code of a bundle may run. Default: it may not. */
  readonly trust?: CodeTrust;
  readonly latestSnapshot: (dataset: string) => Promise<SnapshotManifest | undefined>;
  readonly recordSnapshot: (dataset: string, snapshot: RunSnapshot) => Promise<void>;
  readonly champion: (
    model: string,
  ) => Promise<{ readonly version: number; readonly bundle: Digest } | undefined>;
  readonly report: ReportRun;
  /** For trainers that are programs; without it they are refused. */
  readonly programs?: ProgramSurroundings;
}

export interface RunSnapshot {
  readonly digest: Digest;
  readonly manifest: SnapshotManifest;
}

/** Everything the registry records about the version that a run made. */
export interface RunOutcome {
  readonly bundle: Digest;
  readonly manifest: BundleManifest;
  readonly recipe: Recipe;
  readonly snapshot: Digest;
  /** Null where the dataset has no checks. */
  readonly validation: ValidationReport | null;
  readonly plan: Digest;
  readonly status: "accepted" | "rejected";
  readonly report: EvaluationReport;
  readonly gates: readonly GateResult[];
  readonly comparedWith: number | null;
  readonly rows: { readonly train: number; readonly validate: number; readonly evaluate: number };
  readonly importance: readonly {
    readonly feature: string;
    readonly gain: number;
    readonly splits: number;
  }[];
  readonly iterations: number;
  /** What the trainer made, for people: "100 trees". */
  readonly summary: string;
  readonly features: number;
}

/**
 * snapshot → validate → features → train → evaluate → gates. The bundle's files are written last, so that a run that is killed
 * leaves nothing but perhaps a snapshot; registering is the caller's transaction.
 */
export async function executeRun(request: RunRequest, ports: RunPorts): Promise<RunOutcome> {
  checkModelGates(request.spec);
  const steps = stepReporter(ports);
  const { projectRoot, modelFile: stored } = request;
  const trainer = await sealTrainer(request.spec.trainer, { projectRoot, blobs: ports.blobs, stored });
  const snapshot = await steps.during("snapshot", () => takeSnapshot(request, ports));
  const validation = await validateStep({ ...snapshot, dataset: request.dataset }, request, { ports, steps });
  const { custom = [] } = request;
  const code = custom.length === 0 ? undefined : await compileCustomCode(custom, projectRoot);
  const sealed = { trainer, code: code === undefined ? undefined : digestOf(code) };
  const recipe = recipeOf(request.spec, snapshot.digest, sealed);
  const table = await readSnapshot(snapshot.manifest, {
    blobs: ports.blobs,
    columns: recipe.columns.map(({ name }) => name),
  });

  const images = { tables: await readImageTables(snapshot.manifest, ports.blobs), blobs: ports.blobs };
  const build = await buildBundle(recipe, table, {
    images,
    threads: request.threads,
    code,
    onStep: (step, state, detail) => steps.mark(step, state, detail),
    onIteration: (progress) =>
      ports.report({
        kind: "iteration",
        iteration: progress.iteration,
        of: progress.of,
        metric: progress.metric,
        train: progress.train ?? null,
        validate: progress.validate ?? null,
      }),
    ...(await trainerPorts(recipe.trainer, ports)),
    ...(ports.signal === undefined ? {} : { signal: ports.signal }),
  }).catch(async (error: unknown) => {
    throw await withPlaceOfRow(error, request, { manifest: snapshot.manifest, blobs: ports.blobs });
  });

  steps.mark("evaluate", "running");
  const champion = await ports.champion(request.model);
  const incumbent = champion === undefined ? undefined : await openIncumbent(champion, ports);
  const judged = await judgeCandidate({
    spec: request.spec,
    build,
    table,
    incumbent,
    images: images.tables,
  });
  await build.engine.close();
  if (incumbent !== undefined && "engine" in incumbent) await incumbent.engine.close();
  steps.mark("evaluate", "finished", `${build.rows.evaluate.length.toLocaleString("en")} rows`);
  const status = gateVerdict(judged.gates);
  steps.mark("gates", "running");
  steps.mark("gates", "finished", describeGates(judged.gates));

  const written = await writeBundle(ports.blobs, build.parts);
  return {
    bundle: written.digest,
    manifest: written.manifest,
    recipe,
    snapshot: snapshot.digest,
    validation,
    plan: written.manifest.files.features.digest,
    status,
    report: judged.report,
    gates: judged.gates,
    comparedWith: champion?.version ?? null,
    rows: rowCounts(build),
    importance: build.trained.importance,
    iterations: build.trained.bestIteration,
    summary: build.trained.summary,
    features: build.kernel.outputs.length,
  };
}

/** Reads a dataset's sources and records the snapshot, or finds that its rows are those of the latest one. */
export async function takeSnapshot(
  request: Pick<RunRequest, "dataset" | "projectRoot"> & { readonly spec: Pick<ModelSpec, "from"> },
  ports: Pick<RunPorts, "blobs" | "latestSnapshot" | "recordSnapshot" | "report" | "signal">,
): Promise<RunSnapshot & { readonly reused: boolean }> {
  const previous = await ports.latestSnapshot(request.dataset);
  const taken = await ingest({
    name: request.dataset,
    spec: request.spec.from,
    root: request.projectRoot,
    blobs: ports.blobs,
    ...(previous === undefined ? {} : { previous }),
    ...(ports.signal === undefined ? {} : { signal: ports.signal }),
    onProgress: ({ rows, of, unit = "rows" }) => {
      if (rows !== undefined)
        ports.report({
          kind: "progress",
          step: "snapshot",
          done: rows,
          unit,
          ...(of === undefined ? {} : { of }),
        });
    },
  });
  if (!taken.reused) await ports.recordSnapshot(request.dataset, taken);
  return taken;
}

/** An anomaly that is an error ends the run here, before anything is learned; the others stay with the run. */
async function validateStep(
  snapshot: DatasetSnapshot,
  { spec, projectRoot }: RunRequest,
  { ports, steps }: { readonly ports: RunPorts; readonly steps: ReturnType<typeof stepReporter> },
): Promise<ValidationReport | null> {
  steps.mark("validate", "running");
  const report = await validateTaken(snapshot, { spec: spec.from, root: projectRoot }, ports);
  if (report === null) {
    steps.mark("validate", "finished", "no checks declared");
    return null;
  }
  const failed = countSeverity(report, "error") > 0;
  steps.mark("validate", failed ? "failed" : "finished", summarizeFindings(report), anomalyNotes(report));
  refuseErrors(report);
  return report;
}

function stepReporter(ports: Pick<RunPorts, "clock" | "report">) {
  const startedAt = new Map<RunStep, number>();
  const mark = (
    step: RunStep,
    state: "running" | "finished" | "reused" | "failed",
    detail?: string,
    notes: readonly string[] = [],
  ): void => {
    const position = { index: runSteps.indexOf(step) + 1, of: runSteps.length };
    if (state === "running") startedAt.set(step, ports.clock());
    const began = startedAt.get(step);
    ports.report({
      kind: "step",
      step,
      state,
      ...position,
      ...(detail === undefined ? {} : { detail }),
      ...(notes.length === 0 ? {} : { notes }),
      ...(state === "running" || began === undefined ? {} : { durationMs: ports.clock() - began }),
    });
  };
  const during = async (step: "snapshot", work: () => Promise<RunSnapshot & { reused: boolean }>) => {
    mark(step, "running");
    const snapshot = await work();
    const { rowCount, rejects } = snapshot.manifest;
    const rejected = rejects === undefined ? "" : `, ${rejects.rows.toLocaleString("en")} rejected`;
    mark(step, snapshot.reused ? "reused" : "finished", `${rowCount.toLocaleString("en")} rows${rejected}`);
    return snapshot;
  };
  return { mark, during };
}

function describeGates(gates: readonly GateResult[]): string {
  if (gates.length === 0) return "none declared";
  const count = (outcome: GateResult["outcome"]) => gates.filter((gate) => gate.outcome === outcome).length;
  const parts = [`${count("passed")} passed`];
  if (count("failed") > 0) parts.push(`${count("failed")} failed`);
  if (count("not-evaluated") > 0) parts.push(`${count("not-evaluated")} not evaluated`);
  return parts.join(", ");
}

function rowCounts(build: Build): RunOutcome["rows"] {
  return {
    train: build.rows.train.length,
    validate: build.rows.validate.length,
    evaluate: build.rows.evaluate.length,
  };
}
