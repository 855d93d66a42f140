import { type EmbeddingRecipe, type ImageFacts, imageFactNames } from "../images/index.ts";
import { canonicalJson, type Digest, isDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { datasetsErrors } from "./errors.ts";
import type { SnapshotImages } from "./snapshot.ts";

/** What is known of the images of one column of a snapshot, each once. */
export interface ImageTable {
  /** Which program decoded them. */
  readonly decoder: string;
  /** How their vectors were made; absent where they have none. */
  readonly embedding?: EmbeddingRecipe;
  /** By the digest of the image's bytes. */
  readonly facts: ReadonlyMap<string, ImageFacts>;
}

const FORMAT = "slipway.images/1";

/**
 * As it is stored: a list for each fact, in the order of `digests`, which ascend. The vectors stand in a blob of their own,
 * one after the other, as little-endian 32-bit floats. The digests standing here keep the images from garbage collection.
 */
interface ImagesDocument {
  readonly format: typeof FORMAT;
  readonly decoder: string;
  readonly embedding?: EmbeddingRecipe;
  readonly vectors?: Digest;
  readonly digests: readonly string[];
  readonly hashes: readonly string[];
  readonly facts: Readonly<Record<string, readonly number[]>>;
}

/** The vectors of a table, in the order of its document; undefined where it has none. */
export function vectorBytes({ embedding, facts }: ImageTable): Buffer | undefined {
  if (embedding === undefined) return undefined;
  const values = new Float32Array(facts.size * embedding.size);
  for (const [at, digest] of [...facts.keys()].sort().entries()) {
    values.set(facts.get(digest)?.embedding ?? [], at * embedding.size);
  }
  return Buffer.from(values.buffer);
}

/** @param vectors the blob that holds `vectorBytes` */
export function documentBytes(
  { decoder, embedding, facts }: ImageTable,
  vectors: Digest | undefined,
): Buffer {
  const digests = [...facts.keys()].sort();
  const known = digests.map((digest) => facts.get(digest)!);
  const document: ImagesDocument = {
    format: FORMAT,
    decoder,
    ...(embedding === undefined ? {} : { embedding }),
    ...(vectors === undefined ? {} : { vectors }),
    digests,
    hashes: known.map(({ hash }) => hash),
    facts: Object.fromEntries(imageFactNames.map((name) => [name, known.map((image) => image[name])])),
  };
  return Buffer.from(canonicalJson(document));
}

/** @throws DATASETS_DAMAGED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
export async function readImageTable(
  { column, blob }: Pick<SnapshotImages, "column" | "blob">,
  blobs: BlobStore,
): Promise<ImageTable> {
  const document: Partial<ImagesDocument> | null = JSON.parse((await blobs.get(blob)).toString("utf8"));
  const { decoder, embedding, vectors, digests, hashes, facts } = document ?? {};
  const isWhole =
    document?.format === FORMAT &&
    decoder !== undefined &&
    digests !== undefined &&
    hashes?.length === digests.length &&
    digests.every(isDigest) &&
    imageFactNames.every((name) => facts?.[name]?.length === digests.length);
  if (!isWhole) {
    throw datasetsErrors.DATASETS_DAMAGED.error(
      `what is stored about the images of column ${column} is not whole`,
      { details: { column, blob } },
    );
  }
  const numbers = vectors === undefined ? undefined : floatsOf(await blobs.get(vectors));
  const size = embedding?.size ?? 0;
  const table = new Map<string, ImageFacts>();
  for (const [at, digest] of digests.entries()) {
    const own = Object.fromEntries(imageFactNames.map((name) => [name, facts![name]![at]!]));
    table.set(digest, {
      ...(own as Omit<ImageFacts, "hash" | "embedding">),
      hash: hashes[at]!,
      ...(numbers === undefined ? {} : { embedding: numbers.subarray(at * size, (at + 1) * size) }),
    });
  }
  return { decoder, ...(embedding === undefined ? {} : { embedding }), facts: table };
}

function floatsOf(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
