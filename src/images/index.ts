export { DEFAULT_IMAGE_LIMITS, type ImageLimits } from "./decode.ts";
export { sameEmbedding } from "./embedding.ts";
export { imagesErrors } from "./errors.ts";
export { type ImageFacts, imageNumber } from "./image-facts.ts";
export { imageFormatOf } from "./image-format.ts";
export { type ImageReader, type ImageReaderOptions, openImageReader } from "./image-reader.ts";
export { ImageReaders, type ReadersRequest } from "./image-readers.ts";
export { decodeBase64, type ImagePlaces, loadImageText, readImageText } from "./image-text.ts";
export {
  type EmbeddingOptions,
  type EmbeddingRecipe,
  type ImageFactName,
  type ImageNumber,
  imageFactNames,
} from "./spec.ts";
