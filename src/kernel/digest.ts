import { createHash, type Hash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import { kernelErrors } from "./errors.ts";

/** A sha256 as 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly __brand: "Digest" };

const PATTERN = /^[0-9a-f]{64}$/;

export function digestOf(bytes: Uint8Array | string): Digest {
  return createHash("sha256").update(bytes).digest("hex") as Digest;
}

/** The digest of a value's canonical JSON: the name of every content-addressed document. */
export function digestOfJson(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

/** For bytes that arrive in pieces. */
export function createDigester(): { update(bytes: Uint8Array | string): void; digest(): Digest } {
  const hash: Hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest("hex") as Digest,
  };
}

/** @throws KERNEL_BAD_DIGEST */
export function parseDigest(text: string): Digest {
  if (!PATTERN.test(text)) {
    throw kernelErrors.KERNEL_BAD_DIGEST.error(`"${text.slice(0, 80)}" is not a sha256 digest`, {
      details: { text: text.slice(0, 80) },
    });
  }
  return text as Digest;
}

export function isDigest(text: string): text is Digest {
  return PATTERN.test(text);
}

/** The first 12 digits, enough for people. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, 12);
}
