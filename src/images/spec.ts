/** What a project may say about images: types, names and constructors only, so that loading a config loads no native code. */

/**
 * What is known of every image after it has been decoded, one number each. The names never change their meaning.
 *
 * `width`, `height`: pixels, as the image is seen (its EXIF orientation applied). `aspect`: width ÷ height. `bytes`: of the
 * file. The others are over the pixels of a grid of at most 128 × 128, on the values 0 to 255 of sRGB: `brightness` is the
 * mean of the luma (Rec. 709), `contrast` its standard deviation, `saturation` the mean of (max − min) ÷ max from 0 to 1, and
 * mean and standard deviation (of the population) of each channel.
 */
export const imageFactNames = [
  "width",
  "height",
  "aspect",
  "bytes",
  "brightness",
  "contrast",
  "saturation",
  "redMean",
  "greenMean",
  "blueMean",
  "redDeviation",
  "greenDeviation",
  "blueDeviation",
] as const;

export type ImageFactName = (typeof imageFactNames)[number];

/** One number of an image, as a derived column names it. */
export type ImageNumber =
  | { readonly fact: ImageFactName }
  /** A 32-bit number for the hash: equal for equal hashes, and as good as never for others. */
  | { readonly fact: "hashKey" }
  /** In how many of the 64 bits the hash differs from another. */
  | { readonly fact: "hashDistance"; readonly to: string }
  | { readonly fact: "embedding"; readonly at: number };

/** How an ONNX graph turns an image into a vector. */
export interface EmbeddingOptions {
  /** An ONNX file, relative to the project's folder. It takes one image and answers one vector. */
  readonly model: string;
  /** Pixels of its input. */
  readonly width: number;
  readonly height: number;
  /** The order of its input's extents: channels before or after the pixels. Default `NCHW`. */
  readonly layout?: "NCHW" | "NHWC";
  /** The order of the channels. Default `RGB`. */
  readonly channels?: "RGB" | "BGR";
  /** Channel values from 0 to 255 become (value ÷ 255 − mean) ÷ deviation. Default 0 and 1: values from 0 to 1. */
  readonly mean?: readonly [number, number, number];
  readonly deviation?: readonly [number, number, number];
  /**
   * How the image is brought to the input's size: scaled until it covers it and cut evenly at both ends (`cover`, the
   * default), or stretched (`fill`).
   */
  readonly fit?: "cover" | "fill";
  /** Name of the graph's input. Default: its only one. */
  readonly input?: string;
  /** Name of the output that is the vector. Default: its only one. */
  readonly output?: string;
}

export interface ImageOptions {
  /** A vector for each image, by an ONNX model: `c.photo.embedding()`. */
  readonly embedding?: EmbeddingOptions;
}

/** Everything a vector depends on besides the image: the options with their defaults, the model by the digest of its file. */
export interface EmbeddingRecipe {
  /** sha256 of the ONNX file. */
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly layout: "NCHW" | "NHWC";
  readonly channels: "RGB" | "BGR";
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
  readonly fit: "cover" | "fill";
  readonly input: string;
  readonly output: string;
  /** Numbers of the vector. */
  readonly size: number;
}
