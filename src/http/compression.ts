import { constants, deflate, gunzip, gzip, inflate, inflateRaw } from "node:zlib";
import { httpErrors } from "./errors.ts";

export type ContentCoding = "gzip" | "deflate";

type Done = (error: Error | null, bytes: Buffer) => void;

/** Shorter answers are not worth the time of a thread. */
export const WORTH_COMPRESSING_BYTES = 8 * 1024;
/** An answer that hardly shrinks is sent as it is. */
const MOST_OF_ITS_LENGTH = 0.9;

/** The coding of a request's body; undefined for a plain one. @throws HTTP_ENCODING_UNSUPPORTED */
export function contentCoding(header: string | undefined): ContentCoding | undefined {
  const name = header?.trim().toLowerCase();
  switch (name) {
    case undefined:
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    default:
      throw httpErrors.HTTP_ENCODING_UNSUPPORTED.error(
        `bodies encoded as "${name.slice(0, 80)}" are not read; send gzip, deflate, or plain`,
        { details: { encoding: name.slice(0, 80) } },
      );
  }
}

/**
 * Inflates a body on a thread of zlib's.
 *
 * @param maxBytes longest body; no more than that is ever inflated
 * @param done called once, with an error HTTP_BAD_ENCODING, or HTTP_BODY_TOO_LARGE where it is longer
 */
export function inflateBody(
  body: Buffer,
  { coding, maxBytes, tooLarge }: { coding: ContentCoding; maxBytes: number; tooLarge: () => Error },
  done: Done,
): void {
  const options = { maxOutputLength: maxBytes };
  const settle = (error: (Error & { code?: string }) | null, bytes: Buffer): void => {
    if (error === null) done(null, bytes);
    else if (error.code === "ERR_BUFFER_TOO_LARGE") done(tooLarge(), bytes);
    else
      done(
        httpErrors.HTTP_BAD_ENCODING.error(`the body is not ${coding} as its header says: ${error.message}`, {
          cause: error,
          details: { encoding: coding },
        }),
        bytes,
      );
  };
  if (coding === "gzip") gunzip(body, options, settle);
  // The name means zlib's format, but some clients send the bare one; a header of zlib is divisible by 31.
  else if (body.length >= 2 && body.readUInt16BE(0) % 31 === 0 && (body[0]! & 0x0f) === 8)
    inflate(body, options, settle);
  else inflateRaw(body, options, settle);
}

/** The coding that a client would like best of those that are written here, by its Accept-Encoding. */
export function acceptedCoding(header: string | undefined): ContentCoding | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  const others = weights.get("*") ?? 0;
  const gzipWeight = weights.get("gzip") ?? others;
  const deflateWeight = weights.get("deflate") ?? others;
  if (gzipWeight === 0 && deflateWeight === 0) return undefined;
  return gzipWeight >= deflateWeight ? "gzip" : "deflate";
}

/** Compresses an answer on a thread of zlib's; `undefined` where that is not worth it. */
export function compressAnswer(
  bytes: Buffer,
  coding: ContentCoding,
  done: (compressed: Buffer | undefined) => void,
): void {
  const compress = coding === "gzip" ? gzip : deflate;
  // Level 1: an answer waits for it.
  compress(bytes, { level: constants.Z_BEST_SPEED }, (error, compressed) =>
    done(error === null && compressed.length < bytes.length * MOST_OF_ITS_LENGTH ? compressed : undefined),
  );
}
