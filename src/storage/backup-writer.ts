import { readdir, rm, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { canonicalJson, type Digest } from "../kernel/index.ts";
import { type ArchiveWriter, openArchiveWriter } from "./archive-writer.ts";
import type { BlobStore } from "./blobs.ts";
import { storageErrors } from "./errors.ts";
import { fileError, isSystemError } from "./file-errors.ts";

/** Names in the archive. First the header, then blobs and files, the rows, and last what there is of them. */
export const BACKUP_HEADER = "slipway-backup.json";
export const BACKUP_ROWS = "database.ndjson";
export const BACKUP_CONTENTS = "contents.json";
export const BACKUP_BLOBS = "blobs/";
export const BACKUP_FORMAT = "slipway.backup/1";

/** What a backup says of itself. */
export interface BackupHeader {
  readonly format: typeof BACKUP_FORMAT;
  /** Id of the installation. */
  readonly installation: string;
  /** Version of Slipway. */
  readonly slipway: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The last file of a backup: all others but blobs, which are named by their digest. */
export interface BackupContents {
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly digest: Digest }[];
  readonly blobs: number;
  readonly blobBytes: number;
}

/** A folder of files that only grow, or a file, and the name it has in the backup. */
export interface KeptPath {
  readonly name: string;
  readonly path: string;
}

export function encodeContents(contents: BackupContents): Buffer {
  return Buffer.from(canonicalJson(contents));
}

export interface BackupRequest {
  /** A path where nothing is yet. */
  readonly out: string;
  readonly header: Omit<BackupHeader, "format">;
  readonly blobs: BlobStore;
  readonly kept: readonly KeptPath[];
  /** Writes the rows of the database, as of one moment, to a new file. */
  readonly dumpDatabase: (path: string) => Promise<number>;
  readonly onProgress?: (bytes: { readonly done: number; readonly of: number }) => void;
  readonly signal?: AbortSignal;
}

export interface BackupSummary {
  readonly bytes: number;
  readonly digest: Digest;
  readonly rows: number;
  readonly blobs: number;
  readonly files: number;
}

/**
 * Writes everything that is kept to one file while it is in use. Lengths of files are taken first, then the rows of the
 * database, then the blobs: so whatever a log names is in the database, and whatever the database names is a blob of the
 * backup.
 *
 * @throws STORAGE_FILE_CHANGED when garbage was collected meanwhile, STORAGE_BLOB_DAMAGED, and the errors of files
 */
export async function writeBackup(request: BackupRequest): Promise<BackupSummary> {
  const { blobs, signal } = request;
  const files: SizedFile[] = [];
  // One after the other: what comes later may speak of what came before.
  for (const kept of request.kept) files.push(...(await filesOf(kept)));
  const before = await digestsOf(blobs);
  const rowsPath = blobs.temporaryPath();
  try {
    const rows = await request.dumpDatabase(rowsPath);
    files.push({ name: BACKUP_ROWS, path: rowsPath, bytes: (await stat(rowsPath)).size });
    const digests = await digestsOf(blobs);
    for (const digest of before) if (!digests.has(digest)) throw collected(digest);
    const sized = await Promise.all([...digests].map((digest) => sizeOf(blobs, digest)));
    const blobBytes = sized.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const of = blobBytes + files.reduce((sum, { bytes }) => sum + bytes, 0);
    const onBytes = (bytes: number): void => {
      done += bytes;
      request.onProgress?.({ done, of });
    };
    const archive = await openArchiveWriter(request.out);
    try {
      const listed: BackupContents["files"][number][] = [];
      const header: BackupHeader = { format: BACKUP_FORMAT, ...request.header };
      const json = Buffer.from(canonicalJson(header));
      listed.push({
        name: BACKUP_HEADER,
        bytes: json.length,
        digest: await archive.add(BACKUP_HEADER, json),
      });
      for (const { digest, bytes } of sized)
        await addBlob(archive, { blobs, digest, file: { bytes, onBytes, signal } });
      for (const { name, path, bytes } of files) {
        const digest = await archive.addFile(name, { path, bytes, onBytes, signal });
        listed.push({ name, bytes, digest });
      }
      const contents: BackupContents = { files: listed, blobs: sized.length, blobBytes };
      await archive.add(BACKUP_CONTENTS, encodeContents(contents));
      return { ...(await archive.finish()), rows, blobs: sized.length, files: files.length - 1 };
    } finally {
      await archive.close();
    }
  } finally {
    await rm(rowsPath, { force: true });
  }
}

/** Adds a blob as `blobs/<digest>`. @throws STORAGE_FILE_CHANGED when it is gone, STORAGE_BLOB_DAMAGED */
export async function addBlob(
  archive: ArchiveWriter,
  {
    blobs,
    digest,
    file,
  }: {
    readonly blobs: BlobStore;
    readonly digest: Digest;
    readonly file: {
      readonly bytes: number;
      readonly onBytes?: ((bytes: number) => void) | undefined;
      readonly signal?: AbortSignal | undefined;
    };
  },
): Promise<void> {
  const path = blobs.path(digest);
  try {
    const got = await archive.addFile(`${BACKUP_BLOBS}${digest}`, { path, ...file });
    if (got === digest) return;
    throw storageErrors.STORAGE_BLOB_DAMAGED.error(
      `blob ${digest} is damaged: the bytes in ${path} have the digest ${got}`,
      {
        details: { digest, got, path },
        hint: "Restore the file from an earlier backup, or produce it again by the command that made it.",
      },
    );
  } catch (thrown) {
    throw storageErrors.STORAGE_IO.is(thrown) && thrown.details.errno === "ENOENT"
      ? collected(digest)
      : thrown;
  }
}

interface SizedFile extends KeptPath {
  readonly bytes: number;
}

/** The files of a folder, or the one file, with the lengths that they have now. */
async function filesOf({ name, path }: KeptPath): Promise<SizedFile[]> {
  try {
    const found = await stat(path).catch(unlessMissing);
    if (found === undefined) return [];
    if (!found.isDirectory()) return [{ name, path, bytes: found.size }];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files: SizedFile[] = [];
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const info = await stat(file).catch(unlessMissing);
      if (info === undefined) continue;
      files.push({
        name: `${name}/${relative(path, file).split(sep).join("/")}`,
        path: file,
        bytes: info.size,
      });
    }
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (thrown) {
    throw fileError(thrown, "look into", path);
  }
}

function unlessMissing(thrown: unknown): undefined {
  if (!isSystemError(thrown, "ENOENT")) throw thrown;
  return undefined;
}

async function digestsOf(blobs: BlobStore): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for await (const digest of blobs.list()) digests.add(digest);
  return digests;
}

async function sizeOf(blobs: BlobStore, digest: Digest): Promise<{ digest: Digest; bytes: number }> {
  try {
    return { digest, bytes: (await blobs.stat(digest)).bytes };
  } catch (thrown) {
    throw storageErrors.STORAGE_BLOB_MISSING.is(thrown) ? collected(digest) : thrown;
  }
}

function collected(digest: Digest): Error {
  return storageErrors.STORAGE_FILE_CHANGED.error(
    `blob ${digest} has been removed while it was to be copied: garbage was collected meanwhile`,
    { details: { digest }, hint: "Repeat the command." },
  );
}
