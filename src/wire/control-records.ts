import { z } from "zod";
import type { JsonValue } from "../kernel/index.ts";
import { scalingDecisionRecord, workerLoadRecord } from "./activity-records.ts";
import { formerVersion, provenanceRecord } from "./portable-records.ts";
import { count, list } from "./snapshot-records.ts";
import { validationSummary } from "./validation-records.ts";

/**
 * The records that control operations answer with. Times are ISO 8601 in UTC, durations milliseconds, sizes bytes,
 * digests 64 hexadecimal digits. A number that could not be computed is `null`, never absent and never NaN.
 */

const json: z.ZodType<JsonValue, JsonValue> = z.json();
const details = z.record(z.string(), json).readonly();
const task = z.enum(["binary", "regression", "multiclass"]);

/** Errors as they cross a process or a wire; the type is the kernel's `SerializedError`. */
export const errorRecord = z.object({
  code: z.string(),
  kind: z.enum([
    "invalid",
    "denied",
    "not-found",
    "conflict",
    "unsupported",
    "exhausted",
    "unavailable",
    "internal",
  ]),
  message: z.string(),
  retryable: z.boolean(),
  details,
  hint: z.string().exactOptional(),
});

export const garbageRecord = z.object({
  /** True when nothing was removed. */
  dryRun: z.boolean(),
  /** What was used since then stays. */
  usedSince: z.string(),
  snapshots: list(z.object({ dataset: z.string(), digest: z.string(), addedAt: z.string() })),
  /** The largest first, at most 1,000. */
  blobs: list(z.object({ digest: z.string(), bytes: count, usedAt: z.string() })),
  removed: z.object({ blobs: count, bytes: count }),
  kept: z.object({
    blobs: count,
    bytes: count,
    /** Of these, what nothing refers to but was used too recently. */
    recent: count,
  }),
  durationMs: z.number(),
});

export const metricRecord = z.object({
  name: z.string(),
  value: z.number().nullable(),
  /** Bounds of the confidence interval; `null` without one. */
  low: z.number().nullable(),
  high: z.number().nullable(),
});

export const evaluationRecord = z.object({
  rows: z.object({ train: count, validate: count, evaluate: count }),
  /** Of the intervals in `metrics`: 0.95 says 95 %. */
  confidence: z.number().min(0).max(1),
  metrics: list(metricRecord),
  /** One entry per value of each slice column. */
  slices: list(z.object({ column: z.string(), value: z.string(), rows: count, metrics: list(metricRecord) })),
  /** Models of classes: each of them, in the order of the probabilities. `null` where a share has no rows to be of. */
  classes: list(
    z.object({
      name: z.string(),
      rows: count,
      predicted: count,
      precision: z.number().nullable(),
      recall: z.number().nullable(),
      f1: z.number().nullable(),
      auc: z.number().nullable(),
      /** The wrong class that its rows were taken for most often. */
      mistakenFor: z.object({ name: z.string(), rows: count }).optional(),
    }),
  ).optional(),
  /** Models of up to 50 classes: `rows[a][p]` rows of class `actual[a]` were said to be of class `predicted[p]`. */
  confusion: z
    .object({ actual: list(z.string()), predicted: list(z.string()), rows: list(list(count)) })
    .optional(),
  /** Classes of evaluation rows that no training row had; they count as predicted wrongly. */
  unseenClasses: list(z.object({ name: z.string(), rows: count })).optional(),
  /** Binary models: predicted and observed share of positives, by bins of equal count. */
  calibration: list(z.object({ rows: count, predicted: z.number(), observed: z.number() })).optional(),
});

export const gateRecord = z.object({
  /** The gate in words: `auc at least 0.6`. */
  gate: z.string(),
  outcome: z.enum(["passed", "failed", "not-evaluated"]),
  /** The evidence in words: `0.71 (0.69 to 0.73)`, `slice has 12 rows, 500 wanted`. */
  reason: z.string(),
  metric: z.string(),
  /** The slice value a per-slice gate speaks of. */
  slice: z.string().optional(),
  value: z.number().nullable(),
  bound: z.number().nullable(),
});

export const importanceRecord = z.object({ feature: z.string(), gain: z.number(), splits: count });

export const stepState = z.enum(["waiting", "running", "finished", "reused", "failed", "interrupted"]);

export const stepRecord = z.object({
  name: z.string(),
  state: stepState,
  startedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
  detail: z.string().optional(),
  /** Lines about what was found that somebody should read. */
  notes: list(z.string()).optional(),
});

export const runState = z.enum([
  "queued",
  "running",
  "succeeded",
  "rejected",
  "failed",
  "interrupted",
  "cancelled",
]);

export const runRecord = z.object({
  id: z.string(),
  model: z.string(),
  state: runState,
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  actor: z.string(),
  /** The version the run registered, if it came that far. */
  version: count.nullable(),
  /** One line about a failure. */
  error: errorRecord.nullable(),
});

export const runDetail = runRecord.extend({
  snapshot: z.string().nullable(),
  steps: list(stepRecord),
  options: details,
});

