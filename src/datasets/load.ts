import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { csvDialect, groupByHeader, writeCsv } from "./csv-source.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { checkNdjson, writeNdjson } from "./ndjson-source.ts";
import { groupByColumns, writeParquet } from "./parquet-source.ts";
import { countRows } from "./queries.ts";
import type { RejectCollector } from "./rejects.ts";
import type { RowTarget } from "./row-target.ts";
import type { SiftTask } from "./sift-files.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";

/** Source files are gathered into one part up to this size, in bytes as they lie there; a larger file is one part by itself. */
const PART_SOURCE_BYTES = 1 << 30;

/** A Parquet file of canonical rows, in a scratch folder. */
export interface LoadedFile {
  readonly path: string;
  readonly rows: number;
  /** Index of its first row among those of all files. */
  readonly firstRow: number;
}

/**
 * Turns source files into Parquet files of canonical rows, in order.
 *
 * @throws DATASETS_* naming what is wrong with the files
 */
export async function loadSource(
  engine: Engine,
  files: readonly FoundFile[],
  request: LoadRequest,
): Promise<LoadedFile[]> {
  const { source, schema, rejects } = request;
  const loaded: LoadedFile[] = [];
  const allBytes = bytesOf(files);
  let bytes = 0;
  let firstRow = 0;
  for (const [index, portion] of (await portionsOf(engine, files, request)).entries()) {
    const path = join(request.scratch, `rows-${index}.parquet`);
    const sieve = rejects === undefined ? undefined : await makeSieve(request.scratch, index, rejects);
    const own = bytesOf(portion.files);
    const onShare = (share: number) => request.onShare?.((bytes + share * own) / allBytes);
    onShare(0);
    try {
      await portion.write({ source, schema, path, onShare, ...(sieve === undefined ? {} : { sift: sieve }) });
    } catch (thrown) {
      engine.rethrowUnlessData(thrown);
      throw thrown;
    } finally {
      if (sieve !== undefined) await rm(sieve.scratch, { recursive: true });
    }
    const [counted] = await engine.rows(countRows(path));
    const rows = Number(counted?.rows);
    if (rows > 0) loaded.push({ path, rows, firstRow });
    firstRow += rows;
    bytes += own;
  }
  rejects?.checkShare(firstRow);
  if (firstRow > 0) return loaded;
  const names = files.map(({ name }) => name);
  throw datasetsErrors.DATASETS_NO_ROWS.error(`no rows in ${names.join(", ")}`, {
    details: { files: names },
  });
}

export interface LoadRequest {
  readonly source: SourceSpec;
  readonly schema: readonly SchemaColumn[];
  readonly scratch: string;
  /** Takes the bad rows; without it they are errors. */
  readonly rejects?: RejectCollector;
  /** Told now and then how much of the source has been read, from 0 to 1. */
  readonly onShare?: (share: number) => void;
}

/** Files that are read by one statement and make one part. */
interface Portion {
  readonly files: readonly FoundFile[];
  readonly write: (target: RowTarget) => Promise<void>;
}

async function portionsOf(
  engine: Engine,
  files: readonly FoundFile[],
  { source, schema, rejects }: LoadRequest,
): Promise<Portion[]> {
  switch (source.format) {
    case "csv":
      return groupByHeader(files, csvDialect(source), schema).flatMap(({ header, files: same }) =>
        bySize(same).map((own) => ({
          files: own,
          write: (target) => writeCsv(engine, { header, files: own }, target),
        })),
      );
    case "ndjson":
      for (const file of files) checkNdjson(file, schema, { skipBad: rejects !== undefined });
      return bySize(files).map((own) => ({
        files: own,
        write: (target) => writeNdjson(engine, own, target),
      }));
    case "parquet":
      return (await groupByColumns(engine, files, schema)).flatMap(({ columns, files: same }) =>
        bySize(same).map((own) => ({
          files: own,
          write: (target) => writeParquet(engine, { columns, files: own }, target),
        })),
      );
  }
}

async function makeSieve(scratch: string, portion: number, rejects: RejectCollector): Promise<SiftTask> {
  const folder = join(scratch, `good-${portion}`);
  await mkdir(folder);
  return { rejects, scratch: folder };
}

function bySize(files: readonly FoundFile[]): FoundFile[][] {
  const groups: FoundFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (bytes + file.bytes > PART_SOURCE_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(file);
    bytes += file.bytes;
  }
  return groups;
}

function bytesOf(files: readonly FoundFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}
