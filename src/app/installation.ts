import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { type InstallationSignature, installationId } from "../bundle/index.ts";
import type { Digest } from "../kernel/index.ts";
import { readFileIfPresent } from "./atomic-file.ts";
import { appErrors } from "./errors.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Who this installation is to others: an Ed25519 key that never leaves it, but in its backups. */
export interface Installation {
  /** The digest of the public key. */
  readonly id: Digest;
  /** DER (SPKI), base64. */
  readonly publicKey: string;
  sign(bytes: Uint8Array): InstallationSignature;
}

/** Reads the installation's key; the first use makes one, readable by the owner only. @throws APP_STATE_UNUSABLE */
export function openInstallation(state: Pick<StateDirectory, "installationKey">): Installation {
  const path = state.installationKey;
  const key = parseKey(readFileIfPresent(path) ?? createKey(path), path);
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
  return {
    id: installationId(publicKey),
    publicKey,
    sign: (bytes) => ({ publicKey, signature: sign(null, bytes, key).toString("base64") }),
  };
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw unusable(path, cause);
  }
  throw unusable(path, undefined);
}

function unusable(path: string, cause: unknown): Error {
  return appErrors.APP_STATE_UNUSABLE.error(`${path} does not hold the key of an installation`, {
    details: { file: path },
    hint: "put it back from a backup, or remove it: the next use makes another, and so another installation",
    cause,
  });
}

/** Of several processes that make one at the same time the first wins. */
function createKey(path: string): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const draft = `${path}.${process.pid}.tmp`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, pem);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
    return pem;
  } catch (error) {
    const made = readFileIfPresent(path);
    if (made === undefined) throw error;
    return made;
  } finally {
    rmSync(draft, { force: true });
  }
}
