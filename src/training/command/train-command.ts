import { rm } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { type OriginFormat, openMatrixPredictor } from "../../inference/index.ts";
import type { Digest } from "../../kernel/index.ts";
import type { SealedCommandSpec } from "../command-spec.ts";
import { trainingErrors } from "../errors.ts";
import { fitForeignModel, readForeignModel } from "../foreign/foreign-model.ts";
import { permutationImportance } from "../permutation-importance.ts";
import type { TrainedModel, TrainingData, TrainingOptions } from "../trainer.ts";
import { fillJobDirectory, readFailure, type WriteParquet } from "./job-directory.ts";
import { argumentsOf, channelColumns, type JobSubject, jobEnvironment, jobLayout } from "./job-layout.ts";
import { type ReportedMetric, readMetricLine } from "./metric-line.ts";
import { followLines } from "./metrics-file.ts";
import { type ModelFile, readModelFile } from "./model-file.ts";
import type { OutputStream } from "./program-output.ts";
import { type ProgramEnd, runProgram } from "./run-program.ts";

/** What programs need of the world around a training. */
export interface ProgramPorts {
  /** Where the job directory is made, which must not exist yet; on a disk that holds the rows. */
  readonly jobDirectory: string;
  /** The project's folder. */
  readonly projectRoot: string;
  /** The variables that programs inherit. */
  readonly environment: Readonly<Record<string, string>>;
  readonly readCode: (digest: Digest) => Promise<Uint8Array>;
  readonly writeParquet: WriteParquet;
  /** What the program prints, line by line, and what is said about it. */
  readonly onLog: (lines: readonly string[], stream: OutputStream | "slipway") => void;
}

/** More than this of what a program prints is not kept. */
const MOST_LOG_CHARACTERS = 32 * 1024 * 1024;
const LAST_LINES = 20;

/**
 * Trains by a program: writes its job directory, runs it, and reads what it has left as a model.
 *
 * @throws TRAINING_PROGRAM_NOT_STARTED, TRAINING_PROGRAM_FAILED, TRAINING_PROGRAM_TIMED_OUT, TRAINING_NO_MODEL_FILE,
 * TRAINING_MODEL_MISMATCH, INFERENCE_* for a file that is no model; the signal's reason
 */
export async function trainByCommand(
  spec: SealedCommandSpec,
  data: TrainingData,
  options: TrainingOptions,
): Promise<TrainedModel> {
  const { program } = options;
  if (program === undefined)
    throw trainingErrors.TRAINING_BAD_OPTION.error("programs cannot be run here", {
      details: { option: "trainer" },
    });
  const subject = subjectOf(spec, data, options, program);
  const reports = new Map<number, ReportedMetric>();
  const report = (metric: ReportedMetric): void => {
    reports.set(metric.iteration, metric);
    const { iteration, of, train, validate } = metric;
    options.onProgress?.({
      iteration,
      of,
      metric: metric.metric,
      ...(train === undefined ? {} : { train }),
      ...(validate === undefined ? {} : { validate }),
    });
  };
  try {
    const { readCode, writeParquet } = program;
    const { validate } = data;
    await fillJobDirectory(
      subject,
      { train: data.train, ...(validate === undefined ? {} : { validation: validate }) },
      { readCode, writeParquet, ...(options.signal === undefined ? {} : { signal: options.signal }) },
    );
    await run(subject, { options, program, report });
    const file = await readModelFile(subject.layout.model, spec);
    return await modelOf(file, { subject, data, options, reports: [...reports.values()] });
  } finally {
    await rm(subject.layout.base, { recursive: true, force: true, maxRetries: 5 });
  }
}

function subjectOf(
  spec: SealedCommandSpec,
  { task, classes, train, validate }: TrainingData,
  { seed, threads }: TrainingOptions,
  { jobDirectory }: ProgramPorts,
): JobSubject {
  return {
    spec,
    layout: jobLayout(jobDirectory),
    task,
    ...(classes === undefined ? {} : { classes }),
    columns: channelColumns(train.matrix.columns, train.weights !== undefined),
    channels: validate === undefined ? ["train"] : ["train", "validation"],
    seed,
    threads,
  };
}

interface Running {
  readonly options: TrainingOptions;
  readonly program: ProgramPorts;
  readonly report: (metric: ReportedMetric) => void;
}

