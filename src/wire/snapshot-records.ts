import { z } from "zod";
import { lastValidation } from "./validation-records.ts";

/** The records of snapshots; the conventions are those of `control-records.ts`. */

export const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();
export const count = z.number().int().min(0);

export const snapshotRecord = z.object({
  dataset: z.string(),
  digest: z.string(),
  tags: list(z.string()),
  rowCount: count,
  /** Rows that were left out because they are bad. */
  rejected: count,
  /** Of the Parquet parts. */
  bytes: count,
  addedAt: z.string(),
  actor: z.string(),
});

export const columnRecord = z.object({
  name: z.string(),
  type: z.enum(["int", "float", "bool", "timestamp", "category", "text"]),
  known: z.enum(["before", "after"]).optional(),
  missing: count,
  /** Of the values present; timestamps as epoch milliseconds; `null` for columns that are not numbers. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  deviation: z.number().nullable(),
  /** Different values of a category, `null` where they were not counted. */
  distinct: count.nullable(),
  top: list(z.object({ value: z.string(), count })),
  /** `counts[i]` values lie in [edges[i], edges[i + 1]); empty where there is no histogram. */
  histogram: z.object({ edges: list(z.number()), counts: list(count) }).optional(),
});

export const snapshotDetail = snapshotRecord.extend({
  columns: list(columnRecord),
  files: list(z.object({ path: z.string(), bytes: count })),
  parts: count,
  /** The rejected rows by what is wrong with them, most frequent first. */
  faults: list(z.object({ code: z.string(), column: z.string().exactOptional(), rows: count })),
  /** What the last validation found; `null` before the first. */
  validation: lastValidation.nullable(),
});

export const rejectsRecord = z.object({
  dataset: z.string(),
  snapshot: z.string(),
  /** All of them. */
  rejected: count,
  rowCount: count,
  /** The first ones, in the order in which they stood. */
  rejects: list(
    z.object({
      file: z.string(),
      /** On which the row begins, from 1; of a text file. */
      line: count.exactOptional(),
      /** From 1; of a Parquet file. */
      row: count.exactOptional(),
      code: z.string(),
      column: z.string().exactOptional(),
      value: z.string().exactOptional(),
      reason: z.string(),
      /** The row as it stood there, cut after 65,536 characters. */
      raw: z.string(),
      /** Its bytes, where they are not UTF-8. */
      base64: z.string().exactOptional(),
    }),
  ),
});

/** A column of a schema. */
const schemaColumn = z.object({ name: z.string(), type: columnRecord.shape.type });

export const snapshotDifference = z.object({
  dataset: z.string(),
  before: snapshotRecord,
  after: snapshotRecord,
  schema: z.object({
    added: list(schemaColumn),
    removed: list(schemaColumn),
    retyped: list(
      z.object({ name: z.string(), before: columnRecord.shape.type, after: columnRecord.shape.type }),
    ),
  }),
  rows: z.discriminatedUnion("by", [
    z.object({
      by: z.literal("key"),
      key: list(z.string()),
      added: count,
      removed: count,
      /** In columns that both have, of one type. */
      changed: count,
      same: count,
      /** In how many rows a column changed. */
      changedColumns: list(z.object({ name: z.string(), rows: count })),
      /** The first few of each kind, in the order of their keys. */
      examples: list(
        z.object({
          change: z.enum(["added", "removed", "changed"]),
          key: list(z.string().nullable()),
          values: list(
            z.object({ column: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
          ),
        }),
      ),
    }),
    z.object({
      by: z.literal("block"),
      /** Rows at the beginning that are the same in both. */
      sameAtStart: count,
      /** Rows in blocks of 65,536 that both have, wherever they stand. */
      inSameBlocks: count,
      blocks: z.object({ before: count, after: count, same: count }),
    }),
  ]),
  /** Columns that both have, of one type. */
  columns: list(
    z.object({
      name: z.string(),
      type: columnRecord.shape.type,
      /** Share of rows without a value. */
      missing: z.object({ before: z.number().nullable(), after: z.number().nullable() }),
      distances: list(
        z.object({
          measure: z.enum(["l-infinity", "jensen-shannon", "psi", "kolmogorov-smirnov"]),
          value: z.number(),
          /** Bins, base of the logarithm and what else the number depends on. */
          convention: z.string(),
        }),
      ),
    }),
  ),
  durationMs: z.number(),
});

export const tagRecord = z.object({
  dataset: z.string(),
  tag: z.string(),
  snapshot: z.string(),
  /** What the tag named before. */
  previous: z.string().nullable(),
});

export const exportRecord = z.object({
  dataset: z.string(),
  snapshot: z.string(),
  out: z.string(),
  rows: count,
  bytes: count,
  durationMs: z.number(),
});