export const reproductionRecord = z.object({
  at: z.string(),
  verdict: z.enum(["identical", "different"]),
  actor: z.string(),
});

export const versionRecord = z.object({
  model: z.string(),
  version: count,
  /** `rejected`: a gate failed; deploying it wants `force`. */
  status: z.enum(["accepted", "rejected"]),
  aliases: list(z.string()),
  bundle: z.string(),
  registeredAt: z.string(),
  /** The first few metrics, for tables. */
  metrics: list(metricRecord),
});

/** The file that a version was imported from. */
export const originRecord = z.object({
  format: z.string(),
  /** The program that wrote the file, as far as it says. */
  producer: z.string(),
  /** What the model was trained for, in the words of that program. */
  objective: z.string(),
  file: z.string(),
  digest: z.string(),
  bytes: count,
});

export const versionDetail = versionRecord.extend({
  actor: z.string(),
  reason: z.string().nullable(),
  task,
  lineage: z.object({
    run: z.string(),
    dataset: z.string(),
    snapshot: z.string(),
    plan: z.string(),
    config: z.string(),
    /** Git commit of the project, with `+changes` when the working tree differed; `null` outside a repository. */
    code: z.string().nullable(),
    /** Of a version that another program trained. Without features of a project run, dataset, snapshot and config are empty. */
    origin: originRecord.optional(),
    /** Of a version that came from another installation: where it was registered before, the first place first. */
    provenance: list(provenanceRecord).optional(),
  }),
  /** Names of the classes, in the order of their probabilities. */
  classes: list(z.string()).optional(),
  inputs: list(
    z.object({
      name: z.string(),
      type: z.string(),
      required: z.boolean(),
      /** Of a tensor: extents of one instance, −1 where each may have its own. */
      shape: list(z.number().int()).optional(),
    }),
  ),
  features: count,
  trainer: details,
  evaluation: evaluationRecord,
  gates: list(gateRecord),
  importance: list(importanceRecord),
  reproductions: list(reproductionRecord),
});

export const modelRecord = z.object({
  name: z.string(),
  /** False for a model that has versions but no longer stands in the configuration. */
  declared: z.boolean(),
  /** True for a model that stands in no configuration because its newest version was imported. */
  imported: z.boolean(),
  dataset: z.string().nullable(),
  task: task.nullable(),
  versions: count,
  latest: count.nullable(),
  champion: count.nullable(),
});

export const trainRecord = z.object({
  run: z.string(),
  model: z.string(),
  version: count,
  status: z.enum(["accepted", "rejected"]),
  /** True when the same bundle was registered before: the run produced nothing new. */
  alreadyRegistered: z.boolean(),
  /** True when this version is what the model's alias `champion` names after the run. */
  champion: z.boolean(),
  bundle: z.string(),
  snapshot: z.string(),
  /** `null` where the dataset has no checks. */
  validation: validationSummary.nullable(),
  task,
  iterations: count,
  /** What the trainer made, for people: `100 trees`. */
  summary: z.string(),
  evaluation: evaluationRecord,
  gates: list(gateRecord),
  importance: list(importanceRecord),
  durationMs: z.number(),
});

export const importRecord = z.object({
  model: z.string(),
  version: count,
  /** True when the same bundle was registered before. */
  alreadyRegistered: z.boolean(),
  /** `rejected`: a gate failed, here or in the installation that it comes from. */
  status: z.enum(["accepted", "rejected"]),
  /** True when this version is what the model's alias `champion` names now. */
  champion: z.boolean(),
  bundle: z.string(),
  task,
  /** Numbers that an instance is answered with. */
  outputs: count,
  classes: list(z.string()).optional(),
  inputs: count,
  /** Of a model of trees that another program wrote. */
  trees: count.optional(),
  /** The model file of another program that it was made from. */
  origin: originRecord.optional(),
  /** The run, where the model of another program has features of the project. */
  trained: trainRecord.optional(),
  /** The version that another installation exported. */
  from: formerVersion.optional(),
  durationMs: z.number(),
});

export const deploymentRecord = z.object({
  model: z.string(),
  version: count,
  /** What the alias named before; `null` for the first deployment. */
  previous: count.nullable(),
  /** Of the routing document that carries the change. */
  generation: count,
  forced: z.boolean(),
  /** What became of it on the workers; nothing where none run. */
  takenUp: z.object({
    /** Workers that serve this generation. */
    workers: count,
    /** Processes of those that do not yet, although they had a minute. */
    behind: list(count),
    /** What could not be loaded; the version before goes on answering in its place. */
    problems: list(z.string()),
  }),
});

export const journalRecord = z.object({
  sequence: count,
  at: z.string(),
  actor: z.string(),
  /** What happened: `version.registered`, `alias.moved`. */
  action: z.string(),
  model: z.string().nullable(),
  reason: z.string().nullable(),
  details,
});

