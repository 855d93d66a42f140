import { randomBytes } from "node:crypto";
import type { Clock } from "./clock.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Crockford base 32, most significant digit first, padded to `digits`. */
export function encodeBase32(value: bigint, digits: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < digits; i++) {
    text = ALPHABET[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return text;
}

/** Unpredictable bytes from the operating system: salts, tokens, incarnations. */
export function entropy(bytes: number): Buffer {
  return randomBytes(bytes);
}

/** `run_01jd…`: a prefix, 48 bits of time and 50 random bits; ids sort by creation time to the millisecond. */
export function newId(prefix: string, clock: Clock): string {
  const time = encodeBase32(BigInt(clock()), 10);
  const random = encodeBase32(BigInt(`0x${entropy(8).toString("hex")}`) & ((1n << 50n) - 1n), 10);
  return `${prefix}_${time}${random}`;
}
