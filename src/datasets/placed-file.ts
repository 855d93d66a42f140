import { constants } from "node:fs";
import { access, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { datasetsErrors } from "./errors.ts";

/** Where a file of rows goes. */
export interface FilePlace {
  /** Absolute. What stands there is replaced. */
  readonly out: string;
  /** The file while it is written: in the same folder, and gone afterwards. */
  readonly draft: string;
}

/**
 * Writes a file so that `out` is what it was before or the whole new file, and nothing else is left behind.
 *
 * @throws DATASETS_CANNOT_WRITE
 */
export async function placeFile<Result>(
  { out, draft }: FilePlace,
  write: (path: string) => Promise<Result>,
): Promise<Result> {
  await checkPlace(out);
  try {
    const result = await write(draft);
    await sync(draft);
    await rename(draft, out);
    await sync(dirname(out));
    return result;
  } finally {
    await rm(draft, { force: true });
  }
}

async function checkPlace(out: string): Promise<void> {
  const folder = dirname(out);
  try {
    await access(folder, constants.W_OK);
    const there = await stat(out).catch((thrown: unknown) => {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    });
    if (there === undefined || there.isFile()) return;
  } catch (thrown) {
    const reason = isMissing(thrown) ? `there is no folder ${folder}` : messageOf(thrown);
    throw cannotWrite(out, reason, thrown);
  }
  throw cannotWrite(out, `${basename(out)} is not a file`);
}

function cannotWrite(out: string, reason: string, cause?: unknown): Error {
  return datasetsErrors.DATASETS_CANNOT_WRITE.error(`${out} cannot be written: ${reason}`, {
    details: { file: out },
    ...(cause === undefined ? {} : { cause }),
  });
}

function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR")
  );
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
