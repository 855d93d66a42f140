import { DEFAULT_IMAGE_LIMITS, Decoder, type ImageLimits } from "./decode.ts";
import { Embedder } from "./embedding.ts";
import type { ImageFacts } from "./image-facts.ts";
import { pixelFacts } from "./pixel-facts.ts";
import type { EmbeddingOptions, EmbeddingRecipe } from "./spec.ts";

export interface ImageReaderOptions {
  readonly limits?: ImageLimits;
  /** Vectors too: what the project says about them, and the bytes of the ONNX file. */
  readonly embedding?: { readonly options: Omit<EmbeddingOptions, "model">; readonly model: Uint8Array };
}

/** From the bytes of an image to what is known of it: the one function that ingest, batch prediction, serving and replay use. */
export interface ImageReader {
  /** Which program decodes. */
  readonly decoder: string;
  readonly embedding: EmbeddingRecipe | undefined;
  /** @throws IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE */
  read(bytes: Uint8Array): Promise<ImageFacts>;
  close(): Promise<void>;
}

/** @throws IMAGES_NO_DECODER, IMAGES_BAD_EMBEDDING, INFERENCE_* */
export async function openImageReader(options: ImageReaderOptions = {}): Promise<ImageReader> {
  const { limits = DEFAULT_IMAGE_LIMITS, embedding } = options;
  const decoder = await Decoder.load();
  const embedder =
    embedding === undefined
      ? undefined
      : await Embedder.open(embedding.options, { model: embedding.model, decoder });
  return {
    decoder: decoder.version,
    embedding: embedder?.recipe,
    async read(bytes) {
      const pixels = await decoder.decode(bytes, limits);
      const { width, height } = pixels;
      return {
        width,
        height,
        aspect: width / height,
        bytes: bytes.length,
        ...pixelFacts(pixels),
        ...(embedder === undefined ? {} : { embedding: await embedder.embed(pixels) }),
      };
    },
    close: async () => embedder?.close(),
  };
}
