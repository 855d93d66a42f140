import { z } from "zod";
import { activityRecord } from "./activity-records.ts";
import {
  deploymentRecord,
  errorRecord,
  filePredictionRecord,
  garbageRecord,
  importRecord,
  journalRecord,
  modelRecord,
  progressEvent,
  replayRecord,
  reproduceRecord,
  runDetail,
  runRecord,
  statusRecord,
  trainRecord,
  versionDetail,
  versionRecord,
} from "./control-records.ts";
import { dataOperations } from "./data-operations.ts";
import { feedbackDetail, feedbackRecord } from "./feedback-records.ts";
import { logOperations } from "./log-records.ts";
import { absolutePath, changing, instant, limit, name, reading, reason, threads } from "./operation.ts";
import { backupRecord, modelFileRecord } from "./portable-records.ts";

const recomputeWindows = z
  .boolean()
  .default(false)
  .describe("Compute what windows said anew from the stream, too, and compare it with what was logged.");

/** Most bytes of a model file that is imported: 64 MiB. */
export const MOST_MODEL_FILE_BYTES = 64 * 1024 * 1024;
/** Characters of as many bytes in base64. */
const MOST_BASE64 = Math.ceil(MOST_MODEL_FILE_BYTES / 3) * 4;

/** The model files of other programs. */
export const modelFileFormats = ["lightgbm", "xgboost-json", "xgboost-ubj", "onnx", "remote"] as const;
/** A version's number, or an alias such as `champion`. */
const versionReference = z.union([z.number().int().min(1), name]);

/**
 * Every operation of the control plane: `POST /api/v1/<name>` over HTTP, `client.call(name, input)` in a program,
 * a command of the CLI. Inputs are strict, so that a misspelt field is refused; outputs may gain fields.
 */
