import { createHash, type Hash } from "node:crypto";
import { link, mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, type Digest, entropy } from "../kernel/index.ts";
import {
  COMPACTED,
  type CompactedFile,
  type Compaction,
  compactedSegments,
  compactionName,
  decodeSeal,
  isSampledOut,
  KIND_SEAL,
  type PredictionFrame,
  peekFrame,
  readCompactions,
  type SequenceRange,
} from "../serving/index.ts";
import { isSystemError, readSegment, syncDirectory, syncFile } from "../storage/index.ts";
import { compactionErrors } from "./errors.ts";
import { frameOfRow, rowOfFrame } from "./frame-row.ts";
import {
  copyTable,
  FRAME_COLUMNS,
  hourOf,
  partitionPath,
  rowOfValues,
  SEAL_COLUMNS,
  selectFrom,
  valuesOfRow,
} from "./log-tables.ts";
import type { RowAppender } from "./row-vectors.ts";
import type { TableEngine } from "./table-engine.ts";

export interface CompactionRequest {
  /** Of the prediction log. */
  readonly directory: string;
  /** Names of segments that are written no more; those of one writer in their order. */
  readonly segments: readonly string[];
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Of the table engine. Default 512 MiB. */
  readonly memoryBytes?: number;
  /** Called with the number of frames now and then. */
  readonly onProgress?: (frames: number) => void;
  /** For tests that stop half-way: called before each step that a crash may come before. */
  readonly onStep?: (step: CompactionStep) => void;
}

export type CompactionStep = "write" | "verify" | "commit" | "committed";

const PROGRESS_EVERY = 10_000;

/**
 * Turns segments into Parquet files, a file for each model and hour, reads them back and compares them with the frames
 * byte for byte, and only then records that they hold what the segments held. The segments are left; see `removeCompacted`.
 *
 * A process that dies on the way leaves files that no record names, which nobody reads.
 *
 * @returns undefined when there is nothing to do
 * @throws COMPACTION_NOT_SAME, COMPACTION_CONFLICT, STORAGE_LOG_DAMAGED, SERVING_BAD_FRAME: nothing has changed then
 */
export async function compactSegments(request: CompactionRequest): Promise<Compaction | undefined> {
  const { directory, signal } = request;
  const earlier = await readCompactions(directory);
  const done = compactedSegments(earlier);
  const segments = request.segments.filter((segment) => !done.has(segment));
  if (segments.length === 0) return undefined;
  const draft: Draft = {
    request: { ...request, segments },
    root: join(directory, COMPACTED),
    number: (earlier.at(-1)?.number ?? 0) + 1,
    token: entropy(4).toString("hex"),
    written: [],
  };
  await mkdir(draft.root, { recursive: true, mode: 0o700 });
  // Loaded late: it brings native code.
  const { withTableEngine } = await import("./table-engine.ts");
  try {
    return await withTableEngine(
      {
        scratch: join(draft.root, `scratch-${draft.token}`),
        signal,
        ...(request.memoryBytes === undefined ? {} : { memoryBytes: request.memoryBytes }),
      },
      (engine) => compact(engine, draft),
    );
  } catch (thrown) {
    for (const path of draft.written) await rm(join(draft.root, path), { force: true });
    throw thrown;
  }
}

interface Draft {
  readonly request: CompactionRequest;
  /** The log's `compacted` folder. */
  readonly root: string;
  readonly number: number;
  /** Tells the files of two compactions apart that happen to take the same number. */
  readonly token: string;
  /** From the root on. */
  readonly written: string[];
}

/** What one Parquet file will hold. */
interface Partition {
  readonly table: string;
  readonly rows: RowAppender;
  /** Of the frames in their order, each after its length. */
  readonly digest: Hash;
  readonly facts: Facts;
}

/** A file's record while it is being made. */
interface Facts {
  readonly model: string;
  readonly hour: number;
  requests: number;
  predictions: number;
  sampledOut: number;
  firstTime: number;
  lastTime: number;
  readonly bundles: Set<Digest>;
  readonly workers: Map<string, SequenceRange>;
}

