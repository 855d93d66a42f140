import { createPublicKey, verify } from "node:crypto";
import { type Digest, digestOf } from "../kernel/index.ts";

/** An installation's signature of some bytes. */
export interface InstallationSignature {
  /** Ed25519, DER (SPKI) in base64. */
  readonly publicKey: string;
  /** Base64. */
  readonly signature: string;
}

/** The id of an installation: the digest of its public key. */
export function installationId(publicKey: string): Digest {
  return digestOf(Buffer.from(publicKey, "base64"));
}

/** Whether these bytes were signed by the one whose public key is given. */
export function isSignedBy({ publicKey, signature }: InstallationSignature, bytes: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" && verify(null, bytes, key, Buffer.from(signature, "base64"));
  } catch {
    // What is no key or no signature has signed nothing.
    return false;
  }
}