/** @throws TRAINING_PROGRAM_NOT_STARTED, TRAINING_PROGRAM_FAILED, TRAINING_PROGRAM_TIMED_OUT; the signal's reason */
async function run(subject: JobSubject, { options, program, report }: Running): Promise<void> {
  const { spec, layout } = subject;
  const words = [...wordsOf(spec, layout.code, program.projectRoot), ...argumentsOf(spec)];
  const log = limitedLog(program.onLog);
  const lastErrors: string[] = [];
  const readReport = (line: string): void => {
    const metric = readMetricLine(line);
    if (metric !== undefined) report(metric);
  };
  log([`$ ${words.map(quoted).join(" ")}`], "slipway");
  const finishReports = followLines(layout.metrics, readReport);
  let end: ProgramEnd;
  try {
    end = await runProgram({
      words,
      workingDirectory: layout.code,
      environment: { ...program.environment, ...jobEnvironment(subject) },
      timeoutMs: spec.timeoutMs,
      graceMs: spec.graceMs,
      directory: layout.base,
      onLines: (stream, lines) => {
        log(lines, stream);
        if (stream === "stdout") for (const line of lines) readReport(line);
        else lastErrors.splice(0, lastErrors.length, ...[...lastErrors, ...lines].slice(-LAST_LINES));
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } finally {
    await finishReports();
  }
  const how = end.signal === null ? `exit code ${end.code}` : end.signal;
  log([`ended with ${how}${end.timedOut ? `, stopped after ${spec.timeoutMs} ms` : ""}`], "slipway");
  if (end.timedOut)
    throw trainingErrors.TRAINING_PROGRAM_TIMED_OUT.error(
      `${spec.run[0]} was stopped because it had not ended after ${spec.timeoutMs / 1000} s`,
      { details: { timeoutMs: spec.timeoutMs }, hint: "Raise the trainer's timeoutMs, or train on less." },
    );
  if (end.code !== 0) throw failed(spec, { how, reason: await readFailure(subject), lastErrors });
}

/** The program by its whole path where it is a file of the code or of the project. */
function wordsOf({ run, files }: SealedCommandSpec, code: string, projectRoot: string): string[] {
  const [program = "", ...rest] = run;
  if (!program.includes("/") || isAbsolute(program)) return [program, ...rest];
  const isCode = files.some(({ path }) => path === program.replace(/^\.\//, ""));
  return [join(isCode ? code : projectRoot, program), ...rest];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function failed(
  { run }: SealedCommandSpec,
  outcome: {
    readonly how: string;
    readonly reason: string | undefined;
    readonly lastErrors: readonly string[];
  },
): Error {
  const { how, reason, lastErrors } = outcome;
  const said = reason ?? lastErrors.findLast((line) => line.trim() !== "")?.trim();
  return trainingErrors.TRAINING_PROGRAM_FAILED.error(
    `${run[0]} ended with ${how}${said === undefined ? "" : `: ${said}`}`,
    { details: { how, lastErrors }, hint: "`slipway runs log` shows everything it printed." },
  );
}

/** Keeps a program that prints without end from filling the disk. */
function limitedLog(onLog: ProgramPorts["onLog"]): ProgramPorts["onLog"] {
  let characters = 0;
  let full = false;
  return (lines, stream) => {
    if (stream === "slipway") {
      onLog(lines, stream);
      return;
    }
    if (full) return;
    characters += lines.reduce((sum, line) => sum + line.length + 1, 0);
    onLog(lines, stream);
    full = characters > MOST_LOG_CHARACTERS;
    if (full) onLog(["what it prints from here on is not kept: the log is full"], "slipway");
  };
}

interface Trained {
  readonly subject: JobSubject;
  readonly data: TrainingData;
  readonly options: TrainingOptions;
  readonly reports: readonly ReportedMetric[];
}

async function modelOf(file: ModelFile, { subject, data, options, reports }: Trained): Promise<TrainedModel> {
  const { task, columns } = subject;
  const outputs = subject.classes?.length ?? 1;
  const { name, bytes } = file;
  const read = readForeignModel({ file: name, bytes }, originFormat(subject.spec, bytes));
  const opened = fitForeignModel(read, { task, outputs, columns }, { trained: "here" });
  const features = columns.features.map(({ feature }) => feature);
  const engine = await openMatrixPredictor({ ...opened, features, task, outputs });
  try {
    const iterations = reports.reduce((most, { iteration }) => Math.max(most, iteration), 0);
    return {
      engine: opened.engine,
      bytes: opened.bytes,
      iterations,
      bestIteration: iterations,
      importance: await permutationImportance(engine, data, { seed: options.seed, splits: opened.splits }),
      metric: reports.at(-1)?.metric ?? "none",
      summary: opened.summary,
      history: reports.map(({ iteration, train, validate }) => ({
        iteration,
        ...(train === undefined ? {} : { train }),
        ...(validate === undefined ? {} : { validate }),
      })),
    };
  } finally {
    await engine.close();
  }
}

function originFormat({ format }: SealedCommandSpec, bytes: Uint8Array): OriginFormat {
  if (format !== "xgboost") return format;
  // JSON goes on with a quote or white space, UBJSON with the type of a length.
  const isJson = /^\s*\{\s*["}]/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
  return isJson ? "xgboost-json" : "xgboost-ubj";
}
