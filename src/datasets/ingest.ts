import { join } from "node:path";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { BlobBatch } from "./blob-batch.ts";
import type { DatasetChecks } from "./checks.ts";
import type { Engine } from "./engine.ts";
import { type EngineOptions, engineLimits, withEngine } from "./engine-session.ts";
import { inferSource } from "./infer.ts";
import { type LoadedFile, loadSource } from "./load.ts";
import { filesFrom, reusableParts, storeParts, syncFiles } from "./parts.ts";
import { RejectCollector } from "./rejects.ts";
import { RowScanner } from "./scan-rows.ts";
import { checkSource, type DeclaredColumns, schemaOf } from "./schema.ts";
import {
  type SchemaColumn,
  type SnapshotManifest,
  type SnapshotPart,
  type SnapshotRejects,
  snapshotDigest,
} from "./snapshot.ts";
import { findSourceFiles } from "./source-files.ts";
import type { BadRowPolicy, SourceSpec } from "./spec.ts";
import { undeclaredColumns } from "./undeclared-columns.ts";

/** Of the time of an ingest, roughly. */
const READING_SHARE = 0.6;

export interface IngestProgress {
  readonly stage: "read" | "digest" | "write";
  /** How much of the whole ingest is done, from 0 to 1. */
  readonly share: number;
  readonly rows?: number;
  readonly of?: number;
}

export interface IngestRequest extends EngineOptions {
  /** Of the dataset, for messages. */
  readonly name: string;
  readonly spec: {
    readonly source: SourceSpec;
    /** Only these are read. Without any, they are inferred from the files. */
    readonly columns: DeclaredColumns;
    readonly time?: string;
    readonly checks?: DatasetChecks;
  } & BadRowPolicy;
  /** What the source's patterns are relative to. */
  readonly root: string;
  readonly blobs: BlobStore;
  /** A snapshot whose stored parts are used again as far as its rows are the first of this one. */
  readonly previous?: SnapshotManifest;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: IngestProgress) => void;
}

export interface Ingested {
  readonly manifest: SnapshotManifest;
  /** The snapshot's identity. */
  readonly digest: Digest;
  /** The rows are those of `previous`: nothing was written, and `manifest` is that of `previous`. */
  readonly reused: boolean;
}

/**
 * Takes a snapshot: reads the source's files through DuckDB, digests and profiles their rows, and stores them as Parquet
 * parts among the blobs. The manifest itself is not stored. When anything fails nothing stays behind.
 *
 * @throws DATASETS_* for bad sources and data, STORAGE_* from the blobs, the signal's reason when aborted
 */
export async function ingest(request: IngestRequest): Promise<Ingested> {
  const { root, signal } = request;
  checkSource(request.spec.source);
  const files = await findSourceFiles(request.spec.source, root);
  const { source, schema } = await resolveSchema(request);
  const { threads, memoryBytes } = engineLimits(request);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const scanner = new RowScanner({ threads, columns: schema.length, bytes });
  const stored = new BlobBatch(request.blobs);
  try {
    return await withEngine(request, async (engine, scratch) => {
      const rejects =
        request.spec.onBadRow === "quarantine"
          ? new RejectCollector(request.spec, join(scratch, "rejects.ndjson"))
          : undefined;
      const loaded = await loadSource(engine, files, {
        source,
        schema,
        scratch,
        ...(rejects === undefined ? {} : { rejects }),
        onShare: (share) => request.onProgress?.({ stage: "read", share: share * READING_SHARE }),
      });
      signal?.throwIfAborted();
      const rowCount = loaded.reduce((sum, { rows }) => sum + rows, 0);
      const paths = loaded.map(({ path }) => path);
      const task = { paths, rowCount, schema, memoryBytes, spillDirectory: scratch };
      const [{ blocks, profile }] = await bothOrError(
        scanner.scan(task, {
          ...(signal === undefined ? {} : { signal }),
          onRows: (rows) => {
            const share = READING_SHARE + (1 - READING_SHARE) * (rows / rowCount);
            request.onProgress?.({ stage: "digest", share, rows, of: rowCount });
          },
        }),
        syncFiles(loaded),
      );
      signal?.throwIfAborted();
      request.onProgress?.({ stage: "write", share: 1 });
      const sourceFiles = files.map((file) => ({ path: file.name, bytes: file.bytes }));
      const unstored = {
        format: "slipway.snapshot/1",
        rowCount,
        schema,
        blocks,
        profile,
        sourceFiles,
        ...(request.spec.checks?.unexpectedColumns === undefined
          ? {}
          : { undeclaredColumns: await undeclaredColumns(engine, files, { source, schema }) }),
      } as const;
      return await storeSnapshot(unstored, { engine, scratch, loaded, request, rejects, stored });
    });
  } catch (thrown) {
    await stored.undo();
    throw thrown;
  } finally {
    await scanner.close();
  }
}

