import {
  canonicalJson,
  type Digest,
  digestOf,
  isDigest,
  type JsonValue,
  type SlipwayError,
  shortDigest,
} from "../kernel/index.ts";
import { type BlobStore, storageErrors } from "../storage/index.ts";
import { bundleErrors } from "./errors.ts";
import { encodeItems, type KnownItems, parseItems } from "./items.ts";
import { isRecord, isTask, parseSignature, type Signature, type Task } from "./signature.ts";

export const BUNDLE_FORMAT = "slipway.bundle/1";

const FILES = ["model", "features", "signature", "profile"] as const;

/** Files that only some bundles have; a manifest without them is as if they did not exist. */
const OPTIONAL_FILES = ["windows", "items", "code"] as const;

type RequiredFile = (typeof FILES)[number];
type OptionalFile = (typeof OPTIONAL_FILES)[number];

export type BundleFile = RequiredFile | OptionalFile;

export interface BundleFileEntry {
  readonly digest: Digest;
  readonly bytes: number;
}

/**
 * What a bundle is made of. The digest of its canonical JSON names the bundle, so it holds nothing that two equal
 * trainings could differ in: no times, no machine, no metrics.
 */
export interface BundleManifest {
  readonly format: typeof BUNDLE_FORMAT;
  readonly task: Task;
  /** Which inference engine reads the model's bytes. */
  readonly engine: string;
  readonly files: BundleFiles;
}

export type BundleFiles = Readonly<
  Record<RequiredFile, BundleFileEntry> & Partial<Record<OptionalFile, BundleFileEntry>>
>;

export interface BundleParts {
  readonly engine: string;
  readonly model: Uint8Array;
  /** The fitted feature plan. */
  readonly plan: unknown;
  readonly signature: Signature;
  /** The reference profile that live traffic is compared with. */
  readonly profile: unknown;
  /** What the windows of the plan held after the snapshot, where it has windows. */
  readonly windows?: Uint8Array;
  /** What a model that recommends chooses among. */
  readonly items?: KnownItems;
  /** The module of the custom functions that the plan calls, where it calls some. */
  readonly code?: Uint8Array;
}

/** A bundle whose every file has been verified. */
export interface OpenBundle {
  readonly digest: Digest;
  readonly manifest: BundleManifest;
  readonly plan: JsonValue;
  readonly signature: Signature;
  readonly profile: JsonValue;
  readonly modelBytes: Buffer;
  /** What the windows of the plan held after the snapshot that the model was trained on. */
  readonly windows?: Buffer;
  /** What a model that recommends chooses among. */
  readonly items?: KnownItems;
  /** The custom functions that the plan calls; see `trustedCode`. */
  readonly code?: Buffer;
}

/**
 * Stores a bundle's files and manifest; the same parts give the same digest and are stored once.
 *
 * @throws BUNDLE_BAD_SIGNATURE, KERNEL_NOT_CANONICAL when plan or profile is not JSON, and the errors of the blob store
 */
export async function writeBundle(
  blobs: BlobStore,
  parts: BundleParts,
): Promise<{ digest: Digest; manifest: BundleManifest }> {
  const manifest = manifestOf(parts);
  for (const [, bytes] of fileBytes(parts)) await blobs.put(bytes);
  const digest = await blobs.put(Buffer.from(canonicalJson(manifest)));
  return { digest, manifest };
}

/**
 * The manifest that these parts have, without storing anything.
 *
 * @throws BUNDLE_BAD_SIGNATURE, KERNEL_NOT_CANONICAL when plan or profile is not JSON
 */
export function manifestOf(parts: BundleParts): BundleManifest {
  const entries = fileBytes(parts).map(([file, bytes]) => [
    file,
    { digest: digestOf(bytes), bytes: bytes.length },
  ]);
  return {
    format: BUNDLE_FORMAT,
    task: parts.signature.output.task,
    engine: parts.engine,
    files: Object.fromEntries(entries),
  };
}

