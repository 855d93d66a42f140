import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";
import { type Digest, digestOf, isDigest, type JsonValue } from "../kernel/index.ts";

const digest = z.custom<Digest>((value) => typeof value === "string" && isDigest(value), {
  error: "a digest is wanted",
});
const json: z.ZodType<JsonValue, JsonValue> = z.json();
const name = z.string().min(1).max(200);
const reason = z.string().max(10_000).nullable();
/** Epoch milliseconds. */
const time = z.number().int().min(0);

/** A line of another installation's journal, for people to read: its chain stays there. */
const journalLine = z.strictObject({
  sequence: z.number().int().min(1),
  at: time,
  actor: name,
  action: name,
  reason,
  details: z.record(z.string(), json).readonly(),
});

/** Where and by whom a version was registered before it came here. */
const provenanceStep = z.strictObject({
  /** The digest of the installation's public key. */
  installation: digest,
  /** Ed25519, DER (SPKI) in base64. */
  publicKey: z.string().max(200),
  model: name,
  version: z.number().int().min(1),
  run: name.nullable(),
  actor: name,
  reason,
  registeredAt: time,
  /** What the journal there says about the version, its run, and its aliases; oldest first. */
  journal: z.array(journalLine).readonly(),
});

/** A version as it leaves an installation: the first file of a model file. */
export const versionRecordSchema = z.strictObject({
  format: z.literal("slipway.model/1"),
  version: z.strictObject({
    bundle: digest,
    status: z.enum(["accepted", "rejected"]),
    dataset: name.nullable(),
    snapshot: digest.nullable(),
    plan: digest.nullable(),
    recipe: json,
    metrics: json,
    gates: json,
    code: json,
  }),
  /** Every installation that the version was registered in; the last one wrote the file. */
  origin: z.array(provenanceStep).min(1).max(1000).readonly(),
  /** What the file holds, in its order. */
  blobs: z
    .array(z.strictObject({ digest, bytes: z.number().int().min(0) }))
    .min(1)
    .max(100_000)
    .readonly(),
});

export type JournalLine = z.output<typeof journalLine>;
export type ProvenanceStep = z.output<typeof provenanceStep>;
export type CarriedVersion = z.output<typeof versionRecordSchema>;

/** An installation's signature of some bytes. */
export interface InstallationSignature {
  readonly publicKey: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

export const signatureSchema = z.strictObject({
  publicKey: z.string().max(200),
  signature: z.string().max(200),
});

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
