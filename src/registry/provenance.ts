import { z } from "zod";
import { type Digest, isDigest, type JsonValue } from "../kernel/index.ts";

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

export const signatureSchema = z.strictObject({
  publicKey: z.string().max(200),
  signature: z.string().max(200),
});
