import { z } from "zod";
import type { JsonValue } from "../kernel/index.ts";

/** What validation of a snapshot answers with. */

const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
const json: z.ZodType<JsonValue, JsonValue> = z.json();
const count = z.number().int().min(0);
const severity = z.enum(["error", "warning"]);

export const anomalyRecord = z.object({
  /** As in the reference of anomalies: `outside-domain`. */
  kind: z.string(),
  severity,
  /** `null` where it is about the snapshot as a whole. */
  column: z.string().nullable(),
  expected: z.string(),
  observed: z.string(),
  /** Offending rows, and their share of those that were judged; `null` where it is not about single rows. */
  rows: count.nullable(),
  share: z.number().nullable(),
  /** Rows count from 1; file and line are there when the snapshot had just been read from text files. */
  firstRows: list(
    z.object({
      row: count,
      value: z.string().nullable(),
      file: z.string().optional(),
      line: count.optional(),
    }),
  ),
  /** Of drift and skew. */
  distance: z
    .object({
      measure: z.enum(["l-infinity", "jensen-shannon", "psi", "kolmogorov-smirnov"]),
      value: z.number(),
      /** Bins, base of the logarithm and what else the number depends on. */
      convention: z.string(),
    })
    .optional(),
  /** The option of `dataset()` that would have to have this value. */
  proposal: z.object({ path: list(z.string()), value: json }).nullable(),
});

/** What validation found, in numbers. */
export const validationSummary = z.object({
  checks: count,
  errors: count,
  warnings: count,
  /** Checks that could not be judged. */
  unjudged: count,
});

export const lastValidation = validationSummary.extend({ validatedAt: z.string(), actor: z.string() });

export const validationRecord = z.object({
  dataset: z.string(),
  snapshot: z.string(),
  rowCount: count,
  /** For drift the snapshot before it, for skew the one that was trained on. */
  comparedWith: z
    .object({ role: z.enum(["previous", "training"]), dataset: z.string(), snapshot: z.string() })
    .nullable(),
  checks: count,
  errors: count,
  warnings: count,
  anomalies: list(anomalyRecord),
  unjudged: list(z.object({ check: z.string(), column: z.string().nullable(), reason: z.string() })),
  /** What became of proposals that were accepted. */
  accepted: z
    .object({
      file: z.string(),
      /** False: the file is as it was. */
      applied: z.boolean(),
      /** A unified diff, or the options to be put in by hand. */
      text: z.string(),
      reason: z.string().optional(),
      changes: count,
    })
    .nullable(),
  durationMs: z.number(),
});
