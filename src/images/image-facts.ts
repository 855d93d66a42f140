import { hashDistance } from "./pixel-facts.ts";
import type { ImageFactName, ImageNumber } from "./spec.ts";

/** Everything that is known of an image. */
export interface ImageFacts extends Readonly<Record<ImageFactName, number>> {
  /** The difference hash: 16 hexadecimal digits. */
  readonly hash: string;
  /** As long as the embedding's recipe says; absent where there is none. */
  readonly embedding?: Float32Array;
}

/** NaN for what is not known. */
export function imageNumber(facts: ImageFacts, number: ImageNumber): number {
  switch (number.fact) {
    case "hashKey":
      return hashKey(facts.hash);
    case "hashDistance":
      return hashDistance(facts.hash, number.to);
    case "embedding":
      return facts.embedding?.[number.at] ?? Number.NaN;
    default:
      return facts[number.fact];
  }
}

/** FNV-1a over the eight bytes of the hash. */
function hashKey(hash: string): number {
  let key = 0x811c9dc5;
  for (const byte of Buffer.from(hash, "hex")) key = Math.imul(key ^ byte, 0x01000193) >>> 0;
  return key;
}
