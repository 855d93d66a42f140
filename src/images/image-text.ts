import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { imagesErrors } from "./errors.ts";

/** An image in a text: the path of a file, or the file itself in base64. */
export type ImageText =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "base64"; readonly base64: string };

const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*;base64,/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** How the formats that are decoded begin in base64: JPEG, PNG, GIF, WebP (RIFF), TIFF. AVIF begins with a length. */
const BEGINNINGS = ["/9j/", "_9j_", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkqA", "TU0AK", "AAAA"];
/** No image is smaller. */
const LEAST_CHARACTERS = 40;

/**
 * What a text means, by the text alone: a `data:` URL or base64 that begins like an image is the image itself, everything
 * else is a path.
 */
export function readImageText(text: string): ImageText {
  const url = DATA_URL.exec(text);
  if (url !== null) return { kind: "base64", base64: text.slice(url[0].length) };
  const begins = BEGINNINGS.some((beginning) => text.startsWith(beginning));
  if (begins && text.length >= LEAST_CHARACTERS && BASE64.test(text)) return { kind: "base64", base64: text };
  return { kind: "path", path: text };
}

/**
 * The bytes of base64, standard or URL-safe.
 *
 * @throws IMAGES_BAD_IMAGE
 */
export function decodeBase64(text: string): Buffer {
  if (text === "" || !BASE64.test(text)) {
    const reason = text === "" ? "is empty" : "is not base64";
    throw imagesErrors.IMAGES_BAD_IMAGE.error(`the image ${reason}`, { details: { reason } });
  }
  return Buffer.from(text, "base64");
}

/** Where paths are looked for: beside the file that names them, then in the project's folder. */
export interface ImagePlaces {
  /** Absolute path of the file that the text stands in. */
  readonly file: string;
  readonly root: string;
}

/**
 * The bytes that a text stands for.
 *
 * @throws IMAGES_NOT_FOUND, IMAGES_BAD_IMAGE
 */
export async function loadImageText(text: string, places: ImagePlaces): Promise<Buffer> {
  const image = readImageText(text);
  if (image.kind === "base64") return decodeBase64(image.base64);
  const candidates = isAbsolute(image.path)
    ? [image.path]
    : [...new Set([join(dirname(places.file), image.path), resolve(places.root, image.path)])];
  for (const path of candidates) {
    try {
      return await readFile(path);
    } catch (thrown) {
      if (isMissing(thrown)) continue;
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw imagesErrors.IMAGES_NOT_FOUND.error(`the image cannot be read: ${reason}`, {
        details: { reason: `cannot be read: ${reason}`, path },
        cause: thrown,
      });
    }
  }
  throw imagesErrors.IMAGES_NOT_FOUND.error(`there is no image ${image.path.slice(0, 500)}`, {
    details: { reason: "does not exist", path: image.path.slice(0, 500) },
    hint: "Paths are relative to the file that names them, or to the project's folder.",
  });
}

function isMissing(thrown: unknown): boolean {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
}
