import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { constants, copyFile, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import {
  type Clock,
  createDigester,
  type Digest,
  digestOf,
  entropy,
  isDigest,
  parseDigest,
  type SlipwayError,
  systemClock,
} from "../kernel/index.ts";
import { syncDirectory, syncFile } from "./durable-files.ts";
import { storageErrors } from "./errors.ts";
import { fileError, isSystemError } from "./file-errors.ts";

/** A temporary file of a process that cannot be asked (another host) is abandoned after this long without a write. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

export interface BlobStat {
  readonly bytes: number;
  /** Epoch milliseconds at which the blob was written, written again or retained. */
  readonly usedAt: number;
}

/**
 * Immutable byte strings named by their sha256, as files `<directory>/sha256/<first two digits>/<digest>`.
 * A blob appears whole or not at all: it is written to `<directory>/tmp`, fsynced, renamed, and its folder fsynced.
 * Several processes may use one directory at the same time.
 *
 * All methods throw STORAGE_DISK_FULL or STORAGE_IO when the file system refuses, KERNEL_BAD_DIGEST for a digest that is none.
 */
class FileBlobs {
  readonly directory: string;
  readonly #temporary: string;

  constructor(directory: string) {
    this.directory = directory;
    this.#temporary = join(directory, "tmp");
  }

  /** Stores `bytes` durably. Storing what is already there repairs it if it was damaged, and retains it otherwise. */
  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    if (await this.#isWhole(digest)) return digest;
    const temporary = this.temporaryPath();
    await guarded("write blob", temporary, async () => {
      try {
        const handle = await open(temporary, "wx");
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await this.#publish(temporary, digest);
      } finally {
        await rm(temporary, { force: true });
      }
    });
    return digest;
  }