export const processRecord = z.object({
  role: z.enum(["supervisor", "control", "worker", "runner"]),
  pid: count,
  state: z.enum(["starting", "ready", "draining", "failed"]),
  since: z.string(),
  restarts: count,
  /** The routing generation a worker serves. */
  generation: count.nullable(),
  /** How busy a worker is. */
  load: workerLoadRecord.nullable(),
});

export const servedModelRecord = z.object({
  model: z.string(),
  version: count,
  bundle: z.string(),
  state: z.enum(["loading", "ready", "failed"]),
  /** Why it failed to load. */
  reason: z.string().optional(),
  /** Answered since the server was started. */
  requests: count,
});

export const statusRecord = z.object({
  project: z.object({ root: z.string(), config: z.string().nullable(), state: z.string() }),
  /** False when the answer comes from the state on disk because nothing is running. */
  running: z.boolean(),
  since: z.string().nullable(),
  version: z.string(),
  /** `http://127.0.0.1:4700`; `null` when it does not listen. */
  console: z.string().nullable(),
  predictions: z.string().nullable(),
  /** `host:port` on which predictions are answered over gRPC. */
  grpc: z.string().nullable(),
  generation: count,
  database: z.enum(["sqlite", "postgresql"]),
  processes: list(processRecord),
  models: list(servedModelRecord),
  /** What the workers complain of. */
  problems: list(z.string()),
  /** The last change of the number of workers. */
  scaling: scalingDecisionRecord.nullable(),
  /** How far the slowest worker has followed the stream; `null` while no model with windows is served. */
  stream: z
    .object({
      sequence: count,
      /** How long ago its windows held everything that had been logged. */
      ageMs: z.number(),
      /** Why it cannot follow. */
      problem: z.string().optional(),
    })
    .nullable(),
});

const answerValue = z.union([z.number(), z.string()]);

export const replayedPrediction = z.object({
  id: z.string(),
  model: z.string(),
  version: count,
  at: z.string(),
  /**
   * `within-bound`: the model runs on a thread of its own, and its answer differs by a few units in the last place, as it may
   * with the batch. `unavailable`: it cannot be recomputed, for instance because its bundle is gone; `reason` says why.
   */
  verdict: z.enum(["identical", "within-bound", "different", "unavailable"]),
  /** A list where the model has several outputs. */
  logged: z.union([answerValue, list(answerValue)]).nullable(),
  recomputed: z.union([answerValue, list(answerValue)]).nullable(),
  reason: z.string().optional(),
});

export const replayRecord = z.object({
  predictions: count,
  identical: count,
  withinBound: count,
  different: count,
  unavailable: count,
  /** Of these only the header was logged, because the log of their model is a sample. */
  sampledOut: count,
  durationMs: z.number(),
  /** How often what windows said was computed anew from the stream, and how often the stream did not reach back as far. */
  windows: z.object({ recomputed: count, unavailable: count }),
  /** The one that was asked for, or the first of those that are not identical. */
  examples: list(replayedPrediction),
});

export const filePredictionRecord = z.object({
  model: z.string(),
  version: count,
  bundle: z.string(),
  file: z.string(),
  out: z.string(),
  rows: count,
  /** Of the file written, in order. */
  columns: list(z.string()),
  durationMs: z.number(),
  rowsPerSecond: z.number(),
  /** Most memory the process that predicted had at any time. */
  peakBytes: count,
  /**
   * For models with windows over the past, what came before the first row: the rows that the model was trained on
   * (`training`), or nothing because the file is not newer than those (`file`).
   */
  history: z.enum(["training", "file"]).optional(),
});

export const reproduceRecord = z.object({
  model: z.string(),
  version: count,
  verdict: z.enum(["identical", "different"]),
  expected: z.string(),
  got: z.string(),
  /** The files of the bundle whose digests differ. */
  differences: list(
    z.object({ file: z.string(), expected: z.string().nullable(), got: z.string().nullable() }),
  ),
  durationMs: z.number(),
});

/** What a long operation reports while it works. */
export const progressEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("step"),
    step: z.string(),
    state: stepState,
    /** Position of the step among all, from 1. */
    index: count,
    of: count,
    detail: z.string().optional(),
    notes: list(z.string()).optional(),
    durationMs: z.number().optional(),
  }),
  z.object({
    kind: z.literal("progress"),
    step: z.string(),
    done: z.number().min(0),
    /** Absent while the whole is unknown. */
    of: z.number().min(0).optional(),
    /** Plural noun: `rows`, `predictions`. */
    unit: z.string().optional(),
  }),
  z.object({
    kind: z.literal("iteration"),
    iteration: count,
    /** 0 when nobody knows. */
    of: count,
    metric: z.string(),
    train: z.number().nullable(),
    validate: z.number().nullable(),
  }),
  z.object({ kind: z.literal("note"), text: z.string() }),
  z.object({
    /** What a program printed that trains; `slipway`: what is said about it. */
    kind: z.literal("log"),
    stream: z.enum(["stdout", "stderr", "slipway"]),
    lines: list(z.string()),
  }),
]);
