import { constants, setPriority } from "node:os";
import { type CodeTrust, noCode, readManifest } from "../bundle/index.ts";
import { CompactedLog, compactSegments, queryLog } from "../compaction/index.ts";
import { inheritedEnvironment } from "../config/index.ts";
import { compareSnapshots, exportSnapshot } from "../datasets/index.ts";
import { deserializeError, systemClock } from "../kernel/index.ts";
import {
  executeRun,
  importModel,
  predictFile,
  type RunPorts,
  reproduceBundle,
  reproduceImport,
  takeSnapshot,
  validate,
  validateTaken,
} from "../pipeline/index.ts";
import { loadProject, type ModelSpec } from "../project/index.ts";
import { readModelFile, writeModelFile } from "../registry/index.ts";
import { loadModel, loggedBundles, replayLog } from "../serving/index.ts";
import { openFileBlobs, unpackBackup, writeBackup } from "../storage/index.ts";
import { codeTrust } from "./code-signatures.ts";
import { appErrors } from "./errors.ts";
import type { FromRunner, JobQuestion, JobQuestions, PretrainedFile, ToRunner } from "./job.ts";
import { requireDataset, requireModel } from "./project-lookup.ts";
import { serializeError } from "./serialize-error.ts";

type Start = Extract<ToRunner, { kind: "start" }>;

/** One job, then the end. Without a control plane there is nobody to answer, so losing it ends the runner. */
const waiting = new Map<number, PromiseWithResolvers<unknown>>();
const stopping = new AbortController();
/** What is being written is removed before the end, if that is quickly done. */
const TIDYING_MS = 1_000;
let questionsAsked = 0;

process.on("message", (message: ToRunner) => {
  switch (message.kind) {
    case "start":
      work(message).then(
        (result) => finish({ kind: "result", result }),
        (error: unknown) => finish({ kind: "failed", error: serializeError(error) }),
      );
      break;
    case "answer":
      waiting.get(message.id)?.resolve(message.value);
      waiting.delete(message.id);
      break;
    case "refusal":
      waiting.get(message.id)?.reject(deserializeError(message.error));
      waiting.delete(message.id);
      break;
  }
});
process.once("disconnect", () => {
  stopping.abort(appErrors.APP_RUN_CANCELLED.error("the control plane has gone"));
  setTimeout(() => process.exit(1), TIDYING_MS);
});
process.once("SIGTERM", () => stopping.abort(appErrors.APP_RUN_CANCELLED.error("the run was cancelled")));
// Ctrl-C reaches everybody in the terminal: whoever started this run decides what becomes of it, and says it by SIGTERM.
process.on("SIGINT", () => undefined);