export const controlOperations = {
  ...dataOperations,
  train: changing("Runs a model's pipeline: snapshot, split, fit, train, evaluate, gates, register.", {
    input: z.strictObject({
      model: name,
      threads,
      reason,
    }),
    output: trainRecord,
  }),
  "predict.file": changing(
    "Predicts every row of a file by one version and writes the predictions to another file.",
    {
      input: z.strictObject({
        model: name,
        version: versionReference.default("champion"),
        file: absolutePath.describe("A .csv, .tsv, .ndjson or .parquet file on the control plane's machine."),
        out: absolutePath.describe(
          "The file to write, in any of these formats; it appears whole or not at all.",
        ),
        columns: z
          .array(name)
          .max(10_000)
          .readonly()
          .optional()
          .describe("Which columns of the file are written too, in its order; all without it."),
        as: name
          .default("prediction")
          .describe("Name of the column of predictions; a second one, `<name>_by`, says by which version."),
      }),
      output: filePredictionRecord,
    },
  ),
  "runs.list": reading("Lists runs, newest first.", {
    input: z.strictObject({ model: name.optional(), limit: limit.default(50) }),
    output: z.object({ runs: z.array(runRecord).readonly() }),
  }),
  "runs.show": reading("Describes one run with its steps.", {
    input: z.strictObject({
      run: name.describe("A run's id or the beginning of one."),
    }),
    output: runDetail,
  }),
  "runs.log": reading("Reads what the program of a run has printed, a piece at a time.", {
    input: z.strictObject({
      run: name.describe("A run's id or the beginning of one."),
      from: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("The byte to go on from: `next` of the piece before."),
    }),
    output: z.object({
      run: z.string(),
      text: z.string(),
      next: z.number(),
      bytes: z.number(),
      /** False while the run may print more. */
      finished: z.boolean(),
    }),
  }),
  "models.list": reading("Lists the models of the project and those that have versions.", {
    input: z.strictObject({}),
    output: z.object({ models: z.array(modelRecord).readonly() }),
  }),
  "models.versions": reading("Lists the versions of a model, newest first.", {
    input: z.strictObject({ model: name, limit: limit.default(50) }),
    output: z.object({ versions: z.array(versionRecord).readonly() }),
  }),
  "models.show": reading("Describes one version: lineage, metrics with intervals, gates, inputs.", {
    input: z.strictObject({
      model: name,
      version: versionReference
        .optional()
        .describe("Without it: the champion, or the newest version where there is no champion."),
    }),
    output: versionDetail,
  }),
  "models.import": {
    ...changing(
      "Registers as a version what another installation exported, or a model file of LightGBM, XGBoost or ONNX; the first accepted one of a model becomes its champion.",
      {
        input: z.strictObject({
          model: name
            .optional()
            .describe(
              "Wanted for the files of other programs, by default that of `features`; a version of another installation brings its name.",
            ),
          file: z
            .union([
              z.strictObject({
                name: z.string().min(1).max(500),
                base64: z
                  .string()
                  .max(MOST_BASE64, {
                    error: `a model file of at most ${MOST_MODEL_FILE_BYTES} bytes is wanted`,
                  })
                  .regex(/^[A-Za-z0-9+/]*={0,2}$/, { error: "base64 is wanted" })
                  .describe("Its bytes."),
              }),
              z.strictObject({ path: absolutePath }),
            ])
            .describe(
              "Its name, for the lineage, and at most 64 MiB of bytes: `{name, base64}`; or where it lies on the control plane's machine: `{path}`.",
            ),
          allowCode: z
            .boolean()
            .default(false)
            .describe(
              "Take a version of another installation although it has custom functions, which are code; the journal keeps it.",
            ),
          format: z.enum(modelFileFormats).optional().describe("Without it, found out from the file."),
          features: name
            .optional()
            .describe(
              "A model of the project whose data, features, target, split and gates the file of another program is to have.",
            ),
          reason,
        }),
        output: importRecord,
      },
    ),
    largestInput: MOST_BASE64 + 64 * 1024,
  },
  "models.export": changing("Writes a version with its lineage to one file, for another installation.", {
    input: z.strictObject({
      model: name,
      version: versionReference.default("champion"),
      out: absolutePath.describe(
        "The file to write on the control plane's machine, or a folder for it; it appears whole or not at all.",
      ),
      reason,
    }),
    output: modelFileRecord,
  }),
  deploy: changing("Makes a version the champion: the one that answers predictions.", {
    input: z.strictObject({
      model: name,
      version: z.number().int().min(1),
      reason,
      force: z
        .boolean()
        .default(false)
        .describe("Deploy although a gate rejected the version; the journal keeps it."),
    }),
    output: deploymentRecord,
  }),
  rollback: changing("Makes the version that was champion before the current one champion again.", {
    input: z.strictObject({ model: name, reason }),
    output: deploymentRecord,
  }),
  journal: reading("Lists what was changed, when, by whom and why, newest first.", {
    input: z.strictObject({
      model: name.optional(),
      limit: limit.default(50),
      before: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe("Only entries with a smaller sequence number: the next page."),
    }),
    output: z.object({ entries: z.array(journalRecord).readonly() }),
  }),
  status: reading("Says what is running: processes, addresses, models served, routing generation.", {
    input: z.strictObject({}),
    output: statusRecord,
  }),
  activity: reading("Says what the workers have done since the server was started, and how busy they are.", {
    input: z.strictObject({}),
    output: activityRecord,
  }),
  "feedback.list": reading("Lists feedback, newest first; a value and its corrections are all there.", {
    input: z.strictObject({
      since: instant.describe("Feedback received at or after this time."),
      name: name.optional().describe("Only feedback of this name; `target` is what a model predicts."),
      limit: limit.default(50),
    }),
    output: z.object({ feedback: z.array(feedbackRecord).readonly() }),
  }),
  "feedback.show": reading("Shows what was said about one prediction.", {
    input: z.strictObject({
      id: name.describe("A prediction's id; with `.<index>` one instance of several."),
    }),
    output: feedbackDetail,
  }),
  ...logOperations,
  replay: reading("Recomputes logged predictions and compares them bit for bit.", {
    input: z.union([
      z.strictObject({ id: name, recomputeWindows }),
      z.strictObject({
        recomputeWindows,
        model: name.optional(),
        since: instant.describe(
          "Predictions answered at or after this time; without it from the beginning of the log.",
        ),
        until: instant,
        limit: z.number().int().min(1).optional().describe("At most so many predictions; without it all."),
      }),
    ]),
    output: replayRecord,
  }),
  reproduce: changing("Rebuilds a version from its recipe, compares digests and records the verdict.", {
    input: z.strictObject({
      model: name,
      version: versionReference.default("champion"),
      threads,
    }),
    output: reproduceRecord,
  }),
  gc: changing("Removes snapshots that nothing needs and blobs that nothing refers to.", {
    input: z.strictObject({
      dryRun: z.boolean().default(false).describe("Only say what would be removed."),
      graceMs: z
        .number()
        .int()
        .min(0)
        .max(315_360_000_000)
        .default(86_400_000)
        .describe("What was used within so many milliseconds stays; never less than a minute."),
    }),
    output: garbageRecord,
  }),
  backup: changing(
    "Writes everything that is kept to one file, as of one moment: database, blobs and prediction log.",
    {
      input: z.strictObject({
        out: absolutePath.describe(
          "The file to write on the control plane's machine, or a folder for it; it appears whole or not at all.",
        ),
      }),
      output: backupRecord,
    },
  ),
  stop: changing("Stops the running server after the requests it has in hand.", {
    input: z.strictObject({}),
    output: z.object({ stopping: z.boolean() }),
  }),
} as const;