async function compact(engine: TableEngine, draft: Draft): Promise<Compaction> {
  const { request, root, number } = draft;
  const { clock, onStep } = request;
  const seals = {
    table: "seals",
    rows: await engine.createTable("seals", SEAL_COLUMNS),
    digest: createHash("sha256"),
    count: 0,
  };
  const partitions = new Map<string, Partition>();
  const bytes = await readAll(engine, { draft, partitions, seals });
  onStep?.("write");
  const name = `${String(number).padStart(8, "0")}-${draft.token}.parquet`;
  seals.rows.finish();
  const sealsPath = `seals/${name}`;
  const sealsBytes = await write(engine, draft, { table: seals.table, path: sealsPath });
  const files: CompactedFile[] = [];
  for (const { table, rows, digest, facts } of partitions.values()) {
    rows.finish();
    const path = `predictions/${partitionPath(facts.model, facts.hour)}/${name}`;
    const fileBytes = await write(engine, draft, { table, path });
    onStep?.("verify");
    await verify(engine, { path: join(root, path), digest: digest.digest("hex") });
    files.push({
      path,
      ...facts,
      bytes: fileBytes,
      bundles: [...facts.bundles],
      workers: [...facts.workers.values()],
    });
  }
  await verifySeals(engine, { path: join(root, sealsPath), digest: seals.digest.digest("hex") });
  const record: Compaction = {
    format: "slipway.compaction/1",
    number,
    at: clock(),
    segments: request.segments,
    bytes,
    files,
    seals: { path: sealsPath, seals: seals.count, bytes: sealsBytes },
  };
  onStep?.("commit");
  await commit(draft, record);
  onStep?.("committed");
  return record;
}

async function readAll(
  engine: TableEngine,
  to: {
    readonly draft: Draft;
    readonly partitions: Map<string, Partition>;
    readonly seals: { readonly rows: RowAppender; readonly digest: Hash; count: number };
  },
): Promise<number> {
  const { draft, partitions, seals } = to;
  const { directory, segments, signal, onProgress } = draft.request;
  let frames = 0;
  let bytes = 0;
  for (const segment of segments) {
    const path = join(directory, segment);
    await using handle = await open(path, "r");
    for await (const { frame } of readSegment({ handle, path, segment, start: 0, options: {} })) {
      frames++;
      if (frames % PROGRESS_EVERY === 0) {
        signal?.throwIfAborted();
        onProgress?.(frames);
      }
      if (peekFrame(frame).kind === KIND_SEAL) {
        const { incarnation, firstSequence, predictions, before, after } = decodeSeal(frame);
        seals.rows.append([incarnation, firstSequence, predictions, before, after]);
        noteSeal(seals.digest, { incarnation, firstSequence, predictions, before, after });
        seals.count++;
        continue;
      }
      const { row, decoded } = rowOfFrame(frame);
      const partition = await partitionOf(engine, partitions, decoded);
      partition.rows.append(valuesOfRow(row));
      noteFrame(partition.digest, frame);
      addFacts(partition.facts, decoded);
    }
    bytes += (await handle.stat()).size;
  }
  return bytes;
}

async function partitionOf(
  engine: TableEngine,
  partitions: Map<string, Partition>,
  { model, time }: PredictionFrame,
): Promise<Partition> {
  const hour = hourOf(time);
  const key = `${hour} ${model}`;
  const known = partitions.get(key);
  if (known !== undefined) return known;
  const table = `partition_${partitions.size}`;
  const partition: Partition = {
    table,
    rows: await engine.createTable(table, FRAME_COLUMNS),
    digest: createHash("sha256"),
    facts: {
      model,
      hour,
      requests: 0,
      predictions: 0,
      sampledOut: 0,
      firstTime: time,
      lastTime: time,
      bundles: new Set(),
      workers: new Map(),
    },
  };
  partitions.set(key, partition);
  return partition;
}

