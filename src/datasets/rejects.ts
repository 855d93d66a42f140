import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { SlipwayError } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { datasetsErrors } from "./errors.ts";
import { LineFile } from "./line-file.ts";
import type { SnapshotRejects } from "./snapshot.ts";
import { type BadRowPolicy, DEFAULT_MAX_BAD_ROW_SHARE } from "./spec.ts";

/** A row that was not taken into a snapshot: one line of its rejects file. */
export interface Reject {
  readonly file: string;
  /** On which the row begins, from 1; of a text file. */
  readonly line?: number;
  /** From 1; of a Parquet file. */
  readonly row?: number;
  /** The code of the error with which `onBadRow: "fail"` would have stopped. */
  readonly code: string;
  readonly column?: string;
  readonly value?: string;
  readonly reason: string;
  /** The row as it stood in the file, cut after 65,536 characters; of a Parquet file the declared columns as JSON. */
  readonly raw: string;
  /** The row's bytes, cut alike, where they are not UTF-8. */
  readonly base64?: string;
}

/** Where a bad row stood, and what stood there. */
export interface BadRow {
  readonly file: string;
  readonly place: { readonly line: number } | { readonly row: number };
  readonly error: SlipwayError;
  readonly raw: Buffer | string;
}

const MOST_RAW = 65_536;

function rejectOf({ file, place, error, raw }: BadRow): Reject {
  const { column, value, reason } = error.details;
  const isText = typeof raw === "string" || isUtf8(raw);
  const text = typeof raw === "string" ? raw : raw.toString("utf8", 0, MOST_RAW * 4);
  return {
    file,
    ...place,
    code: error.code,
    ...(typeof column === "string" ? { column } : {}),
    ...(typeof value === "string" ? { value } : {}),
    reason: typeof reason === "string" ? reason : error.message,
    raw: text
      .replace(/\r?\n$|\r$/, "")
      .slice(0, MOST_RAW)
      .toWellFormed(),
    ...(isText || typeof raw === "string" ? {} : { base64: raw.toString("base64", 0, MOST_RAW) }),
  };
}

/** Gathers the bad rows of a source in a scratch file, in their order. */
export class RejectCollector {
  readonly #policy: BadRowPolicy;
  readonly #file: LineFile;
  readonly #faults = new Map<string, { code: string; column?: string; rows: number }>();
  #first: SlipwayError | undefined;
  #rows = 0;

  /** @param path of the scratch file */
  constructor(policy: BadRowPolicy, path: string) {
    this.#policy = policy;
    this.#file = new LineFile(path);
  }

  get rows(): number {
    return this.#rows;
  }

  add(row: BadRow): void {
    const reject = rejectOf(row);
    const { code, column } = reject;
    const key = JSON.stringify([code, column]);
    const fault = this.#faults.get(key) ?? { code, ...(column === undefined ? {} : { column }), rows: 0 };
    fault.rows += 1;
    this.#faults.set(key, fault);
    this.#first ??= row.error;
    this.#rows += 1;
    this.#file.add(`${JSON.stringify(reject)}\n`);
  }

  /** @throws DATASETS_TOO_MANY_BAD_ROWS when they are too large a share of all rows */
  checkShare(goodRows: number): void {
    const of = goodRows + this.#rows;
    const limit = this.#policy.maxBadRowShare ?? DEFAULT_MAX_BAD_ROW_SHARE;
    if (this.#rows <= limit * of) return;
    throw datasetsErrors.DATASETS_TOO_MANY_BAD_ROWS.error(
      `${this.#rows} of ${of} rows are bad, more than the ${limit * 100} % that may be: ${this.#first?.message}`,
      {
        details: { ...this.#first?.details, rejected: this.#rows, rows: of, limit, faults: this.#summary() },
        hint: "Correct the files or the declared columns, or raise the dataset's `maxBadRowShare`.",
      },
    );
  }

  /** Closes the scratch file. Undefined when there are no rejects. */
  finish():
    | { readonly path: string; readonly rows: number; readonly faults: SnapshotRejects["faults"] }
    | undefined {
    this.#file.close();
    if (this.#rows === 0) return undefined;
    return { path: this.#file.path, rows: this.#rows, faults: this.#summary() };
  }

  #summary(): SnapshotRejects["faults"] {
    return [...this.#faults.values()].sort((a, b) => b.rows - a.rows).map((fault) => ({ ...fault }));
  }
}

/**
 * The rejected rows of a snapshot, in their order.
 *
 * @throws STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED
 */
export async function readRejects(
  rejects: SnapshotRejects | undefined,
  { blobs, limit }: { readonly blobs: BlobStore; readonly limit: number },
): Promise<Reject[]> {
  if (rejects === undefined) return [];
  await blobs.verify(rejects.blob);
  const read: Reject[] = [];
  const input = createReadStream(blobs.path(rejects.blob));
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      if (read.length === limit) break;
      read.push(JSON.parse(line));
    }
  } finally {
    input.destroy();
  }
  return read;
}
