import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type EmbeddingOptions,
  type ImageFacts,
  type ImagePlaces,
  type ImageReader,
  imagesErrors,
  loadImageText,
  openImageReader,
  sameEmbedding,
} from "../images/index.ts";
import { type Digest, digestOf, type SlipwayError } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { BlobBatch } from "./blob-batch.ts";
import { datasetsErrors } from "./errors.ts";
import { documentBytes, type ImageTable, readImageTable, vectorBytes } from "./image-facts-file.ts";
import type { SnapshotImages } from "./snapshot.ts";

/** Texts longer than this are remembered by their digest: they are images in base64. */
const LONG_TEXT = 512;

export interface GathererOptions {
  readonly column: string;
  /** Different for each column. */
  readonly number: number;
  readonly embedding?: EmbeddingOptions;
  /** The project's folder. */
  readonly root: string;
  readonly blobs: BlobStore;
  readonly stored: BlobBatch;
  readonly scratch: string;
  /** How many images are worked on at a time. */
  readonly parallel: number;
  /** Of the same column, in the last snapshot: what is known of its images is not found out again. */
  readonly previous?: SnapshotImages;
  readonly onImage: () => void;
}

/** An image that a text stands for, or why it is none. */
export type GatheredImage =
  | { readonly digest: Digest }
  | { readonly error: SlipwayError; readonly text: string };

/** Makes blobs of the images of one column and finds out what there is to know of them, each once. */
export class ImageGatherer {
  readonly column: string;
  readonly #options: GathererOptions;
  readonly #reader: ImageReader;
  readonly #known: ReadonlyMap<string, ImageFacts>;
  readonly #facts = new Map<string, ImageFacts>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #places = new Map<string, number>();
  readonly #images: GatheredImage[] = [];
  readonly #running = new Set<Promise<void>>();
  #failures: unknown[] = [];
  #files = 0;

  private constructor(options: GathererOptions, reader: ImageReader, known: ReadonlyMap<string, ImageFacts>) {
    this.column = options.column;
    this.#options = options;
    this.#reader = reader;
    this.#known = known;
  }

  /** @throws DATASETS_UNREADABLE_FILE, IMAGES_*, INFERENCE_* for an embedding that cannot be made */
  static async open(options: GathererOptions): Promise<ImageGatherer> {
    const { embedding, blobs, previous } = options;
    const model = embedding === undefined ? undefined : await modelFile(options, embedding);
    const reader = await openImageReader(
      embedding === undefined || model === undefined ? {} : { embedding: { options: embedding, model } },
    );
    const before = previous === undefined ? undefined : await readImageTable(previous, blobs);
    const isSame = before?.decoder === reader.decoder && sameEmbedding(before.embedding, reader.embedding);
    const gatherer = new ImageGatherer(
      options,
      reader,
      isSame && before !== undefined ? before.facts : new Map(),
    );
    if (model !== undefined) await gatherer.#put(model);
    return gatherer;
  }

  /** A number for the text; what it stands for is found out meanwhile. Waits while enough is being worked on. */
  async place(text: string, places: ImagePlaces): Promise<number> {
    const own = text.length > LONG_TEXT ? digestOf(text) : text;
    const key = `${places.file}\0${own}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#images.length;
    this.#places.set(key, place);
    this.#images.length += 1;
    while (this.#running.size >= this.#options.parallel) await Promise.race(this.#running);
    const run = this.#gather(text, places)
      .then((image) => {
        this.#images[place] = image;
        this.#options.onImage();
      })
      .catch((thrown: unknown) => {
        this.#failures.push(thrown);
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
    return place;
  }

  /** What the texts placed so far stand for. */
  async images(): Promise<readonly GatheredImage[]> {
    await Promise.all(this.#running);
    if (this.#failures.length > 0) throw this.#failures[0];
    return this.#images;
  }

  /**
   * Stores what is known of the images.
   *
   * @param used digests of those that rows refer to
   */
  async store(used: ReadonlySet<string>): Promise<SnapshotImages> {
    const { decoder, embedding } = this.#reader;
    const facts = new Map([...this.#facts].filter(([digest]) => used.has(digest)));
    const table: ImageTable = { decoder, ...(embedding === undefined ? {} : { embedding }), facts };
    const vectors = vectorBytes(table);
    const blob = await this.#put(
      documentBytes(table, vectors === undefined ? undefined : await this.#put(vectors)),
    );
    const bytes = [...facts.values()].reduce((sum, image) => sum + image.bytes, 0);
    return { column: this.column, blob, images: facts.size, bytes };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#reader.close();
  }

  async #gather(text: string, places: ImagePlaces): Promise<GatheredImage> {
    try {
      const bytes = await loadImageText(text, places);
      const digest = digestOf(bytes);
      let learning = this.#reading.get(digest);
      if (learning === undefined) {
        learning = this.#learn(digest, bytes);
        this.#reading.set(digest, learning);
      }
      await learning;
      return { digest };
    } catch (thrown) {
      if (isBadImage(thrown)) return { error: thrown, text };
      throw thrown;
    }
  }

  async #learn(digest: Digest, bytes: Uint8Array): Promise<void> {
    const known = this.#known.get(digest);
    const facts = known ?? (await this.#reader.read(bytes));
    if (known === undefined || !(await this.#options.blobs.retain(digest))) await this.#put(bytes);
    this.#facts.set(digest, facts);
  }

  async #put(bytes: Uint8Array): Promise<Digest> {
    const path = join(this.#options.scratch, `image-${this.#options.number}-${this.#files++}`);
    await writeFile(path, bytes);
    return (await this.#options.stored.move(path)).blob;
  }
}

function isBadImage(thrown: unknown): thrown is SlipwayError {
  const { IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE, IMAGES_NOT_FOUND } = imagesErrors;
  return IMAGES_BAD_IMAGE.is(thrown) || IMAGES_TOO_LARGE.is(thrown) || IMAGES_NOT_FOUND.is(thrown);
}

async function modelFile({ column, root }: GathererOptions, { model }: EmbeddingOptions): Promise<Buffer> {
  try {
    return await readFile(resolve(root, model));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw datasetsErrors.DATASETS_UNREADABLE_FILE.error(
      `the embedding model of column ${column} cannot be read: ${reason}`,
      { details: { file: model, column }, cause },
    );
  }
}
