import type { ImageLimits } from "./decode.ts";
import { sameEmbedding } from "./embedding.ts";
import { imagesErrors } from "./errors.ts";
import type { ImageFacts } from "./image-facts.ts";
import { type ImageReader, openImageReader } from "./image-reader.ts";
import type { EmbeddingRecipe } from "./spec.ts";

export interface ReadersRequest {
  /** The image columns of a model. */
  readonly columns: readonly string[];
  /** How the vectors of columns are made, where they are read. */
  readonly embeddings: ReadonlyMap<string, EmbeddingRecipe>;
  /** The bytes of the ONNX files that recipes name, by digest. */
  readonly encoders: ReadonlyMap<string, Uint8Array>;
  readonly limits?: ImageLimits;
}

/** Reads the images of a model's columns as they were read when it was trained. */
export class ImageReaders {
  readonly #readers: ReadonlyMap<string, ImageReader>;

  private constructor(readers: ReadonlyMap<string, ImageReader>) {
    this.#readers = readers;
  }

  /** @throws IMAGES_NO_DECODER, IMAGES_BAD_EMBEDDING, INFERENCE_* */
  static async open({ columns, embeddings, encoders, limits }: ReadersRequest): Promise<ImageReaders> {
    const readers = new Map<string, ImageReader>();
    const opened = new ImageReaders(readers);
    try {
      for (const column of columns) {
        const recipe = embeddings.get(column);
        const reader = await openImageReader({
          ...(limits === undefined ? {} : { limits }),
          ...(recipe === undefined
            ? {}
            : { embedding: { options: recipe, model: encoderOf(recipe, encoders) } }),
        });
        readers.set(column, reader);
        if (sameEmbedding(reader.embedding, recipe)) continue;
        throw badEncoder(`the model of column "${column}" does not make the vectors that were learned from`);
      }
      return opened;
    } catch (thrown) {
      await opened.close();
      throw thrown;
    }
  }

  /** @throws IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE */
  async read(column: string, bytes: Uint8Array): Promise<ImageFacts> {
    const reader = this.#readers.get(column);
    if (reader === undefined) throw new Error(`no image column "${column}" was opened`);
    return await reader.read(bytes);
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) await reader.close();
  }
}

function encoderOf({ model }: EmbeddingRecipe, encoders: ReadersRequest["encoders"]): Uint8Array {
  const bytes = encoders.get(model);
  if (bytes === undefined) throw badEncoder(`the model ${model} that makes its vectors is not there`);
  return bytes;
}

function badEncoder(reason: string): Error {
  return imagesErrors.IMAGES_BAD_EMBEDDING.error(reason, { details: { reason } });
}
