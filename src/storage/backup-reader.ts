import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf, isDigest } from "../kernel/index.ts";
import { type ArchiveEntry, archiveDamaged, readArchive } from "./archive-reader.ts";
import {
  BACKUP_BLOBS,
  BACKUP_CONTENTS,
  BACKUP_FORMAT,
  BACKUP_HEADER,
  type BackupContents,
  type BackupHeader,
  encodeContents,
} from "./backup-writer.ts";
import type { BlobStore } from "./blobs.ts";
import { syncDirectory } from "./durable-files.ts";
import { storageErrors } from "./errors.ts";

const MOST_JSON_BYTES = 256 * 1024 * 1024;

export interface UnpackRequest {
  readonly file: string;
  readonly blobs: BlobStore;
  /** An empty folder that takes everything but the blobs, under the names that it has in the backup. */
  readonly into: string;
  readonly onProgress?: (bytes: { readonly done: number; readonly of: number }) => void;
  readonly signal?: AbortSignal;
}

export interface Unpacked {
  readonly header: BackupHeader;
  readonly blobs: number;
  /** Besides blobs, header and rows. */
  readonly files: number;
}

/**
 * Reads a backup, verifying every file of it. When it throws, blobs that it has stored are gone again.
 *
 * @throws STORAGE_ARCHIVE_DAMAGED, STORAGE_ARCHIVE_UNSUPPORTED, STORAGE_IO, STORAGE_DISK_FULL
 */
export async function unpackBackup(request: UnpackRequest): Promise<Unpacked> {
  const stored: Digest[] = [];
  try {
    return await unpack(request, stored);
  } catch (thrown) {
    for (const digest of stored) await request.blobs.delete(digest);
    throw thrown;
  }
}

async function unpack(request: UnpackRequest, stored: Digest[]): Promise<Unpacked> {
  const { file, blobs, into, onProgress, signal } = request;
  const files: BackupContents["files"][number][] = [];
  let header: BackupHeader | undefined;
  let listed: Buffer | undefined;
  let blobCount = 0;
  let blobBytes = 0;
  for await (const entry of readArchive(file, {
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  })) {
    const { name, bytes } = entry;
    if (listed !== undefined) throw archiveDamaged(file, `${name} follows the list of contents`);
    if (header === undefined) {
      const json = await entry.read(MOST_JSON_BYTES);
      header = parseHeader(file, name, json);
      files.push({ name, bytes, digest: digestOf(json) });
    } else if (name === BACKUP_CONTENTS) listed = await entry.read(MOST_JSON_BYTES);
    else if (name.startsWith(BACKUP_BLOBS)) {
      const { digest, isNew } = await storeBlob({ archive: file, entry, blobs });
      if (isNew) stored.push(digest);
      blobCount++;
      blobBytes += bytes;
    } else {
      const target = join(into, name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      files.push({ name, bytes, digest: await entry.saveTo(target) });
      await syncDirectory(dirname(target));
    }
  }
  if (header === undefined || listed === undefined) throw archiveDamaged(file, "it is not whole");
  if (!listed.equals(encodeContents({ files, blobs: blobCount, blobBytes }))) {
    const list = listed.toString("latin1");
    const altered = files.find(({ digest }) => !list.includes(digest));
    throw archiveDamaged(
      file,
      altered === undefined ? "it holds other files than it lists" : `${altered.name} has been altered`,
    );
  }
  return { header, blobs: blobCount, files: files.length - 2 };
}

/**
 * Stores the blob that an archive holds as `blobs/<digest>`.
 *
 * @throws STORAGE_ARCHIVE_DAMAGED when the bytes have another digest
 */
export async function storeBlob({
  archive,
  entry,
  blobs,
}: {
  readonly archive: string;
  readonly entry: ArchiveEntry;
  readonly blobs: BlobStore;
}): Promise<{ readonly digest: Digest; readonly isNew: boolean }> {
  const digest = entry.name.slice(BACKUP_BLOBS.length);
  if (!isDigest(digest)) throw archiveDamaged(archive, `${entry.name} is not named by a digest`);
  const temporary = blobs.temporaryPath();
  try {
    if ((await entry.saveTo(temporary)) !== digest)
      throw archiveDamaged(archive, `${entry.name} has been altered`);
    const isNew = !(await blobs.has(digest));
    await blobs.putFile(temporary, { move: true });
    return { digest, isNew };
  } finally {
    await rm(temporary, { force: true });
  }
}

function parseHeader(file: string, name: string, json: Buffer): BackupHeader {
  const format =
    name === BACKUP_HEADER ? (parseJson(json) as Partial<BackupHeader> | null)?.format : undefined;
  if (typeof format !== "string" || !/^slipway\.backup\/\d+$/.test(format))
    throw archiveDamaged(file, "it is no backup");
  if (format === BACKUP_FORMAT) return parseJson(json) as BackupHeader;
  throw storageErrors.STORAGE_ARCHIVE_UNSUPPORTED.error(
    `${file} is a backup of the format "${format}"; this version knows "${BACKUP_FORMAT}"`,
    { details: { path: file, format }, hint: "Use the version that wrote it, or a newer one." },
  );
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString("utf8"));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/** Moves a restored folder or file to its place, durably; what lies there already is removed. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncDirectory(dirname(to));
}
