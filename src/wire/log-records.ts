import { z } from "zod";
import { absolutePath } from "./operation.ts";

const count = z.number().int().min(0);

/** An answer to a query of the prediction log. */
export const logAnswerRecord = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })).readonly(),
  /** Row by row, in the order of the columns; times and integers of 64 bits are texts. */
  rows: z.array(z.array(z.unknown()).readonly()).readonly(),
  /** True when there are more rows than the limit. */
  more: z.boolean(),
  /** The file that holds the whole answer instead, and how many rows it has. */
  out: z.string().nullable(),
  written: count.nullable(),
  /** Damage of the log: what lies there is not in the answer. */
  problems: z.array(z.string()).readonly(),
  durationMs: z.number(),
});

/** What the prediction log holds of one model. */
export const loggedModelRecord = z.object({
  model: z.string(),
  /** Compacted ones; those in segments are not counted one by one. */
  predictions: count,
  /** Of which only the header was kept. */
  sampledOut: count,
  bytes: count,
  /** Times of the first and the last. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** What the project says. */
  sample: z.number(),
  keepDays: z.number().nullable(),
});

export const logStatusRecord = z.object({
  /** Segments that have not been compacted. */
  segments: z.object({ count, bytes: count }),
  compacted: z.object({ files: count, bytes: count, predictions: count }),
  /** How much room it may take. */
  maxBytes: count,
  models: z.array(loggedModelRecord).readonly(),
});

const MOST_SQL = 100_000;
const MOST_ROWS = 100_000;

export const logOperations = {
  "log.status": {
    doc: "Says what the prediction log holds, and how much room it takes.",
    reads: true,
    input: z.strictObject({}),
    output: logStatusRecord,
  },
  "log.query": {
    doc: "Answers one SELECT statement over all predictions that are logged.",
    reads: true,
    input: z.strictObject({
      sql: z.string().max(MOST_SQL).describe("One SELECT statement; its table is `predictions`."),
      limit: z.number().int().min(1).max(MOST_ROWS).default(1_000).describe("Most rows of the answer."),
      out: absolutePath
        .optional()
        .describe(
          "A .parquet, .csv or .ndjson file on the control plane's machine that takes the whole answer.",
        ),
    }),
    output: logAnswerRecord,
  },
} as const;
