import type { SlipwayError } from "../kernel/index.ts";
import { storageErrors } from "./errors.ts";

/** Errors by which operating systems say that there is no room: the disk, the user's quota, the largest file. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function isSystemError(thrown: unknown, code?: string): thrown is NodeJS.ErrnoException {
  if (!(thrown instanceof Error) || !("errno" in thrown) || typeof thrown.errno !== "number") return false;
  return "code" in thrown && typeof thrown.code === "string" && (code === undefined || thrown.code === code);
}

export function isNoRoom(thrown: unknown): boolean {
  return isSystemError(thrown) && NO_ROOM.has(thrown.code ?? "");
}

/** Turns what `node:fs` threw into STORAGE_DISK_FULL or STORAGE_IO; anything else is returned as it is. */
export function fileError(thrown: unknown, what: string, path: string): unknown {
  if (!isSystemError(thrown)) return thrown;
  const details = { path, errno: thrown.code ?? "" };
  if (isNoRoom(thrown))
    return diskFull(`no room on the disk to ${what} ${path} (${thrown.code})`, details, thrown);
  return storageErrors.STORAGE_IO.error(`could not ${what} ${path}: ${thrown.message}`, {
    details,
    cause: thrown,
  });
}

function diskFull(message: string, details: { path: string; errno: string }, cause: Error): SlipwayError {
  return storageErrors.STORAGE_DISK_FULL.error(message, {
    details,
    cause,
    hint: "Free some space and repeat the command.",
  });
}
