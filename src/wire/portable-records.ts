import { z } from "zod";
import type { JsonValue } from "../kernel/index.ts";

/** What moves between installations, and what is said about it. */

const count = z.number().int().min(0);
const json: z.ZodType<JsonValue, JsonValue> = z.json();

/** A version in the installation that it comes from. */
export const formerVersion = z.object({
  /** The digest of the installation's public key. */
  installation: z.string(),
  model: z.string(),
  version: count,
  registeredAt: z.string(),
  actor: z.string(),
});

export const provenanceRecord = formerVersion.extend({
  /** Ed25519, DER (SPKI) in base64. */
  publicKey: z.string(),
  run: z.string().nullable(),
  reason: z.string().nullable(),
  /** What that installation's journal says about the version, oldest first. */
  journal: z
    .array(
      z.object({
        sequence: count,
        at: z.string(),
        actor: z.string(),
        action: z.string(),
        reason: z.string().nullable(),
        details: z.record(z.string(), json).readonly(),
      }),
    )
    .readonly(),
});

export const modelFileRecord = z.object({
  model: z.string(),
  version: count,
  bundle: z.string(),
  out: z.string(),
  bytes: count,
  /** Of the whole file; the same version gives the same. */
  digest: z.string(),
  /** The one that exports. */
  installation: z.string(),
  durationMs: z.number(),
});

export const backupRecord = z.object({
  out: z.string(),
  /** The moment that it is of. */
  at: z.string(),
  installation: z.string(),
  bytes: count,
  digest: z.string(),
  /** Rows of the database. */
  rows: count,
  blobs: count,
  /** Segments of the prediction log, and the installation's key. */
  files: count,
  durationMs: z.number(),
});
