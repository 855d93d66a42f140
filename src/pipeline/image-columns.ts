import { type ImageTable, readImageTable, type SnapshotManifest } from "../datasets/index.ts";
import { type DerivedColumn, featuresErrors } from "../features/index.ts";
import { type EmbeddingRecipe, imageNumber, sameEmbedding } from "../images/index.ts";
import { type Digest, parseDigest, type Table, type TableColumn } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";

/** What is known of the images of a table, by column. */
export type ImageTables = ReadonlyMap<string, ImageTable>;

/** @throws DATASETS_DAMAGED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
export async function readImageTables(manifest: SnapshotManifest, blobs: BlobStore): Promise<ImageTables> {
  const tables = new Map<string, ImageTable>();
  for (const images of manifest.images ?? []) tables.set(images.column, await readImageTable(images, blobs));
  return tables;
}

/** How the vectors of the columns are made, where they have any. */
export function embeddingsOf(images: ImageTables): Record<string, EmbeddingRecipe> {
  const found: Record<string, EmbeddingRecipe> = {};
  for (const [column, { embedding }] of images) if (embedding !== undefined) found[column] = embedding;
  return found;
}

/**
 * The table with the derived columns that are numbers of its images.
 *
 * @param embeddings how the vectors that are read must have been made
 * @throws FEATURES_BAD_TABLE when nothing is known of an image, or its vector was made by another model
 */
export function withImageColumns(
  table: Table,
  derived: readonly DerivedColumn[],
  {
    images,
    embeddings,
  }: { readonly images: ImageTables; readonly embeddings: ReadonlyMap<string, EmbeddingRecipe> },
): Table {
  const added = new Map<string, TableColumn>();
  for (const { name, from } of derived) {
    if (from.kind !== "image") continue;
    const { column, number } = from;
    const digests = table.columns.get(column);
    const known = images.get(column);
    if (digests?.kind !== "string" || known === undefined) {
      throw badTable(column, `nothing is known of the images of column "${column}"`);
    }
    if (number.fact === "embedding" && !sameEmbedding(known.embedding, embeddings.get(column))) {
      throw badTable(column, `the vectors of column "${column}" were made by another model`);
    }
    const values = digests.dictionary.map((digest) => {
      const facts = known.facts.get(digest);
      return facts === undefined ? undefined : imageNumber(facts, number);
    });
    added.set(name, {
      kind: "number",
      values: Float64Array.from(digests.codes, (code) => {
        if (code < 0) return Number.NaN;
        const value = values[code];
        if (value !== undefined) return value;
        throw badTable(
          column,
          `nothing is known of the image ${digests.dictionary[code]} of column "${column}"`,
        );
      }),
    });
  }
  return added.size === 0 ? table : { ...table, columns: new Map([...table.columns, ...added]) };
}

/** The models that make the vectors that a plan reads, in the order of their digests. */
export async function readEncoders(
  embeddings: ReadonlyMap<string, EmbeddingRecipe>,
  blobs: BlobStore,
): Promise<Buffer[]> {
  const digests = new Set<Digest>([...embeddings.values()].map(({ model }) => parseDigest(model)));
  return await Promise.all([...digests].sort().map((digest) => blobs.get(digest)));
}

function badTable(column: string, problem: string): Error {
  return featuresErrors.FEATURES_BAD_TABLE.error(problem, { details: { column } });
}