  /**
   * Stores the contents of a file durably. With `move` the file itself becomes the blob where both are on one file
   * system (see `temporaryPath`), and is gone afterwards in every case; otherwise it is copied and stays.
   */
  async putFile(path: string, options: { readonly move?: boolean } = {}): Promise<Digest> {
    return await guarded("store file", path, async () => {
      const digest = options.move && (await this.#tryMove(path));
      if (digest) return digest;
      const temporary = this.temporaryPath();
      try {
        await copyFile(path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
        // The copy is digested, not the original: whatever happens to the original meanwhile, name and bytes agree.
        const copied = await this.#adopt(temporary);
        if (options.move) await rm(path, { force: true });
        return copied;
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  /** The bytes of a blob, verified. @throws STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
  async get(digest: Digest): Promise<Buffer> {
    const path = this.path(digest);
    const { bytes, got } = await guarded("read blob", path, async () => {
      try {
        return await readAndDigest(path);
      } catch (thrown) {
        throw isSystemError(thrown, "ENOENT") ? missing(digest, path) : thrown;
      }
    });
    if (got !== digest) throw damaged({ digest, got, path, bytes: bytes.length });
    return bytes;
  }

  /** Reads a blob through without keeping it in memory. @throws STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
  async verify(digest: Digest): Promise<void> {
    const path = this.path(digest);
    await guarded("read blob", path, async () => {
      const { bytes } = await this.stat(digest);
      const got = await digestOfFile(path);
      if (got !== digest) throw damaged({ digest, got, path, bytes });
    });
  }

  /** Whether the blob is there; says nothing about its being undamaged. */
  async has(digest: Digest): Promise<boolean> {
    return (await this.#find(digest)) !== undefined;
  }

  /** @throws STORAGE_BLOB_MISSING */
  async stat(digest: Digest): Promise<BlobStat> {
    const found = await this.#find(digest);
    if (found === undefined) throw missing(digest, this.path(digest));
    return found;
  }

  /** Where the blob lies or would lie. Whoever opens it there reads only, and verifies first if that matters. */
  path(digest: Digest): string {
    parseDigest(digest);
    return join(this.directory, "sha256", digest.slice(0, 2), digest);
  }

  /** Every stored blob, in order of digest. */
  async *list(): AsyncGenerator<Digest, void, undefined> {
    for (const shard of (await this.#namesIn(join(this.directory, "sha256"))).sort()) {
      for (const name of (await this.#namesIn(join(this.directory, "sha256", shard))).sort()) {
        if (isDigest(name)) yield name;
      }
    }
  }

  /** Removes a blob; true when it was there. Whoever calls has made sure that nothing refers to it. */
  async delete(digest: Digest): Promise<boolean> {
    const path = this.path(digest);
    return await guarded("delete blob", path, async () => {
      try {
        await rm(path);
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return false;
        throw thrown;
      }
      await syncDirectory(dirname(path));
      return true;
    });
  }

  /**
   * Makes a blob count as used now, so that garbage collection leaves it alone for its grace period. False when it is not
   * there.
   */
  async retain(digest: Digest): Promise<boolean> {
    const path = this.path(digest);
    return await guarded("retain blob", path, async () => {
      try {
        const now = systemClock() / 1000;
        await utimes(path, now, now);
        return true;
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return false;
        throw thrown;
      }
    });
  }

  /**
   * Removes a blob unless it was used at or after a time, even where somebody uses it just now: it is taken aside, looked
   * at again and put back if it has been used meanwhile. Whoever wants to use it in that moment finds it missing and
   * writes it.
   *
   * @param before epoch milliseconds
   * @returns the bytes that were freed, or undefined when it was left or not there
   */
  async deleteUnused(digest: Digest, before: number): Promise<number | undefined> {
    const path = this.path(digest);
    return await guarded("delete blob", path, async () => {
      const found = await this.#find(digest);
      if (found === undefined || found.usedAt >= before) return undefined;
      const aside = this.temporaryPath();
      try {
        await rename(path, aside);
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return undefined;
        throw thrown;
      }
      if ((await stat(aside)).mtimeMs >= before) {
        await rename(aside, path);
        await syncDirectory(dirname(path));
        return undefined;
      }
      await rm(aside);
      await syncDirectory(dirname(path));
      return found.bytes;
    });
  }

  /**
   * A fresh path on the store's file system for a file that is to be handed to `putFile` with `move`. If the process
   * dies before, the next one that opens the store removes the file.
   */
  temporaryPath(): string {
    return join(this.#temporary, temporaryName());
  }

  /** The digest of the file now stored, or undefined when it lies on another file system. */
  async #tryMove(path: string): Promise<Digest | undefined> {
    const temporary = this.temporaryPath();
    try {
      await rename(path, temporary);
    } catch (thrown) {
      if (isSystemError(thrown, "EXDEV")) return undefined;
      throw thrown;
    }
    try {
      return await this.#adopt(temporary);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #adopt(temporary: string): Promise<Digest> {
    const digest = await digestOfFile(temporary);
    if (await this.#isWhole(digest)) return digest;
    await syncFile(temporary);
    await this.#publish(temporary, digest);
    return digest;
  }

  async #publish(temporary: string, digest: Digest): Promise<void> {
    const path = this.path(digest);
    const created = await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    if (created !== undefined) await syncDirectory(dirname(dirname(path)));
  }

  /** True when the blob is there, undamaged and certain to stay: a process that wrote it may not have come to the fsync. */
  async #isWhole(digest: Digest): Promise<boolean> {
    const path = this.path(digest);
    return await guarded("read blob", path, async () => {
      try {
        if ((await digestOfFile(path)) !== digest || !(await this.retain(digest))) return false;
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return false;
        throw thrown;
      }
      await syncDirectory(dirname(path));
      return true;
    });
  }

  async #find(digest: Digest): Promise<BlobStat | undefined> {
    const path = this.path(digest);
    return await guarded("look at blob", path, async () => {
      try {
        const { size, mtimeMs } = await stat(path);
        return { bytes: size, usedAt: mtimeMs };
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return undefined;
        throw thrown;
      }
    });
  }

  async #namesIn(directory: string): Promise<string[]> {
    return await guarded("list", directory, async () => {
      try {
        return await readdir(directory);
      } catch (thrown) {
        if (isSystemError(thrown, "ENOENT")) return [];
        throw thrown;
      }
    });
  }
}

/** Where a project's content-addressed files live. */
export type BlobStore = FileBlobs;

/** So much is digested at once: what else waits for the event loop waits for a fraction of a millisecond. */
const SLICE_BYTES = 256 * 1024;

/** The bytes of a file in memory of their own, and their digest, a slice at a time. */
async function readAndDigest(path: string): Promise<{ readonly bytes: Buffer; readonly got: Digest }> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    const digester = createDigester();
    let length = 0;
    while (length < size) {
      const { bytesRead } = await handle.read(bytes, length, Math.min(SLICE_BYTES, size - length), length);
      if (bytesRead === 0) break;
      digester.update(bytes.subarray(length, length + bytesRead));
      length += bytesRead;
    }
    return { bytes: length === size ? bytes : bytes.subarray(0, length), got: digester.digest() };
  } finally {
    await handle.close();
  }
}

/**
 * Opens the blobs under `directory`, creating it when needed, and removes what dead processes left half written.
 *
 * @throws STORAGE_IO, STORAGE_DISK_FULL
 */
export function openFileBlobs(directory: string, options: { readonly clock?: Clock } = {}): BlobStore {
  const temporary = join(directory, "tmp");
  try {
    mkdirSync(temporary, { recursive: true });
    for (const name of readdirSync(temporary)) {
      const path = join(temporary, name);
      if (isAbandoned(name, path, options.clock ?? systemClock))
        rmSync(path, { force: true, recursive: true });
    }
  } catch (thrown) {
    throw fileError(thrown, "open the blobs in", directory);
  }
  return new FileBlobs(directory);
}

/** `<host>~<process id>~<random>` */
function temporaryName(): string {
  return [encodeURIComponent(hostname()), process.pid, entropy(8).toString("hex")].join("~");
}

function isAbandoned(name: string, path: string, clock: Clock): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return false;
  const idleMs = clock() - info.mtimeMs;
  const [host, pid] = name.split("~");
  if (host === encodeURIComponent(hostname()) && pid !== undefined && /^[1-9]\d*$/.test(pid)) {
    // Our own process id may have been an earlier process's: such a file is older than this process.
    if (Number(pid) === process.pid) return idleMs > process.uptime() * 1000 + 1000;
    if (!isAlive(Number(pid))) return true;
  }
  return idleMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !isSystemError(thrown, "ESRCH");
  }
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return parseDigest(hash.digest("hex"));
}

async function guarded<Result>(what: string, path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (thrown) {
    throw fileError(thrown, what, path);
  }
}

function missing(digest: Digest, path: string): SlipwayError {
  return storageErrors.STORAGE_BLOB_MISSING.error(`blob ${digest} is not stored (looked for ${path})`, {
    details: { digest, path },
  });
}

function damaged(found: { digest: Digest; got: Digest; path: string; bytes: number }): SlipwayError {
  return storageErrors.STORAGE_BLOB_DAMAGED.error(
    `blob ${found.digest} is damaged: the ${found.bytes} bytes in ${found.path} have the digest ${found.got}`,
    {
      details: found,
      hint: "Restore the file from a backup, or produce it again by the command that made it.",
    },
  );
}
