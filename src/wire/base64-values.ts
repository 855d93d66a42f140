import { isUtf8 } from "node:buffer";
import { badRequest, type InputRules, isObject } from "./prediction-body.ts";

/**
 * TensorFlow Serving's way to send bytes in JSON: `{"b64": "…"}` stands for a value. The bytes of a text are UTF-8; a file
 * that begins like an image stays base64, which is how models that read images take it.
 */

/** Whether a body may hold such values; cheap, and wrong only by saying yes too often. */
export function mayHoldBase64(text: string): boolean {
  return text.includes('"b64"');
}

/**
 * The document with a text in the place of every `{"b64": "…"}`.
 *
 * @throws WIRE_BAD_REQUEST for what is not base64, or neither UTF-8 nor an image
 */
export function withBase64Texts(document: unknown, rules: InputRules): unknown {
  // For a model that has a field of this name, the object is a record.
  if (rules.names.has("b64")) return document;
  if (Array.isArray(document)) return document.map((item) => withBase64Texts(item, rules));
  if (!isObject(document)) return document;
  const entries = Object.entries(document);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "b64") return textOfBase64(first[1], rules);
  return Object.fromEntries(entries.map(([name, value]) => [name, withBase64Texts(value, rules)]));
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function textOfBase64(value: unknown, rules: InputRules): string {
  if (typeof value !== "string" || !BASE64.test(value))
    throw badRequest('"b64" must be a string of base64', rules, { field: "b64" });
  const bytes = Buffer.from(value, "base64");
  if (beginsLikeAnImage(bytes)) return value;
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw badRequest('the bytes of a "b64" value are neither UTF-8 text nor an image', rules, { field: "b64" });
}

/** JPEG, PNG, GIF, TIFF of either byte order, WebP, and the container of AVIF and HEIF. */
function beginsLikeAnImage(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, 12);
  return /^(?:\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|II\*\0|MM\0\*|RIFF.{4}WEBP|.{4}ftyp)/s.test(head);
}
