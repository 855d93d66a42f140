import { z } from "zod";
import { absolutePath, changing, instant, limit, name, reading, reason } from "./operation.ts";
import {
  exportRecord,
  rejectsRecord,
  snapshotDetail,
  snapshotDifference,
  snapshotRecord,
  tagRecord,
} from "./snapshot-records.ts";
import { validationRecord, validationSummary } from "./validation-records.ts";

const snapshotReference = z
  .string()
  .min(1)
  .max(64)
  .describe("A tag, a digest, the beginning of one, or `latest`.");

/** Which snapshot of a dataset. */
const snapshotChoice = {
  dataset: name,
  snapshot: snapshotReference.optional(),
  asOf: instant.describe(
    "Instead of `snapshot`: the one that was the newest at this time. Without both: the newest.",
  ),
};
const eitherSnapshotOrTime = {
  error: "give either a snapshot or a time, not both",
  path: ["asOf"],
};

const isOneChoice = (choice: { snapshot?: string | undefined; asOf?: string | undefined }): boolean =>
  choice.snapshot === undefined || choice.asOf === undefined;

/** Operations on datasets and their snapshots. */
export const dataOperations = {
  "data.add": changing("Reads the sources of one dataset, or of all, and records a snapshot of each.", {
    input: z.strictObject({ dataset: name.optional() }),
    output: z.object({
      snapshots: z
        .array(
          snapshotRecord.extend({
            /** True when the rows are those of a snapshot that exists. */
            reused: z.boolean(),
            /** `null` where the dataset has no checks. */
            validation: validationSummary.nullable(),
            durationMs: z.number(),
          }),
        )
        .readonly(),
    }),
  }),
  "data.log": reading("Lists snapshots, newest first.", {
    input: z.strictObject({ dataset: name.optional(), limit: limit.default(50) }),
    output: z.object({ snapshots: z.array(snapshotRecord).readonly() }),
  }),
  "data.show": reading("Describes one snapshot: its columns, their values, the files it was read from.", {
    input: z.strictObject(snapshotChoice).refine(isOneChoice, eitherSnapshotOrTime),
    output: snapshotDetail,
  }),
  "data.rejects": reading("Lists the rows that were rejected when a snapshot was taken, with the reasons.", {
    input: z
      .strictObject({ ...snapshotChoice, limit: limit.default(50) })
      .refine(isOneChoice, eitherSnapshotOrTime),
    output: rejectsRecord,
  }),
  "data.diff": reading(
    "Compares two snapshots of a dataset: columns, rows, and how values are distributed.",
    {
      input: z.strictObject({
        dataset: name,
        before: snapshotReference,
        after: snapshotReference.default("latest"),
        key: z
          .array(name)
          .min(1)
          .max(100)
          .readonly()
          .optional()
          .describe("Columns that together name a row. Without them rows are compared by blocks of 65,536."),
        exact: z
          .boolean()
          .default(false)
          .describe("Distances of numbers from the rows themselves instead of the profiles."),
      }),
      output: snapshotDifference,
    },
  ),
  "data.validate": changing("Judges a snapshot by the checks of its dataset, and records what was found.", {
    input: z
      .strictObject({
        ...snapshotChoice,
        training: z
          .strictObject({ dataset: name, snapshot: snapshotReference.optional() })
          .optional()
          .describe("Judge by the checks of this dataset instead, for skew against a snapshot of it."),
        accept: z
          .union([z.literal("all"), z.array(z.number().int().min(1)).min(1).max(1000).readonly()])
          .optional()
          .describe(
            "Write the proposed changes into the configuration: all, or those of these anomalies, from 1.",
          ),
      })
      .refine(isOneChoice, eitherSnapshotOrTime),
    output: validationRecord,
  }),
  "data.tag": changing("Makes a tag name a snapshot.", {
    input: z.strictObject({ dataset: name, snapshot: snapshotReference, tag: name, reason }),
    output: tagRecord,
  }),
  "data.untag": changing("Takes a tag away; the snapshot stays.", {
    input: z.strictObject({ dataset: name, tag: name, reason }),
    output: tagRecord,
  }),
  "data.export": changing("Writes the rows of a snapshot, or those rejected for it, to a file.", {
    input: z
      .strictObject({
        ...snapshotChoice,
        out: absolutePath.describe(
          "A .csv, .tsv, .ndjson or .parquet file on the control plane's machine; it appears whole or not at all.",
        ),
        what: z.enum(["rows", "rejects"]).default("rows"),
      })
      .refine(isOneChoice, eitherSnapshotOrTime),
    output: exportRecord,
  }),
} as const;