function addFacts(facts: Facts, frame: PredictionFrame): void {
  const { incarnation, sequence, time, instances, bundle } = frame;
  facts.requests++;
  facts.predictions += instances;
  if (isSampledOut(frame)) facts.sampledOut += instances;
  facts.firstTime = Math.min(facts.firstTime, time);
  facts.lastTime = Math.max(facts.lastTime, time);
  facts.bundles.add(bundle);
  const range = facts.workers.get(incarnation);
  facts.workers.set(incarnation, {
    incarnation,
    first: Math.min(range?.first ?? sequence, sequence),
    last: Math.max(range?.last ?? sequence, sequence),
  });
}

/** Writes a table, hands it to the disk, and gives the file's length. */
async function write(
  engine: TableEngine,
  draft: Draft,
  { table, path }: { readonly table: string; readonly path: string },
): Promise<number> {
  const file = join(draft.root, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  draft.written.push(path);
  await engine.run(copyTable(table, file));
  await engine.run(`DROP TABLE ${table}`);
  await syncFile(file);
  await syncFolders(draft.root, dirname(path));
  return (await stat(file)).size;
}

/** Makes the names of a file's folders survive a loss of power, too. */
async function syncFolders(root: string, path: string): Promise<void> {
  for (let folder = path; folder !== "."; folder = dirname(folder)) await syncDirectory(join(root, folder));
  await syncDirectory(root);
}

interface Expected {
  readonly path: string;
  readonly digest: string;
}

async function verify(engine: TableEngine, { path, digest }: Expected): Promise<void> {
  const found = createHash("sha256");
  for await (const values of engine.rows(selectFrom(path, FRAME_COLUMNS), FRAME_COLUMNS))
    noteFrame(found, frameOfRow(rowOfValues(values)));
  if (found.digest("hex") !== digest) throw notSame(path);
}

async function verifySeals(engine: TableEngine, { path, digest }: Expected): Promise<void> {
  const found = createHash("sha256");
  for await (const values of engine.rows(selectFrom(path, SEAL_COLUMNS), SEAL_COLUMNS)) {
    const [incarnation, firstSequence, predictions, before, after] = values;
    noteSeal(found, {
      incarnation: incarnation as string,
      firstSequence: firstSequence as number,
      predictions: predictions as number,
      before: before as Uint8Array,
      after: after as Uint8Array,
    });
  }
  if (found.digest("hex") !== digest) throw notSame(path);
}

function noteFrame(digest: Hash, frame: Uint8Array): void {
  digest.update(`${frame.length} `).update(frame);
}

function noteSeal(
  digest: Hash,
  seal: {
    readonly incarnation: string;
    readonly firstSequence: number;
    readonly predictions: number;
    readonly before: Uint8Array;
    readonly after: Uint8Array;
  },
): void {
  const { incarnation, firstSequence, predictions, before, after } = seal;
  digest.update(`${incarnation} ${firstSequence} ${predictions} `).update(before).update(after);
}

function notSame(path: string): Error {
  return compactionErrors.COMPACTION_NOT_SAME.error(
    `${path} does not read back as what was logged, so the segments are kept as they are`,
    { details: { path }, hint: "Look whether the disk is sound. Compaction is tried again by itself." },
  );
}

/** The record appears whole or not at all, and never in place of another. */
async function commit(draft: Draft, record: Compaction): Promise<void> {
  const path = join(draft.root, compactionName(record.number));
  const wip = join(draft.root, `record-${draft.token}.tmp`);
  try {
    await writeFile(wip, JSON.stringify(record, null, 1), { mode: 0o600 });
    await syncFile(wip);
    await link(wip, path);
    await syncDirectory(draft.root);
  } catch (thrown) {
    if (!isSystemError(thrown, "EEXIST")) throw thrown;
    throw compactionErrors.COMPACTION_CONFLICT.error(
      "another process has compacted the prediction log meanwhile",
      { details: { record: path }, cause: thrown },
    );
  } finally {
    await rm(wip, { force: true });
  }
}