function fileBytes(parts: BundleParts): [BundleFile, Uint8Array][] {
  return [
    ["model", parts.model],
    ["features", Buffer.from(canonicalJson(parts.plan))],
    ["signature", Buffer.from(canonicalJson(parseSignature(parts.signature)))],
    ["profile", Buffer.from(canonicalJson(parts.profile))],
    ...(parts.windows === undefined ? [] : [["windows", parts.windows] as [BundleFile, Uint8Array]]),
    ...(parts.items === undefined ? [] : [["items", encodeItems(parts.items)] as [BundleFile, Uint8Array]]),
    ...(parts.code === undefined ? [] : [["code", parts.code] as [BundleFile, Uint8Array]]),
  ];
}

/**
 * Reads a bundle and verifies each of its files.
 *
 * @throws BUNDLE_MISSING, BUNDLE_DAMAGED (details: bundle, file, path), BUNDLE_UNSUPPORTED, and the errors of the blob store
 */
export async function openBundle(blobs: BlobStore, digest: Digest): Promise<OpenBundle> {
  const manifest = await readManifest(blobs, digest);
  const read = (file: RequiredFile) => readFile(blobs, { bundle: digest, file, entry: manifest.files[file] });
  const readOptional = (file: OptionalFile) => {
    const entry = manifest.files[file];
    return entry === undefined ? undefined : readFile(blobs, { bundle: digest, file, entry });
  };
  const [windows, items, code, modelBytes, plan, signature, profile] = await Promise.all([
    readOptional("windows"),
    readOptional("items"),
    readOptional("code"),
    read("model"),
    read("features"),
    read("signature"),
    read("profile"),
  ]);
  const json = (file: BundleFile, bytes: Buffer) => parseJson(bytes, { bundle: digest, file });
  const opened: OpenBundle = {
    digest,
    manifest,
    plan: json("features", plan),
    signature: readSignature(json("signature", signature), digest),
    profile: json("profile", profile),
    modelBytes,
    ...(windows === undefined ? {} : { windows }),
    ...(items === undefined ? {} : { items: readItems(json("items", items), digest) }),
    ...(code === undefined ? {} : { code }),
  };
  if (opened.signature.output.task !== manifest.task) {
    throw damaged({
      bundle: digest,
      file: "signature",
      fault: `is for another task than "${manifest.task}"`,
    });
  }
  return opened;
}

/**
 * Reads and verifies a bundle's feature plan alone.
 *
 * @throws BUNDLE_MISSING, BUNDLE_DAMAGED (details: bundle, file, path), BUNDLE_UNSUPPORTED, and the errors of the blob store
 */
export async function readPlan(blobs: BlobStore, digest: Digest): Promise<JsonValue> {
  const { files } = await readManifest(blobs, digest);
  const bytes = await readFile(blobs, { bundle: digest, file: "features", entry: files.features });
  return parseJson(bytes, { bundle: digest, file: "features" });
}

/**
 * Reads and checks a bundle's manifest without its files.
 *
 * @throws BUNDLE_MISSING, BUNDLE_DAMAGED, BUNDLE_UNSUPPORTED
 */
export async function readManifest(blobs: BlobStore, digest: Digest): Promise<BundleManifest> {
  const bytes = await blobs.get(digest).catch((thrown: unknown) => {
    if (storageErrors.STORAGE_BLOB_MISSING.is(thrown)) {
      throw bundleErrors.BUNDLE_MISSING.error(`bundle ${digest} is not stored`, {
        details: { bundle: digest, path: blobs.path(digest) },
        cause: thrown,
      });
    }
    throw damagedBlob(thrown, { bundle: digest, file: "manifest" });
  });
  const value = parseJson(bytes, { bundle: digest, file: "manifest" });
  const fault = (text: string) => damaged({ bundle: digest, file: "manifest", fault: text });
  if (!isRecord(value) || typeof value.format !== "string" || !value.format.startsWith("slipway.bundle/")) {
    throw fault("is not the manifest of a bundle");
  }
  if (value.format !== BUNDLE_FORMAT)
    throw unsupported(digest, `has the format "${value.format.slice(0, 80)}"`);
  const { task, engine } = value;
  if (!isTask(task)) throw unsupported(digest, `is for the task ${JSON.stringify(task)?.slice(0, 80)}`);
  if (typeof engine !== "string" || engine === "") throw fault("names no engine");
  if (!isRecord(value.files)) throw fault("lists no files");
  const entries = value.files;
  const entry = (file: BundleFile): BundleFileEntry => {
    const found = entries[file];
    if (!isRecord(found)) throw fault(`does not list the file "${file}"`);
    const { digest: name, bytes: size } = found;
    if (typeof name !== "string" || !isDigest(name) || !Number.isSafeInteger(size)) {
      throw fault(`lists the file "${file}" without its digest and size`);
    }
    return { digest: name, bytes: Number(size) };
  };
  return {
    format: BUNDLE_FORMAT,
    task,
    engine,
    files: {
      model: entry("model"),
      features: entry("features"),
      signature: entry("signature"),
      profile: entry("profile"),
      ...Object.fromEntries(
        OPTIONAL_FILES.filter((file) => entries[file] !== undefined).map((file) => [file, entry(file)]),
      ),
    },
  };
}

