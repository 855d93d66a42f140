import { readFile, rm } from "node:fs/promises";
import type { z } from "zod";
import {
  type BundleManifest,
  bundleBlobs,
  type CodeTrust,
  type InstallationSignature,
  installationId,
  isSignedBy,
  noCode,
  readManifest,
} from "../bundle/index.ts";
import { canonicalJson, type Digest, isDigest, type JsonValue } from "../kernel/index.ts";
import {
  type ArchiveEntry,
  addBlob,
  archiveDamaged,
  type BlobStore,
  openArchiveWriter,
  readArchive,
  storageErrors,
} from "../storage/index.ts";
import { type CarriedVersion, signatureSchema, versionRecordSchema } from "./provenance.ts";

/** The first file of a model file, by which it is recognised. */
export const MODEL_FILE_RECORD = "slipway-model.json";
const SIGNATURE = "signature.json";
const FORMAT = "slipway.model/1";
const MOST_JSON_BYTES = 64 * 1024 * 1024;

/** What the record's bytes are made of; they are what is signed. */
export function encodeCarriedVersion(version: CarriedVersion): Buffer {
  return Buffer.from(canonicalJson(version));
}

/**
 * The blobs that a version consists of: its bundle, and the file of another program that it was made from, if it was.
 *
 * @throws BUNDLE_MISSING, BUNDLE_DAMAGED, STORAGE_BLOB_MISSING
 */
export async function blobsOfVersion(
  blobs: BlobStore,
  { bundle, recipe }: { readonly bundle: Digest; readonly recipe: JsonValue },
): Promise<CarriedVersion["blobs"]> {
  const source = sourceOf(recipe);
  const digests = new Set([
    ...bundleBlobs(bundle, await readManifest(blobs, bundle)),
    ...(source === undefined ? [] : [source]),
  ]);
  return await Promise.all(
    [...digests].map(async (digest) => ({ digest, bytes: (await blobs.stat(digest)).bytes })),
  );
}

/** The blob of the model file that a version was made from: an imported one, or one whose trainer is a file. */
function sourceOf(recipe: JsonValue): Digest | undefined {
  const trainer = member(recipe, "trainer");
  const source =
    member(trainer, "kind") === "pretrained" ? member(trainer, "digest") : member(recipe, "source");
  return typeof source === "string" && isDigest(source) ? source : undefined;
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, JsonValue>>)[name];
}

/**
 * Writes a version to one file. The same version and the same key give the same bytes.
 *
 * @throws STORAGE_BLOB_DAMAGED, STORAGE_FILE_CHANGED, STORAGE_IO when `out` exists, STORAGE_DISK_FULL
 */
export async function writeModelFile(request: {
  readonly out: string;
  /** As `encodeCarriedVersion` gives it. */
  readonly record: Uint8Array;
  readonly signature: InstallationSignature;
  readonly contents: CarriedVersion["blobs"];
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}): Promise<{ readonly bytes: number; readonly digest: Digest }> {
  const { out, record, signature, contents, blobs, signal } = request;
  const archive = await openArchiveWriter(out);
  try {
    await archive.add(MODEL_FILE_RECORD, record);
    await archive.add(SIGNATURE, Buffer.from(canonicalJson(signature)));
    for (const { digest, bytes } of contents)
      await addBlob(archive, { blobs, digest, file: { bytes, signal } });
    return await archive.finish();
  } finally {
    await archive.close();
  }
}

/**
 * Reads a model file, verifies everything in it, and stores its blobs: all of them, or none when it throws.
 *
 * @throws STORAGE_ARCHIVE_DAMAGED, STORAGE_ARCHIVE_UNSUPPORTED, BUNDLE_*, STORAGE_IO, STORAGE_DISK_FULL
 */
export async function readModelFile(request: {
  readonly file: string;
  readonly blobs: BlobStore;
  /** Throws when custom code of the bundle may not run here; nothing is stored then. Default: none may. */
  readonly mayRun?: CodeTrust;
  readonly signal?: AbortSignal;
}): Promise<CarriedVersion> {
  const { file, blobs, mayRun = noCode, signal } = request;
  const unpacked: string[] = [];
  try {
    const entries = readArchive(file, signal === undefined ? {} : { signal });
    const version = await unpack({ file, entries, blobs, unpacked });
    const code = await codeOf(version, unpacked);
    if (code !== undefined) await mayRun(code);
    for (const path of unpacked) await blobs.putFile(path, { move: true });
    await checkComplete({ file, version, blobs });
    return version;
  } finally {
    for (const path of unpacked) await rm(path, { force: true });
  }
}