export type ControlOperations = typeof controlOperations;
export type OperationName = keyof ControlOperations;

/** What a caller gives: fields with defaults may be left out. */
export type OperationRequest<Name extends OperationName> = z.input<ControlOperations[Name]["input"]>;
/** What a handler receives: checked, defaults filled in. */
export type OperationInput<Name extends OperationName> = z.output<ControlOperations[Name]["input"]>;
export type OperationOutput<Name extends OperationName> = z.output<ControlOperations[Name]["output"]>;
export type ProgressEvent = z.output<typeof progressEvent>;

export interface OperationContext {
  /** Who asks, for the journal. */
  readonly actor: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
}

/** The control plane as functions: implemented once, reached over HTTP or in process. */
export type ControlHandlers = {
  readonly [Name in OperationName]: (
    input: OperationInput<Name>,
    context: OperationContext,
  ) => Promise<OperationOutput<Name>>;
};

export interface CallOptions {
  readonly onProgress?: (event: ProgressEvent) => void;
  readonly signal?: AbortSignal;
}

/** How the CLI and programs reach a control plane, wherever it runs. Failures are `SlipwayError`s. */
export interface ControlClient {
  /** Where the other end is, for messages: `http://127.0.0.1:4700` or `in process`. */
  readonly address: string;
  call<Name extends OperationName>(
    operation: Name,
    input: OperationRequest<Name>,
    options?: CallOptions,
  ): Promise<OperationOutput<Name>>;
}

/**
 * One line of the answer to `POST /api/v1/<operation>` (`application/x-ndjson`): any number of `progress` lines and
 * `{}` lines that only keep the connection alive, then exactly one `result` or `error`.
 */
export const controlStreamLine = z.union([
  z.strictObject({ progress: progressEvent }),
  z.strictObject({ result: z.json() }),
  z.strictObject({ error: errorRecord }),
  z.strictObject({}),
]);

export type Metric = OperationOutput<"train">["evaluation"]["metrics"][number];
export type Evaluation = OperationOutput<"train">["evaluation"];
export type Gate = OperationOutput<"train">["gates"][number];
export type SnapshotColumn = OperationOutput<"data.show">["columns"][number];
export type ServerStatus = OperationOutput<"status">;

/** True for a text that names an operation. */
export function isOperation(text: string): text is OperationName {
  return Object.hasOwn(controlOperations, text);
}
