import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddingOptions } from "../images/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { badImageRows } from "./bad-image-rows.ts";
import type { BlobBatch } from "./blob-batch.ts";
import type { Engine } from "./engine.ts";
import { createDigests, dropDigests, selectResolved } from "./file-queries.ts";
import { type GatheredImage, ImageGatherer } from "./image-gatherer.ts";
import type { LoadedFile } from "./load.ts";
import { copyTo, countRows, selectStored } from "./queries.ts";
import type { RejectCollector } from "./rejects.ts";
import type { SchemaColumn, SnapshotImages } from "./snapshot.ts";
import type { SourceSpec } from "./spec.ts";
import { TextReader } from "./vectors.ts";

export interface ResolveTask {
  readonly source: SourceSpec;
  readonly schema: readonly SchemaColumn[];
  /** By image column, where one is declared. */
  readonly embeddings: Readonly<Record<string, EmbeddingOptions>>;
  /** The project's folder. */
  readonly root: string;
  readonly blobs: BlobStore;
  readonly stored: BlobBatch;
  readonly scratch: string;
  readonly threads: number;
  readonly previous: readonly SnapshotImages[];
  /** Takes the rows whose images are bad; without it they are errors. */
  readonly rejects: RejectCollector | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onImages: (done: number) => void;
}

export interface Resolved {
  readonly loaded: readonly LoadedFile[];
  readonly images: readonly SnapshotImages[];
}

/**
 * Puts the digests of images in the place of their paths and base64 texts, makes blobs of the images, and finds out what there
 * is to know of them. Rows of bad images go to the rejects, where there are any.
 *
 * @throws IMAGES_* naming file, line and column of the first bad image
 */
export async function resolveImages(
  engine: Engine,
  loaded: readonly LoadedFile[],
  task: ResolveTask,
): Promise<Resolved> {
  const gatherers: ImageGatherer[] = [];
  let done = 0;
  try {
    for (const { name, type } of task.schema) {
      if (type !== "image") continue;
      const { root, blobs, stored, scratch } = task;
      const embedding = task.embeddings[name];
      const previous = task.previous.find(({ column }) => column === name);
      gatherers.push(
        await ImageGatherer.open({
          ...{ column: name, number: gatherers.length, root, blobs, stored, scratch },
          parallel: 2 * task.threads,
          ...(embedding === undefined ? {} : { embedding }),
          ...(previous === undefined ? {} : { previous }),
          onImage: () => task.onImages(++done),
        }),
      );
    }
    const resolved: LoadedFile[] = [];
    const used = gatherers.map(() => new Set<string>());
    let firstRow = 0;
    for (const file of loaded) {
      const columns = await gather(engine, file, { gatherers, task });
      const bad = await rejectBad(file, columns, task);
      const path = await rewrite(engine, file, { columns, bad, task });
      const [counted] = await engine.rows(countRows(path));
      const rows = Number(counted?.rows);
      for (const [at, { places, images }] of columns.entries()) {
        for (const [row, place] of places.entries()) {
          const image = place < 0 || bad.has(row) ? undefined : images[place];
          if (image !== undefined && "digest" in image) used[at]!.add(image.digest);
        }
      }
      if (rows > 0) resolved.push({ ...file, path, rows, firstRow });
      firstRow += rows;
    }
    const images: SnapshotImages[] = [];
    for (const [at, gatherer] of gatherers.entries()) images.push(await gatherer.store(used[at]!));
    return { loaded: resolved, images };
  } finally {
    for (const gatherer of gatherers) await gatherer.close();
  }
}

/** An image column of a file. */
export interface GatheredColumn {
  readonly name: string;
  /** For each row the place of its image among `images`; −1 where it is missing. */
  readonly places: Int32Array;
  readonly images: readonly GatheredImage[];
}

async function gather(
  engine: Engine,
  file: LoadedFile,
  { gatherers, task }: { readonly gatherers: readonly ImageGatherer[]; readonly task: ResolveTask },
): Promise<GatheredColumn[]> {
  const places = gatherers.map(() => new Int32Array(file.rows));
  const reader = new TextReader();
  const from = { file: file.source.path, root: task.root };
  let row = 0;
  const names = gatherers.map(({ column }) => column);
  for await (const chunk of engine.chunks(selectStored({ path: file.path }, names))) {
    for (const [at, gatherer] of gatherers.entries()) {
      for (const [offset, text] of reader.read(chunk, at).entries()) {
        task.signal?.throwIfAborted();
        places[at]![row + offset] = text === null || text === "" ? -1 : await gatherer.place(text, from);
      }
    }
    row += chunk.rowCount;
  }
  const columns: GatheredColumn[] = [];
  for (const [at, gatherer] of gatherers.entries()) {
    columns.push({ name: gatherer.column, places: places[at]!, images: await gatherer.images() });
  }
  return columns;
}

/** @returns the rows of the file to be left out */
async function rejectBad(
  file: LoadedFile,
  columns: readonly GatheredColumn[],
  { source, rejects }: ResolveTask,
): Promise<ReadonlySet<number>> {
  const bad = new Set<number>();
  for (const { places, images } of columns) {
    for (const [row, place] of places.entries()) {
      if (place >= 0 && "error" in images[place]!) bad.add(row);
    }
  }
  if (bad.size === 0) return bad;
  for await (const found of badImageRows(file, { rows: bad, columns, source, rejects })) {
    if (rejects === undefined) throw found.error;
    rejects.add(found);
  }
  return bad;
}

async function rewrite(
  engine: Engine,
  file: LoadedFile,
  work: {
    readonly columns: readonly GatheredColumn[];
    readonly bad: ReadonlySet<number>;
    readonly task: ResolveTask;
  },
): Promise<string> {
  const { columns, bad, task } = work;
  const path = join(task.scratch, `resolved-${file.firstRow}.parquet`);
  const table = `digests${file.firstRow}`;
  await engine.rows(createDigests(table, columns.length));
  await engine.fillTexts(table, (append) => {
    for (let row = 0; row < file.rows; row++) {
      for (const { places, images } of columns) {
        const image = places[row]! < 0 ? undefined : images[places[row]!];
        append(image !== undefined && "digest" in image ? image.digest : null);
      }
      append(bad.has(row) ? "bad" : null);
    }
  });
  const names = task.schema.map(({ name }) => name);
  const images = columns.map(({ name }) => name);
  try {
    await engine.moveRows(copyTo(selectResolved({ path: file.path, names, images }, table), path));
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    throw thrown;
  }
  await engine.rows(dropDigests(table));
  await rm(file.path);
  return path;
}