async function work({ job, blobs: blobsDirectory, signed }: Start): Promise<unknown> {
  setPriority(constants.priority.PRIORITY_LOW);
  const blobs = openFileBlobs(blobsDirectory);
  const trust = signed === undefined ? noCode : codeTrust(signed);
  const report: RunPorts["report"] = (event) => send({ kind: "event", event });
  const ports: RunPorts = {
    blobs,
    trust,
    clock: systemClock,
    latestSnapshot: async (dataset) => (await ask("latestSnapshot", [dataset])) ?? undefined,
    recordSnapshot: async (dataset, { digest, manifest }) => {
      await ask("recordSnapshot", [dataset, { digest, manifest }]);
    },
    snapshotBefore: async (dataset, digest) => (await ask("snapshotBefore", [dataset, digest])) ?? undefined,
    recordValidation: async (found) => {
      await ask("recordValidation", [found]);
    },
    champion: async (model) => (await ask("champion", [model])) ?? undefined,
    report,
    signal: stopping.signal,
  };
  switch (job.kind) {
    case "train": {
      const project = await loadProject(job.projectRoot);
      const { model, threads, pretrained: file } = job;
      const definition = file?.features ?? model;
      const declared = requireModel(project, definition);
      const spec = file === undefined ? declared : withPretrained(declared, file);
      const dataset = project.datasetNameOf(definition);
      const custom = project.customSourcesOf(definition);
      return executeRun(
        { model, spec, custom, dataset, projectRoot: project.root, threads, modelFile: file?.source },
        { ...ports, programs: programsOf(project.root) },
      );
    }
    case "ingest": {
      const project = await loadProject(job.projectRoot);
      const from = requireDataset(project, job.dataset);
      const { dataset } = job;
      const taken = await takeSnapshot({ dataset, projectRoot: project.root, spec: { from } }, ports);
      const place = { spec: from, root: project.root };
      return { ...taken, validation: await validateTaken({ ...taken, dataset }, place, ports) };
    }
    case "reproduce":
      return reproduceBundle({
        ...{ ...job, blobs, trust, report, signal: stopping.signal },
        programs: programsOf(job.projectRoot),
      });
    case "import":
      return importModel({ ...job, blobs });
    case "reproduce-import":
      return reproduceImport({ ...job, blobs });
    case "replay": {
      const compacted = new CompactedLog(job.log);
      try {
        return await replayLog({
          directory: job.log,
          blobs,
          trust,
          filter: job.filter,
          compacted,
          ...(job.stream === undefined ? {} : { stream: job.stream }),
          onProgress: (done) => report({ kind: "progress", step: "replay", done, unit: "predictions" }),
        });
      } finally {
        await compacted.close();
      }
    }
    case "compare":
      return compareSnapshots({ ...job.request, blobs, signal: stopping.signal });
    case "validate":
      return validate(job.request, ports);
    case "export":
      return exportSnapshot({ ...job.request, blobs, signal: stopping.signal });
    case "log-bundles":
      return [...(await loggedBundles(job.log))];
    case "compact-log":
      return compactSegments({
        directory: job.log,
        segments: job.segments,
        clock: systemClock,
        signal: stopping.signal,
      });
    case "query-log":
      return queryLog({ ...job.query, signal: stopping.signal });
    case "predict": {
      const predicted = await predictFile(job.request, { blobs, trust, report, signal: stopping.signal });
      return { ...predicted, peakBytes: process.resourceUsage().maxRSS * 1024 };
    }
    case "export-model":
      return writeModelFile({ ...job.request, blobs, signal: stopping.signal });
    case "unpack-model": {
      const mayRun: CodeTrust = job.allowCode ? async () => undefined : trust;
      const carried = await readModelFile({ file: job.file, blobs, mayRun, signal: stopping.signal });
      const { bundle } = carried.version;
      const { signature } = await loadModel(blobs, bundle, { trust: mayRun });
      return { carried, signature, code: (await readManifest(blobs, bundle)).files.code?.digest };
    }
    case "backup":
      return writeBackup({
        ...job.request,
        blobs,
        dumpDatabase: (path) => ask("dumpDatabase", [path]),
        onProgress: bytesProgress("backup", report),
        signal: stopping.signal,
      });
    case "unpack-backup":
      return unpackBackup({
        file: job.file,
        into: job.into,
        blobs,
        onProgress: bytesProgress("restore", report),
        signal: stopping.signal,
      });
  }
}

function withPretrained(spec: ModelSpec, { file, format }: PretrainedFile): ModelSpec {
  return {
    ...spec,
    trainer: { kind: "pretrained", file, ...(format === undefined ? {} : { format }) },
  };
}

const PROGRESS_BYTES = 16 * 1024 * 1024;

/** Reports every few megabytes, in megabytes. */
function bytesProgress(
  step: "backup" | "restore",
  report: RunPorts["report"],
): (bytes: { readonly done: number; readonly of: number }) => void {
  let reported = 0;
  return ({ done, of }) => {
    if (done - reported < PROGRESS_BYTES && done < of) return;
    reported = done;
    report({ kind: "progress", step, done: Math.round(done / 1e6), of: Math.round(of / 1e6), unit: "MB" });
  };
}

/** What programs that train inherit. */
function programsOf(projectRoot: string): NonNullable<RunPorts["programs"]> {
  return { projectRoot, environment: inheritedEnvironment() };
}

function ask<Question extends JobQuestion>(
  question: Question,
  values: Parameters<JobQuestions[Question]>,
): ReturnType<JobQuestions[Question]> {
  const id = questionsAsked++;
  const pending = Promise.withResolvers<unknown>();
  waiting.set(id, pending);
  send({ kind: "question", id, question, values });
  return pending.promise as ReturnType<JobQuestions[Question]>;
}

function send(message: FromRunner): void {
  if (process.connected) process.send?.(message);
}

/** The message must have left before the process may end. */
function finish(message: FromRunner): void {
  if (!process.connected) process.exit(1);
  process.send?.(message, undefined, undefined, () => process.exit(0));
}
