import { closeSync, constants, fsyncSync, openSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, isSystemError } from "./file-errors.ts";

/** Makes names created in, renamed into or removed from a directory survive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (thrown) {
    if (!cannotSync(thrown)) throw thrown;
  } finally {
    await handle.close();
  }
}

export function syncDirectorySync(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch (thrown) {
    if (!cannotSync(thrown)) throw thrown;
  } finally {
    closeSync(fd);
  }
}

/** Gives a finished draft the name it is for, in place of a file that has it. @throws STORAGE_IO */
export async function publishFile(draft: string, path: string): Promise<void> {
  try {
    await rename(draft, path);
    await syncDirectory(dirname(path));
  } catch (thrown) {
    throw fileError(thrown, "write", path);
  }
}

export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Some network and overlay file systems have no fsync for directories and say so; there is nothing more to do there. */
function cannotSync(thrown: unknown): boolean {
  return isSystemError(thrown, "EINVAL") || isSystemError(thrown, "ENOTSUP");
}