/** The declared columns, or what the files themselves suggest where none are declared. */
async function resolveSchema({
  spec,
  root,
}: IngestRequest): Promise<{ source: SourceSpec; schema: SchemaColumn[] }> {
  if (Object.keys(spec.columns).length > 0) return { source: spec.source, schema: schemaOf(spec.columns) };
  const inferred = await inferSource({ glob: spec.source.glob, root, source: spec.source });
  return { source: inferred.source, schema: schemaOf(inferred.columns) };
}

interface Loaded {
  readonly engine: Engine;
  readonly scratch: string;
  readonly loaded: readonly LoadedFile[];
  readonly request: IngestRequest;
  readonly rejects: RejectCollector | undefined;
  readonly stored: BlobBatch;
}

async function storeSnapshot(
  unstored: Omit<SnapshotManifest, "parts" | "rejects">,
  from: Loaded,
): Promise<Ingested> {
  const { blobs, previous } = from.request;
  const digest = snapshotDigest(unstored);
  const rejects = await storeRejects(from);
  const manifest = { ...unstored, ...(rejects === undefined ? {} : { rejects }) };
  if (previous !== undefined && snapshotDigest(previous) === digest && (await allStored(previous, blobs))) {
    const reused =
      previous.rejects?.blob === rejects?.blob && sameColumns(unstored.undeclaredColumns, previous);
    return { manifest: reused ? previous : { ...manifest, parts: previous.parts }, digest, reused };
  }
  return { manifest: { ...manifest, parts: await storeRows(unstored, from) }, digest, reused: false };
}

/** What is not asked for is not compared. */
function sameColumns(undeclared: readonly string[] | undefined, previous: SnapshotManifest): boolean {
  return undeclared === undefined || String(undeclared) === String(previous.undeclaredColumns);
}

async function storeRejects({ rejects, stored }: Loaded): Promise<SnapshotRejects | undefined> {
  const found = rejects?.finish();
  if (found === undefined) return undefined;
  const { path, rows, faults } = found;
  return { ...(await stored.move(path)), rows, faults };
}

async function storeRows(
  { schema, blocks }: Pick<SnapshotManifest, "schema" | "blocks">,
  { engine, loaded, scratch, request, stored }: Loaded,
): Promise<SnapshotPart[]> {
  const { previous, blobs } = request;
  const comparable = previous !== undefined && sameSchema(previous, schema);
  const kept = comparable ? await reusableParts(previous, blocks, blobs) : [];
  const last = kept.at(-1);
  const firstRow = last === undefined ? 0 : last.firstRow + last.rows;
  const fresh = await storeParts(await filesFrom(engine, loaded, { firstRow, schema, scratch }), stored);
  return [...kept, ...fresh];
}

/** Waits for both even when one fails, so that nothing still runs when the scratch folder goes. */
async function bothOrError<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

function sameSchema(previous: SnapshotManifest, schema: readonly SchemaColumn[]): boolean {
  return (
    previous.schema.length === schema.length &&
    previous.schema.every(
      ({ name, type }, index) => schema[index]?.name === name && schema[index].type === type,
    )
  );
}

async function allStored(manifest: SnapshotManifest, blobs: BlobStore): Promise<boolean> {
  for (const { blob } of manifest.parts) if (!(await blobs.has(blob))) return false;
  return true;
}