/** Every blob that a bundle consists of, its manifest included: what must be kept as long as the bundle is. */
export function bundleBlobs(digest: Digest, manifest: BundleManifest): Digest[] {
  const files = [...FILES, ...OPTIONAL_FILES].map((file) => manifest.files[file]);
  return [digest, ...files.filter((file) => file !== undefined).map((file) => file.digest)];
}

async function readFile(
  blobs: BlobStore,
  { bundle, file, entry }: { bundle: Digest; file: BundleFile; entry: BundleFileEntry },
): Promise<Buffer> {
  try {
    return await blobs.get(entry.digest);
  } catch (thrown) {
    throw damagedBlob(thrown, { bundle, file, bytes: entry.bytes });
  }
}

function parseJson(bytes: Buffer, { bundle, file }: { bundle: Digest; file: string }): JsonValue {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (thrown) {
    throw damaged({ bundle, file, fault: "is not JSON", cause: thrown });
  }
}

function readItems(value: JsonValue, bundle: Digest): KnownItems {
  const items = parseItems(value);
  if ("fault" in items) throw damaged({ bundle, file: "items", fault: items.fault });
  return items;
}

function readSignature(value: JsonValue, bundle: Digest): Signature {
  try {
    return parseSignature(value);
  } catch (thrown) {
    if (!bundleErrors.BUNDLE_BAD_SIGNATURE.is(thrown)) throw thrown;
    throw damaged({
      bundle,
      file: "signature",
      fault: `is not a signature (${thrown.message})`,
      cause: thrown,
    });
  }
}

/** Says what a missing or damaged blob means for its bundle; other errors (no permission) stay what they are. */
function damagedBlob(thrown: unknown, at: { bundle: Digest; file: string; bytes?: number }): unknown {
  if (storageErrors.STORAGE_BLOB_MISSING.is(thrown)) {
    return damaged({ ...at, fault: "is missing", path: String(thrown.details.path), cause: thrown });
  }
  if (storageErrors.STORAGE_BLOB_DAMAGED.is(thrown)) {
    const got = Number(thrown.details.bytes);
    const fault =
      at.bytes !== undefined && got !== at.bytes
        ? `has ${got} bytes instead of ${at.bytes}`
        : "has been altered";
    return damaged({ ...at, fault, path: String(thrown.details.path), cause: thrown });
  }
  return thrown;
}

interface Damage {
  readonly bundle: Digest;
  readonly file: string;
  readonly fault: string;
  readonly path?: string;
  readonly cause?: unknown;
}

function damaged({ bundle, file, fault, path, cause }: Damage): SlipwayError {
  const where = path === undefined ? "" : ` (${path})`;
  return bundleErrors.BUNDLE_DAMAGED.error(
    `bundle ${shortDigest(bundle)}: its file "${file}"${where} ${fault}`,
    {
      details: { bundle, file, ...(path === undefined ? {} : { path }) },
      hint:
        file === "manifest"
          ? "Restore the file from a backup, or repeat `slipway train`: the same data and configuration write it again."
          : "Restore the file from a backup, or let `slipway reproduce` write it again.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function unsupported(bundle: Digest, what: string): SlipwayError {
  return bundleErrors.BUNDLE_UNSUPPORTED.error(
    `bundle ${shortDigest(bundle)} ${what}, which this version does not know; it knows "${BUNDLE_FORMAT}" for binary, regression and multiclass`,
    { details: { bundle }, hint: "Open it with the version that wrote it, or a newer one." },
  );
}

/** The digest a bundle of this manifest has. */
export function bundleDigest(manifest: BundleManifest): Digest {
  return digestOf(canonicalJson(manifest));
}