async function unpack({
  file,
  entries,
  blobs,
  unpacked,
}: {
  readonly file: string;
  readonly entries: AsyncIterable<ArchiveEntry>;
  readonly blobs: BlobStore;
  readonly unpacked: string[];
}): Promise<CarriedVersion> {
  let record: Buffer | undefined;
  let version: CarriedVersion | undefined;
  for await (const entry of entries) {
    if (record === undefined) {
      if (entry.name !== MODEL_FILE_RECORD) throw archiveDamaged(file, "it is no model file");
      record = await entry.read(MOST_JSON_BYTES);
    } else if (version === undefined) {
      version = checkSigned(file, record, { name: entry.name, bytes: await entry.read(MOST_JSON_BYTES) });
    } else {
      const expected = version.blobs[unpacked.length];
      if (expected === undefined || entry.name !== `blobs/${expected.digest}`)
        throw archiveDamaged(file, `${entry.name} is not what should stand there`);
      const path = blobs.temporaryPath();
      unpacked.push(path);
      if ((await entry.saveTo(path)) !== expected.digest)
        throw archiveDamaged(file, `${entry.name} has been altered`);
    }
  }
  if (version === undefined || unpacked.length < version.blobs.length)
    throw archiveDamaged(file, "files are missing from it");
  return version;
}

function checkSigned(
  file: string,
  record: Buffer,
  entry: { readonly name: string; readonly bytes: Buffer },
): CarriedVersion {
  if (entry.name !== SIGNATURE) throw archiveDamaged(file, `${entry.name} is not what should stand there`);
  const value = parseJson(file, { name: MODEL_FILE_RECORD, bytes: record });
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (typeof format === "string" && format !== FORMAT && /^slipway\.model\/\d+$/.test(format)) {
    throw storageErrors.STORAGE_ARCHIVE_UNSUPPORTED.error(
      `${file} is a model file of the format "${format}"; this version knows "${FORMAT}"`,
      { details: { path: file, format }, hint: "Import it with the version that wrote it, or a newer one." },
    );
  }
  const signature = checked(signatureSchema, { file, name: SIGNATURE, value: parseJson(file, entry) });
  const version = checked(versionRecordSchema, { file, name: MODEL_FILE_RECORD, value });
  const writer = version.origin.at(-1);
  if (
    writer?.publicKey !== signature.publicKey ||
    writer.installation !== installationId(signature.publicKey) ||
    !canonicallyEqual(signature, entry.bytes) ||
    !isSignedBy(signature, record)
  ) {
    throw archiveDamaged(file, `${MODEL_FILE_RECORD} is not what its installation has signed`);
  }
  return version;
}

/** Base64 can be spelt in several ways: so that the file's digest names what it says, one is taken. */
function canonicallyEqual({ publicKey, signature }: InstallationSignature, bytes: Buffer): boolean {
  const respelt = (text: string): string => Buffer.from(text, "base64").toString("base64");
  return bytes.equals(
    Buffer.from(canonicalJson({ publicKey: respelt(publicKey), signature: respelt(signature) })),
  );
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  { file, name, value }: { readonly file: string; readonly name: string; readonly value: unknown },
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw archiveDamaged(file, `${name}: ${issue?.path.join(".")}: ${issue?.message}`);
}

function parseJson(file: string, { name, bytes }: { name: string; bytes: Buffer }): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (thrown) {
    throw thrown instanceof SyntaxError ? archiveDamaged(file, `${name} is not JSON`) : thrown;
  }
}

/** The custom code that the manifest among the unpacked files names; a manifest that is none is found out later. */
async function codeOf(version: CarriedVersion, unpacked: readonly string[]): Promise<Digest | undefined> {
  const at = version.blobs.findIndex(({ digest }) => digest === version.version.bundle);
  const path = unpacked[at];
  if (path === undefined) return undefined;
  try {
    const { files } = JSON.parse(await readFile(path, "utf8")) as Partial<BundleManifest>;
    return files?.code?.digest;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** All that the version needs must have come with it. */
async function checkComplete({
  file,
  version,
  blobs,
}: {
  readonly file: string;
  readonly version: CarriedVersion;
  readonly blobs: BlobStore;
}): Promise<void> {
  const brought = new Set(version.blobs.map(({ digest }) => digest));
  const { bundle, recipe } = version.version;
  if (!brought.has(bundle)) throw archiveDamaged(file, "it does not hold the bundle");
  for (const { digest } of await blobsOfVersion(blobs, { bundle, recipe }).catch((thrown: unknown) => {
    throw storageErrors.STORAGE_BLOB_MISSING.is(thrown)
      ? archiveDamaged(file, `it does not hold blob ${thrown.details.digest}`)
      : thrown;
  })) {
    if (!brought.has(digest)) throw archiveDamaged(file, `it does not hold blob ${digest}`);
  }
}
