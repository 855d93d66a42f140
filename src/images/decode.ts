import type sharp from "sharp";
import { imagesErrors } from "./errors.ts";
import { type ImageFormat, imageFormatOf } from "./image-format.ts";
import type { Pixels } from "./pixel-facts.ts";

/** What an image may cost before it is refused. A small file can stand for a huge picture. */
export interface ImageLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export const DEFAULT_IMAGE_LIMITS: ImageLimits = { maxBytes: 32 * 1024 * 1024, maxPixels: 50_000_000 };

export interface DecodedImage extends Pixels {
  readonly format: ImageFormat;
}

/** Decodes images on the threads of the process's pool: nothing of it happens on the event loop. */
export class Decoder {
  /** Which program decodes: another version may give other pixels. */
  readonly version: string;
  readonly #sharp: typeof sharp;

  private constructor(loaded: typeof sharp) {
    this.#sharp = loaded;
    this.version = `sharp ${loaded.versions.sharp}, libvips ${loaded.versions.vips}`;
  }

  /** @throws IMAGES_NO_DECODER */
  static async load(): Promise<Decoder> {
    try {
      const { default: loaded } = await import("sharp");
      // Images are many and small: one thread each, and nothing is asked for twice.
      loaded.concurrency(1);
      loaded.cache(false);
      return new Decoder(loaded);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      throw imagesErrors.IMAGES_NO_DECODER.error(`the image decoder (sharp) cannot be loaded: ${reason}`, {
        cause,
        hint: "Install the packages again on this kind of machine: `npm install`.",
      });
    }
  }

  /**
   * The first frame as it is seen: turned by its EXIF orientation, transparency over white, in sRGB of 8 bits.
   *
   * @throws IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE
   */
  async decode(bytes: Uint8Array, limits: ImageLimits): Promise<DecodedImage> {
    if (bytes.length > limits.maxBytes) throw tooLarge("bytes", bytes.length, limits.maxBytes);
    const format = imageFormatOf(bytes);
    if (format === undefined) throw badImage(whatItIs(bytes));
    try {
      // The header alone; what it says is checked before anything is unpacked.
      const header = await this.#sharp(bytes, { limitInputPixels: false }).metadata();
      const pixels = header.width * header.height;
      if (pixels > limits.maxPixels) throw tooLarge("pixels", pixels, limits.maxPixels);
      const { data, info } = await this.#sharp(bytes, {
        failOn: "error",
        sequentialRead: true,
        limitInputPixels: limits.maxPixels,
      })
        .autoOrient()
        .flatten({ background: "#ffffff" })
        .toColourspace("srgb")
        .raw({ depth: "uchar" })
        .toBuffer({ resolveWithObject: true });
      return { format, width: info.width, height: info.height, data: threeChannels(data, info) };
    } catch (thrown) {
      if (imagesErrors.IMAGES_TOO_LARGE.is(thrown)) throw thrown;
      const reason = thrown instanceof Error ? thrown.message.trim().split("\n")[0] : String(thrown);
      throw badImage(`is no whole ${format.toUpperCase()} image: ${reason}`, thrown);
    }
  }

  /** Scaled (bicubic, antialiased when it shrinks) to a size; see `EmbeddingOptions.fit`. */
  async resize(
    { width, height, data }: Pixels,
    to: { readonly width: number; readonly height: number; readonly fit: "cover" | "fill" },
  ): Promise<Pixels> {
    const { data: resized, info } = await this.#sharp(data, { raw: { width, height, channels: 3 } })
      .resize({ ...to, kernel: "cubic" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: resized };
  }
}

function threeChannels(data: Buffer, info: { readonly channels: number }): Uint8Array {
  if (info.channels === 3) return data;
  if (info.channels !== 1) throw new Error(`it has ${info.channels} channels`);
  const grey = new Uint8Array(data.length * 3);
  for (let at = 0; at < data.length; at++) grey.fill(data[at]!, at * 3, at * 3 + 3);
  return grey;
}

function whatItIs(bytes: Uint8Array): string {
  if (bytes.length === 0) return "is empty";
  const head = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  if (/<svg|<\?xml/i.test(head)) return "is SVG, which is not decoded: convert it to PNG";
  return "is none of JPEG, PNG, GIF, WebP, TIFF, AVIF";
}

function badImage(reason: string, cause?: unknown): Error {
  return imagesErrors.IMAGES_BAD_IMAGE.error(`the image ${reason}`, {
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

function tooLarge(unit: "bytes" | "pixels", found: number, most: number): Error {
  const reason = `has ${found.toLocaleString("en")} ${unit}, more than the ${most.toLocaleString("en")} that are allowed`;
  return imagesErrors.IMAGES_TOO_LARGE.error(`the image ${reason}`, {
    details: { reason, unit, found, most },
  });
}
